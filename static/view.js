// From the store to the words of one server's card. Pure: touches no element. How the card looks is card.js.

import { whatItSays } from "./evidence.js";
import { beliefName, counted, milliseconds, percent, secondsLeft } from "./words.js";

/**
 * The endpoint that a bare name means, as traces and controls give it: the first of that name.
 * @param {Status | null} status @param {string} name
 */
export function endpointNamed(status, name) {
  for (const cluster of status?.clusters ?? []) {
    const endpoint = cluster.endpoints.find((one) => one.name === name);
    if (endpoint) return { cluster, endpoint };
  }
  return null;
}

/** Every server in config order, each with a key of its own. @param {Status} status */
export function serversOf(status) {
  const keys = new Set();
  return status.clusters.flatMap((cluster) => cluster.endpoints.map((endpoint) => {
    const key = keys.has(endpoint.name) ? `${cluster.name}/${endpoint.name}` : endpoint.name;
    keys.add(key);
    return { key, cluster, endpoint };
  }));
}

/**
 * How long an endpoint's ejection still lasts, in milliseconds: not longer than all of it. A status that was long on its way
 * lets lb's clock seem behind, and three seconds would be told as four.
 * @param {Endpoint} endpoint @param {number} now by lb's clock
 */
export function leftOf({ since_ms, until_ms }, now) {
  return until_ms === null ? 0 : until_ms - Math.max(now, since_ms);
}

/** What the server of that key says just now. @param {State} state @param {string} key @param {number} now */
export function saysNow(state, { key, cluster, endpoint }, now) {
  return whatItSays({
    probe: endpoint.probe,
    evidence: state.evidence[key],
    probed: cluster.probed,
    controls: state.controls === true,
    ahead: state.ahead,
    now,
  });
}

/** All that one card shows. @param {State} state @param {ReturnType<typeof serversOf>[number]} server @param {number} now */
export function cardOf(state, server, now) {
  const { key, endpoint } = server;
  const { says, words, detail } = saysNow(state, server, now);
  const left = leftOf(endpoint, now + state.ahead);
  const count = state.tally.byServer[key] ?? 0;
  const total = Object.values(state.tally.byServer).reduce((sum, one) => sum + one, 0);
  const ejected = endpoint.belief === "ejected";
  return {
    says,
    saysWords: words,
    saysDetail: detail,
    belief: endpoint.belief,
    beliefWords: beliefName(endpoint.belief) + (ejected ? ` ${secondsLeft(left)}` : ""),
    ringLeft: ejected && endpoint.until_ms ? clamp(left / (endpoint.until_ms - endpoint.since_ms)) : 1,
    reason: endpoint.reason,
    lesson: lessonOf(says, endpoint.belief, secondsLeft(left)),
    // Where no demo offers controls and nobody sends, only what lb itself counts is of use.
    counts: state.controls !== false || state.tally.sent > 0,
    count: String(count),
    share: percent(count, total),
    shareOfOne: total > 0 ? count / total : 0,
    latency: endpoint.latency_us === null ? "–" : milliseconds(endpoint.latency_us / 1000),
    attempts: `${counted(endpoint.attempts, "attempt", "attempts")} since lb started, ${endpoint.failures} failed`,
    button: state.asking.includes(key) ? `Asking ${key} …` : says === "inactive" ? "Restore Server" : "Simulate Failure",
    asking: state.asking.includes(key),
    offered: state.controls === true,
  };
}

/** What is to be learned while the server and lb do not agree; empty while they do. */
function lessonOf(says, belief, left) {
  const fails = says === "inactive" || says === "silent" || says === "other";
  if (fails && belief === "up") return "It fails, and lb has not noticed yet.";
  if (says === "active" && belief === "ejected") return `It works again; a trial in ${left} will show lb.`;
  if (says === "active" && belief === "down") return "It works again; lb waits for more good probes.";
  return "";
}

const clamp = (part) => Math.min(1, Math.max(0, part));
