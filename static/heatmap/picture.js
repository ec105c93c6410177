// Draws the heatmap's cells. Its scale is ink on paper: from few to many in the theme's own contrast, and no colour of a state.

import { prepared } from "../paint.js";
import { LEFT, RIGHT, placeOf } from "../time/axis.js";
import { cellKey, levelOf, rowStartUs } from "./cells.js";

const PAD = 6;
const FONT = "12px system-ui, sans-serif";
const LABEL_SPACE = 26;

/** The colour of a level. @param {Record<string, string>} colors @param {number} level @param {number} levels */
export function mixed({ surface, ink }, level, levels) {
  const part = levels === 1 ? 0.6 : 0.22 + (0.7 * level) / (levels - 1);
  const [from, to] = [surface, ink].map((color) => color.match(/[\d.]+/g).map(Number));
  return `rgb(${[0, 1, 2].map((i) => Math.round(from[i] + (to[i] - from[i]) * part)).join(", ")})`;
}

/**
 * @param {HTMLCanvasElement} canvas @param {ReturnType<typeof import("./cells.js").cellsOf>} cells @param {number[]} levels
 * @param {{ from: number, ms: number }} range @param {Record<string, string>} colors @param {{ cell: { column: number, row: number } | null, moment: number | null }} at
 */
export function drawCells(canvas, cells, levels, range, colors, at) {
  const { context, width, height } = prepared(canvas);
  const rowHeight = (height - 2 * PAD) / cells.rows;
  const [left, right] = [LEFT, width - RIGHT];
  const x = (column) => Math.min(right, Math.max(left, placeOf(column * cells.columnMs, range, width)));
  const y = (row) => height - PAD - (row - cells.low + 1) * rowHeight;
  const fills = levels.map((_, level) => mixed(colors, level, levels.length));

  context.strokeStyle = colors.line;
  context.strokeRect(left + 0.5, PAD + 0.5, right - left - 1, height - 2 * PAD - 1);
  for (let column = cells.first; column < cells.first + cells.columns; column += 1) {
    for (let row = cells.low; row < cells.low + cells.rows; row += 1) {
      const count = cells.counts.get(cellKey(column, row));
      if (!count) continue;
      context.fillStyle = fills[levelOf(levels, count)];
      context.fillRect(x(column), y(row), Math.max(0, x(column + 1) - x(column) - 1), rowHeight - 1);
    }
  }

  context.fillStyle = colors.muted;
  context.font = FONT;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const every = Math.ceil(LABEL_SPACE / rowHeight);
  for (let row = cells.low; row < cells.low + cells.rows; row += every) context.fillText(label(rowStartUs(row)), left - 6, Math.min(height - 8, y(row) + rowHeight));

  context.strokeStyle = colors.ink;
  if (at.cell) {
    const { column, row } = at.cell;
    context.lineWidth = 2;
    context.strokeRect(x(column) - 1, y(row) - 1, x(column + 1) - x(column) + 1, rowHeight + 1);
  } else if (at.moment !== null) {
    const there = Math.round(placeOf(at.moment, range, width)) + 0.5;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(there, PAD);
    context.lineTo(there, height - PAD);
    context.stroke();
  }
}

function label(us) {
  if (us < 1000) return us === 0 ? "0" : `${us} µs`;
  return us < 1_000_000 ? `${Math.round(us / 1000)} ms` : `${Math.round(us / 100_000) / 10} s`;
}
