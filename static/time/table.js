// What the table behind the charts says: the counts of the window that is shown, in thirty steps. Pure.

import { milliseconds, perSecond, timeOfDay } from "../words.js";
import { stepsOf } from "./axis.js";
import { WINDOWS } from "./said.js";
import { pointOf } from "./series.js";
import { sumOf } from "./ticks.js";

const ROWS = 30;

/** @param {State} state @returns {{ caption: string, titles: string[], rows: string[][] }} */
export function timeTable({ time }) {
  const { ms, words } = WINDOWS[time.window];
  const stepMs = ms / ROWS;
  const hasOthers = time.layout.length > time.slots.length;
  const names = [...time.slots.map((key) => key ?? "–"), ...(hasOthers ? ["others"] : [])];
  const latency = (one) => (one === null ? "–" : milliseconds(one));
  return {
    caption: `Counts of the ${words}, in steps of ${stepMs / 1000} s, the latest first; as of ${timeOfDay(Date.now())}`,
    titles: ["Ended at", "Requests", "Errors", "p50", "p99", "Attempts per request", "Retried", ...names.map((name) => `At ${name}`)],
    rows: grouped(stepsOf(time), stepMs).map((steps) => {
      const point = pointOf(sumOf(steps), time.slots);
      return [timeOfDay(point.at), perSecond(point.requests), perSecond(point.errors), latency(point.p50), latency(point.p99),
        point.perRequest?.toFixed(2) ?? "–", perSecond(point.retried), ...point.bySlot.map(perSecond), ...(hasOthers ? [perSecond(point.others)] : [])];
    }),
  };
}

/** Steps that end in the same stretch of time, the latest first. */
function grouped(steps, ms) {
  const groups = new Map();
  for (const step of steps) {
    const key = Math.ceil(step.at_ms / ms);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(step);
  }
  return [...groups.values()].reverse();
}
