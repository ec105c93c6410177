// The numbers of the last ten seconds, from what lb counted; for the row of numbers, the flow and its sentence. Pure.

import { quantileMs } from "./latency.js";
import { attemptsByKey, lastOf, sumOf } from "./ticks.js";

export const RECENT_MS = 10_000;

/**
 * @param {TimeState} time
 * @returns {{ seconds: number, requests: number, errors: number, retried: number, attempts: number, rate: number,
 *   p99: number | null, byKey: Map<string, number> } | null} null if lb told no counts
 */
export function recentOf({ steps }) {
  const recent = lastOf(steps["5m"], RECENT_MS);
  if (recent.length === 0) return null;
  const sum = sumOf(recent.map((step) => ({ ...step, endpoints: [] })));
  const seconds = sum.ms / 1000;
  return { ...sum, seconds, rate: sum.requests / seconds, p99: quantileMs(sum.latency, 0.99), byKey: attemptsByKey(recent) };
}
