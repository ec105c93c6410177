// From steps of time to the cells of the heatmap: time across, latency upwards, a count in each. Pure.

import { BUCKETS, bucketStartUs } from "../time/latency.js";

/** lb has four buckets to a power of two; that many to a row can be told apart by eye. */
const BUCKETS_A_ROW = 4;
const FEWEST_ROWS = 6;
const LEVELS = 5;

/**
 * @param {Step[]} steps @param {string} chosen an endpoint's key, or empty for the requests of all
 * @param {{ from: number, to: number, ms: number }} range @param {number} most columns
 * @returns {{ columnMs: number, first: number, columns: number, low: number, rows: number, counts: Map<number, number>, highest: number }}
 *   `first` is the number of the first column since the epoch, `low` the lowest row; cells are found by cellKey()
 */
export function cellsOf(steps, chosen, { from, to, ms }, most) {
  const columnMs = columnLength(ms, most);
  const first = Math.floor(from / columnMs);
  const counts = new Map();
  let [low, high, highest] = [Infinity, -Infinity, 0];
  for (const step of steps) {
    if (step.at_ms <= from) continue;
    // A step belongs to the moment in its middle: one that ends on a border is of the column before it.
    const column = Math.floor((step.at_ms - step.ms / 2) / columnMs);
    for (const [bucket, count] of latencyOf(step, chosen)) {
      const row = Math.floor(bucket / BUCKETS_A_ROW);
      const key = cellKey(column, row);
      const sum = (counts.get(key) ?? 0) + count;
      counts.set(key, sum);
      low = Math.min(low, row);
      high = Math.max(high, row);
      highest = Math.max(highest, sum);
    }
  }
  if (highest === 0) [low, high] = [4, 4 + FEWEST_ROWS - 1];
  const rows = Math.max(FEWEST_ROWS, high - low + 1);
  return { columnMs, first, columns: Math.floor(to / columnMs) - first + 1, low, rows, counts, highest };
}

const ROWS = BUCKETS / BUCKETS_A_ROW;
export const cellKey = (column, row) => column * ROWS + row;

/** Where a row begins, in microseconds. */
export const rowStartUs = (row) => bucketStartUs(row * BUCKETS_A_ROW);
export const isLastRow = (row) => row >= ROWS - 1;

/**
 * The borders of the colour scale: counts from each of them on have that colour. Each is a few times the one before it, since
 * most requests are quick and it is the few that are not one looks for.
 * @param {number} highest
 */
export function levelsOf(highest) {
  if (highest <= LEVELS) return Array.from({ length: Math.max(1, highest) }, (_, i) => i + 1);
  const borders = Array.from({ length: LEVELS }, (_, i) => Math.round(highest ** (i / LEVELS)));
  return borders.map((border, i) => Math.max(border, i + 1));
}

/** @param {number[]} levels @param {number} count @returns {number} which level, or -1 for none */
export const levelOf = (levels, count) => levels.findLastIndex((border) => count >= border);

function latencyOf(step, chosen) {
  if (!chosen) return step.latency;
  return step.endpoints[step.keys.indexOf(chosen)]?.l ?? [];
}

/** The shortest round stretch of time that gives no more columns than that. */
function columnLength(ms, most) {
  const round = [5, 10, 15, 30, 60, 120, 300, 600].map((s) => 1000 * s);
  return round.find((one) => ms / one <= most) ?? round.at(-1);
}
