// What a server says of itself, from the last probe and from what this page saw with its own eyes.
// Pure. What lb believes of it is another matter: lb says that itself.

/** So long a probe may still tell what was true before the page asked for something else. */
const FRESH_MS = 2000;

const ACTIVE = { says: "active", words: "ACTIVE", detail: "" };

/** Why there was no answer, as lb-trace names it. The set is open: another word is said as it stands. */
const FAILURES = {
  connect: "not reachable",
  "connect-timeout": "no connection in time",
  closed: "connection closed",
  "response-timeout": "nothing in time",
  "invalid-header": "not valid HTTP",
  truncated: "cut short",
  send: "took no request",
};

/**
 * @param {{ probe: Probe | null, evidence: Evidence | undefined, probed: boolean, controls: boolean,
 *   ahead: number, now: number }} known `ahead`: by how much lb's clock is ahead of this one
 * @returns {{ says: "active" | "inactive" | "silent" | "unknown" | "other", words: string, detail: string }}
 */
export function whatItSays({ probe, evidence, probed, controls, ahead, now }) {
  if (evidence) {
    const stale = probe !== null && probe.at_ms - ahead < evidence.at;
    const wins = !probed || probe === null || stale || now - evidence.at < FRESH_MS;
    if (wins) return inWords(evidence.status, FAILURES[evidence.failure] ?? evidence.failure, controls);
  }
  if (probe === null) return { says: "unknown", words: probed ? "not probed yet" : "not probed", detail: "" };
  return probe.ok ? ACTIVE : inWords(probe.status, probe.says, controls);
}

function inWords(status, silence, controls) {
  if (status === null) return { says: "silent", words: "no answer:", detail: silence };
  if (status >= 200 && status < 300) return ACTIVE;
  if (status === 503 && controls) return { says: "inactive", words: "INACTIVE", detail: "(simulated failure)" };
  return { says: "other", words: `answers ${status}`, detail: "" };
}

/**
 * What an answer tells of the servers that were tried for it. An answer that was asked for before the evidence at hand
 * may be older than it, and changes nothing.
 * @param {Record<string, Evidence>} known @param {Answer} answer
 * @param {(name: string) => boolean} isProbed where servers are probed, only a failure that the demo simulates counts, and
 *   its end: what else a request meets need not be the server's health
 * @param {boolean} controls @returns {Record<string, Evidence>}
 */
export function evidenceFrom(known, answer, isProbed, controls) {
  const next = { ...known };
  for (const { server, status, failure } of answer.attempts ?? spoken(answer)) {
    // Another server was quicker: that this one would have failed is not said.
    if (failure === "overtaken") continue;
    const old = known[server];
    if (old && old.at >= answer.startedAt) continue;
    const begins = controls && status === 503;
    const ends = old?.status === 503 && status !== null && status < 300;
    if (!isProbed(server) || begins || ends) next[server] = { status, failure, at: answer.endedAt };
  }
  return next;
}

/** The one attempt that an answer without a trace lets see. */
function spoken({ server, status }) {
  return server ? [{ server, status, failure: "" }] : [];
}
