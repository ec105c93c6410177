// The four charts as uPlot draws them: their lines, areas and scales. No store and no words of a legend are here.

import uPlot from "../vendor/uplot/uPlot.esm.min.js";
import { timeOfDay } from "../words.js";
import { LEFT, RIGHT } from "./axis.js";
import { column } from "./series.js";

const HEIGHT = 104;
const AXIS_HEIGHT = 24;
const LABEL_HALF = 20;
const FONT = "12px system-ui, sans-serif";

/** @typedef {{ label: string, value: (point: any) => number | null, color: (colors: any) => string, area?: boolean, dash?: number[] }} Line */

/** A stack from the lowest up: each line is the sum of those below it, and is drawn before them. @param {number} slots */
function stacked(slots) {
  const sums = (upTo) => (point) => point.bySlot.slice(0, upTo + 1).reduce((sum, one) => sum + one, 0);
  const lines = Array.from({ length: slots }, (_, i) => ({ value: sums(i), color: (colors) => colors.endpoints[i], area: true }));
  lines.push({ value: (point) => sums(slots - 1)(point) + point.others, color: (colors) => colors.rest, area: true });
  return lines.reverse();
}

/** @param {string} name @param {number} slots how many endpoints have a colour @returns {Line[]} */
export function linesOf(name, slots) {
  return {
    requests: [...stacked(slots), { value: (point) => point.requests, color: (colors) => colors.ink }],
    errors: [
      { value: (point) => point.failures, color: (colors) => colors.failed, dash: [3, 3] },
      { value: (point) => point.errors, color: (colors) => colors.failed, area: true },
    ],
    latency: [
      { value: (point) => point.p99, color: (colors) => colors.ink },
      { value: (point) => point.p50, color: (colors) => colors.muted, dash: [4, 3] },
    ],
    retries: [{ value: (point) => point.perRequest, color: (colors) => colors.ink, area: true }],
  }[name];
}

/** From nothing to a little above the highest; a chart in which nothing happened has a scale all the same. */
const fromZero = (least) => (_, __, max) => [0, Math.max(least, (max ?? 0) * 1.1)];
const SCALES = {
  requests: { range: fromZero(1) },
  errors: { range: fromZero(1) },
  latency: { distr: 3, log: 10, range: (_, min, max) => [10 ** Math.floor(Math.log10(min || 1)), 10 ** Math.ceil(Math.log10((max || 10) * 1.01))] },
  retries: { range: (_, __, max) => [1, Math.max(1.2, (max ?? 1) * 1.05)] },
};
const TICKS = {
  requests: (value) => short(value),
  errors: (value) => short(value),
  latency: (value) => (value >= 1000 ? `${value / 1000} s` : `${value} ms`),
  retries: (value) => value.toFixed(value < 10 ? 1 : 0),
};
const powersOfTen = (_, splits) => splits.map((one) => (Number.isInteger(Math.log10(one)) ? one : null));
const short = (value) => (value >= 1000 ? `${value / 1000}k` : String(Math.round(value * 10) / 10));

/**
 * @param {string} name @param {HTMLElement} place @param {number} slots @param {{ colors: any }} paint
 * @param {{ last: boolean, range: () => [number, number], hovered: (at: number | null) => void, marks: () => number[] }} with_
 */
export function createPlot(name, place, slots, paint, { last, range, hovered, marks }) {
  const lines = linesOf(name, slots);
  const height = HEIGHT + (last ? AXIS_HEIGHT : 0);
  const grid = { stroke: () => paint.colors.line, width: 1 };
  let isOver = false;
  const plot = new uPlot({
    width: Math.max(120, place.clientWidth),
    height,
    padding: [6, RIGHT, last ? 0 : 6, 0],
    legend: { show: false },
    select: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
    scales: { x: { time: true, range }, y: SCALES[name] },
    axes: [
      {
        show: last,
        size: AXIS_HEIGHT,
        font: FONT,
        stroke: () => paint.colors.muted,
        grid,
        ticks: { show: false },
        // Minutes need less room than seconds, which are told where there is more of it.
        space: (_, __, ___, ____, width) => (width < 500 ? 44 : 72),
        // One that would be cut off at the edge is left out.
        values: (u, times) => times.map((s) => (u.valToPos(s, "x") > u.over.clientWidth - LABEL_HALF ? "" : timeOfDay(1000 * s).slice(0, s % 60 === 0 ? 5 : 8))),
      },
      {
        size: LEFT,
        font: FONT,
        stroke: () => paint.colors.muted,
        // A logarithmic scale has more places than there is room for: its powers of ten are enough.
        ...(name === "latency" ? { filter: powersOfTen, grid: { ...grid, filter: powersOfTen } } : { grid }),
        ticks: { show: false },
        gap: 6,
        space: 28,
        values: (_, values) => values.map((value) => (value === null ? "" : TICKS[name](value))),
      },
    ],
    series: [{}, ...lines.map(({ color, area, dash }) => ({
      stroke: () => color(paint.colors),
      fill: area && (() => (name === "retries" ? faint(color(paint.colors)) : color(paint.colors))),
      fillTo: name === "retries" ? 1 : 0,
      width: area && name === "requests" ? 0 : 1.5,
      dash,
      points: { show: false },
      spanGaps: false,
    }))],
    hooks: {
      setCursor: [(u) => { if (isOver) hovered(u.cursor.left >= 0 ? 1000 * u.posToVal(u.cursor.left, "x") : null); }],
      drawAxes: [(u) => drawMarks(u, marks(), paint.colors.muted)],
    },
  }, [[], ...lines.map(() => [])], place);
  plot.over.addEventListener("pointerenter", () => { isOver = true; });
  plot.over.addEventListener("pointerleave", () => { isOver = false; hovered(null); });

  return {
    element: plot.root,
    destroy: () => plot.destroy(),
    resize: () => plot.setSize({ width: Math.max(120, place.clientWidth), height }),
    repaint: () => plot.redraw(false, true),
    show(points) {
      plot.setData([points.map(({ at }) => at / 1000), ...lines.map(({ value }) => column(points, value))]);
    },
    /** @param {number | null} at */
    point(at) {
      if (isOver) return;
      plot.setCursor({ left: at === null ? -10 : plot.valToPos(at / 1000, "x"), top: 0 }, false);
    },
  };
}

/** When lb changed its mind: what a chart shows has often its cause there. */
function drawMarks(u, times, color) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.globalAlpha = 0.6;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const at of times) {
    const x = Math.round(u.valToPos(at / 1000, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

const faint = (color) => color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.18)");
