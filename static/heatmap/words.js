// The heatmap in words: its rows, its scale, and the table behind it. Pure.

import { rangeOf, stepsOf } from "../time/axis.js";
import { timeOfDay } from "../words.js";
import { cellKey, cellsOf, isLastRow, rowStartUs } from "./cells.js";

const TABLE_ROWS = 30;

/** @param {number} row */
export function rowInWords(row) {
  const [start, end] = [duration(rowStartUs(row)), duration(rowStartUs(row + 1))];
  if (row === 0) return `less than ${end}`;
  return isLastRow(row) ? `${start} or longer` : `${start} to ${end}`;
}

/** What each colour stands for. @param {number[]} levels */
export function levelsInWords(levels) {
  return levels.map((from, i) => {
    const next = levels[i + 1];
    if (next === undefined) return `${from} or more`;
    return next - from > 1 ? `${from} to ${next - 1}` : String(from);
  });
}

/** @param {State} state @param {string} chosen an endpoint's key, or empty */
export function heatmapTable({ time }, chosen) {
  const range = rangeOf(time);
  const { columnMs, first, columns, low, rows, counts } = cellsOf(stepsOf(time), chosen, range, TABLE_ROWS);
  const latencies = Array.from({ length: rows }, (_, i) => low + i);
  const times = Array.from({ length: columns }, (_, i) => first + columns - 1 - i);
  const what = chosen ? `attempts at ${chosen}, to the answer’s head,` : "requests, to the last byte,";
  return {
    caption: `How many ${what} took how long in the ${range.words}, in steps of ${columnMs / 1000} s, the latest first`,
    titles: ["From", ...latencies.map(rowInWords)],
    rows: times.map((column) => [timeOfDay(column * columnMs), ...latencies.map((row) => String(counts.get(cellKey(column, row)) ?? 0))]),
  };
}

function duration(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 1_000_000) return `${Math.round(us / 100) / 10} ms`;
  return `${Math.round(us / 100_000) / 10} s`;
}
