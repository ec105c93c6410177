// From a trace to the way of its dot: where it is at each moment, and how it looks there. Pure; places are names of nodes.

export const CLIENT = "the client";
export const LB = "lb";

const TO_LB_MS = 240;
const TO_ENDPOINT_MS = 340;
const HOP_MS = 320;
/** How long a failure is looked at before the dot goes on. */
const FAILURE_MS = 160;
/** A dot stays at an endpoint for longer the longer that took, though not as long: tens of milliseconds could not be seen, and
 * seconds would stand in the way. */
const stayMs = (us) => Math.min(900, 60 + 70 * Math.log2(1 + us / 2000));

/**
 * @typedef {{ from: string, to: string, at: number, ms: number, look: "asks" | "trial" | "good" | "failed" }} Leg a stay if both ends are one
 * @typedef {{ legs: Leg[], failures: { place: string, at: number }[], end: number }} Journey times in milliseconds from its start
 */

/** @param {Trace} trace @param {(cluster: string | null, endpoint: string) => string} placeOf @returns {Journey} */
export function journeyOf(trace, placeOf) {
  const legs = [];
  const failures = [];
  let at = 0;
  let place = CLIENT;
  const go = (to, ms, look) => {
    legs.push({ from: place, to, at, ms, look });
    at += ms;
    place = to;
  };

  go(LB, TO_LB_MS, "asks");
  trace.attempts.forEach((attempt, i) => {
    const next = placeOf(trace.cluster, attempt.endpoint);
    const look = i > 0 ? "failed" : attempt.turn === "trial" ? "trial" : "asks";
    go(next, place === LB ? TO_ENDPOINT_MS : HOP_MS, look);
    go(next, stayMs(attempt.us), attempt.turn === "trial" ? "trial" : "asks");
    const isLast = i === trace.attempts.length - 1;
    if (isLast ? !isGood(trace) : true) {
      failures.push({ place: next, at });
      go(next, FAILURE_MS, "failed");
    }
  });

  const look = isGood(trace) ? "good" : "failed";
  if (trace.reject) failures.push({ place: LB, at: place === LB ? at : at + TO_ENDPOINT_MS });
  if (place !== LB) go(LB, TO_ENDPOINT_MS, look);
  if (trace.reject) go(LB, FAILURE_MS, "failed");
  // An answer that nobody takes, or that broke off, does not arrive.
  if (trace.end === "delivered") go(CLIENT, TO_LB_MS, look);
  return { legs, failures, end: at };
}

const isGood = ({ status, end }) => status !== null && status < 500 && end === "delivered";

/** Where its dot is: a leg and how much of that is over; null before and after. @param {Journey} journey @param {number} ms */
export function whereabouts({ legs }, ms) {
  const leg = legs.findLast(({ at }) => at <= ms);
  if (!leg || ms >= leg.at + leg.ms) return null;
  return { leg, part: (ms - leg.at) / leg.ms };
}
