// From steps of time to the columns that charts and tables show. Pure. Rates are a second, latencies milliseconds.

import { slotOf } from "./palette.js";
import { quantileMs } from "./latency.js";

/** A hole longer than so many steps is drawn as one. */
const HOLE = 2.5;

/**
 * @typedef {{ at: number, ms: number, requests: number, errors: number, failures: number, retried: number, p50: number | null,
 *   p99: number | null, perRequest: number | null, bySlot: number[], others: number }} Point
 */

/** Steps do not change: what was made of one is made again only for other colours. @type {WeakMap<Step, { slots: any, point: Point }>} */
const made = new WeakMap();

/** @param {Step} step @param {(string | null)[]} slots @returns {Point} */
export function pointOf(step, slots) {
  const known = made.get(step);
  if (known?.slots === slots) return known.point;
  const point = newPoint(step, slots);
  made.set(step, { slots, point });
  return point;
}

function newPoint(step, slots) {
  const perSecond = (count) => (step.ms > 0 ? (1000 * count) / step.ms : 0);
  const bySlot = slots.map(() => 0);
  let others = 0;
  let failures = 0;
  step.endpoints.forEach(({ n, f }, place) => {
    const slot = slotOf(slots, step.keys[place]);
    if (slot < 0) others += perSecond(n);
    else bySlot[slot] += perSecond(n);
    failures += f ?? 0;
  });
  return {
    at: step.at_ms,
    ms: step.ms,
    requests: perSecond(step.requests),
    errors: perSecond(step.errors),
    failures: perSecond(failures),
    retried: perSecond(step.retried),
    p50: quantileMs(step.latency, 0.5),
    p99: quantileMs(step.latency, 0.99),
    perRequest: step.requests > 0 ? Math.max(1, step.attempts / step.requests) : null,
    bySlot,
    others,
  };
}

/**
 * @param {Step[]} steps @param {(string | null)[]} slots @param {number} stepMs
 * @returns {(Point | { at: number, hole: true })[]}
 */
export function pointsOf(steps, slots, stepMs) {
  const points = [];
  steps.forEach((step, i) => {
    const before = steps[i - 1];
    if (before && step.at_ms - step.ms - before.at_ms > (HOLE - 1) * stepMs) points.push({ at: before.at_ms + 1, hole: true });
    points.push(pointOf(step, slots));
  });
  return points;
}

/** A column of uPlot's. @param {ReturnType<typeof pointsOf>} points @param {(point: Point) => number | null} value */
export const column = (points, value) => points.map((point) => (point.hole ? null : value(point)));

/** The point that is nearest to that time, or the last one. @param {Point[]} points @param {number | null} at */
export function pointAt(points, at) {
  const real = points.filter((point) => !point.hole);
  if (at === null || real.length === 0) return real.at(-1) ?? null;
  return real.reduce((best, point) => (Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best));
}
