// The one axis of time that charts, events and heatmap share: which stretch it shows, where its left and right edges are,
// and the cursor on it, which all of them show at once.

import { WINDOWS } from "./said.js";

/** What is left of the axis for numbers, and right of it, in CSS pixels. The style sheet has the same two. */
export const LEFT = 56;
export const RIGHT = 8;

/** @param {TimeState} time @returns {{ from: number, to: number, ms: number, stepMs: number, words: string }} */
export function rangeOf({ window, steps }) {
  const { ms, stepMs, words } = WINDOWS[window];
  // Before anything was counted, the axis ends now.
  const to = Math.max(steps[window]?.at(-1)?.at_ms ?? 0, steps["5m"].at(-1)?.at_ms ?? 0) || Date.now();
  return { from: to - ms, to, ms, stepMs, words };
}

/** Where that time is, in pixels from the left of a place that is so wide. */
export function placeOf(at, { from, ms }, width) {
  return LEFT + ((at - from) / ms) * (width - LEFT - RIGHT);
}

/** The time there. */
export function timeAt(x, { from, ms }, width) {
  return from + ((x - LEFT) / (width - LEFT - RIGHT)) * ms;
}

/** The steps that are drawn. @param {TimeState} time @returns {Step[]} */
export const stepsOf = ({ window, steps }) => steps[window] ?? [];

/** @returns {{ at: number | null, move: (at: number | null) => void, onMove: (drawing: (at: number | null) => void) => void }} */
export function createCursor() {
  const drawings = [];
  let frame = 0;
  const cursor = {
    at: null,
    move(at) {
      if (at === cursor.at) return;
      cursor.at = at;
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        for (const drawing of drawings) drawing(cursor.at);
      });
    },
    onMove: (drawing) => drawings.push(drawing),
  };
  return cursor;
}
