// Events that are too near to each other for a mark each. Pure.

import { placeOf } from "../time/axis.js";

/** So many pixels apart, two marks can be told apart. */
const APART = 15;
/** lb tells of what happened since the last tick, which is where the axis ends. */
const AHEAD_MS = 1500;

/** The worst first: of several events at a place, that one is shown. */
const WORST = [
  ({ kind, to }) => kind === "belief" && (to === "ejected" || to === "down"),
  ({ kind, state }) => kind === "drill" && state === "failed",
  ({ kind }) => kind === "started" || kind === "stopping" || kind === "reloaded" || kind === "reload-refused",
  ({ kind }) => kind === "fault-began",
  ({ kind }) => kind === "changed" || kind === "drill",
  ({ kind }) => kind === "belief",
  ({ kind }) => kind === "fault-ended",
];

/**
 * @param {Event[]} events in the order of time @param {{ from: number, to: number, ms: number }} range @param {number} width
 * @returns {{ at: number, events: Event[], worst: Event }[]} `at` is when the worst of them was
 */
export function groupsOf(events, range, width) {
  const groups = [];
  let begin = -Infinity;
  for (const event of events) {
    if (event.at_ms <= range.from || event.at_ms > range.to + AHEAD_MS) continue;
    const x = placeOf(event.at_ms, range, width);
    if (x - begin < APART) {
      groups.at(-1).events.push(event);
      continue;
    }
    begin = x;
    groups.push({ events: [event] });
  }
  return groups.map((group) => {
    const worst = group.events.reduce((a, b) => (rank(b) < rank(a) ? b : a));
    return { ...group, worst, at: worst.at_ms };
  });
}

function rank(event) {
  const found = WORST.findIndex((is) => is(event));
  return found < 0 ? WORST.length : found;
}
