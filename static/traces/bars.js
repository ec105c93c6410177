// A trace as bars on one time scale: what waited where, for how long. Pure.

import { took } from "./words.js";

const WORDS = { queue: "queue", connect: "connect", wait: "wait for the first byte", body: "body" };

/**
 * @typedef {{ kind: "queue" | "connect" | "wait" | "body", from: number, part: number }} Segment `from` and `part` of the whole, 0 to 1
 * @typedef {{ attempt: TraceAttempt | null, segments: Segment[], numbers: string }} Row `attempt` is null for the wait in lb's queue
 */

/** @param {Trace} trace @returns {{ whole: number, rows: Row[] }} `whole` in microseconds */
export function barsOf(trace) {
  const { attempts, queued_us, us } = trace;
  const whole = Math.max(1, us, queued_us, ...attempts.map((one) => one.after_us + one.us));
  const rows = [];
  const row = (attempt, pieces) => {
    const kept = pieces.filter(([, , length]) => length > 0);
    rows.push({
      attempt,
      segments: kept.map(([kind, from, length]) => ({ kind, from: from / whole, part: length / whole })),
      numbers: kept.map(([kind, , length]) => `${WORDS[kind]} ${took(length)}`).join(" · "),
    });
  };
  if (queued_us > 0) row(null, [["queue", 0, queued_us]]);
  const delivered = deliveredBy(trace);
  for (const attempt of attempts) {
    const { after_us, connect_us, reused, us: length } = attempt;
    // Without a connection of its own or somebody's, it spent its time on getting one.
    const connect = Math.min(length, connect_us ?? (reused || attempt.status !== null ? 0 : length));
    const end = after_us + length;
    row(attempt, [
      ["connect", after_us, connect],
      ["wait", after_us + connect, length - connect],
      ["body", end, attempt === delivered ? us - end : 0],
    ]);
  }
  return { whole, rows };
}

/** Whose answer the client got; null if nobody's. */
function deliveredBy({ attempts, status, reject }) {
  if (reject !== null || status === null) return null;
  return attempts.findLast((one) => one.status === status) ?? null;
}
