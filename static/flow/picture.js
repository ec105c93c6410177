// Draws the flow's lines and dots on its canvas. Knows places and journeys, and no state.

import { prepared } from "../paint.js";
import { whereabouts } from "./journey.js";
import { curveBetween, pointOn } from "./paths.js";

const DOT = 4.5;
/** A failure is marked where it happened for so long. */
const MARK_MS = 900;
/** Answers come back beside the line on which requests go. */
const BESIDE = 4;

/** @param {HTMLCanvasElement} canvas @param {import("./paths.js").Scene} scene @param {Record<string, string>} colors */
export function drawLines(canvas, scene, colors) {
  const { context } = prepared(canvas);
  context.lineWidth = 1.5;
  for (const { from, to, broken } of scene.lines) {
    const curve = curveBetween(scene, from, to);
    if (!curve) continue;
    const [a, b, c, d, end] = curve;
    context.strokeStyle = colors.line;
    context.setLineDash(broken ? [2, 6] : []);
    context.beginPath();
    context.moveTo(...a);
    context.bezierCurveTo(...b, ...c, ...d);
    if (end) context.lineTo(...end);
    context.stroke();
  }
}

/**
 * @param {HTMLCanvasElement} canvas @param {import("./paths.js").Scene} scene @param {Record<string, string>} colors
 * @param {{ journey: import("./journey.js").Journey, start: number }[]} dots @param {number} now
 */
export function drawDots(canvas, scene, colors, dots, now) {
  const { context } = prepared(canvas);
  const looks = { asks: colors.ink, trial: colors.trial, good: colors.up, failed: colors.failed };
  for (const { journey, start } of dots) {
    const ms = now - start;
    for (const { place, at } of journey.failures) {
      const age = ms - at;
      const curve = age >= 0 && age < MARK_MS && curveBetween(scene, place, place);
      if (curve) drawCross(context, curve[0], colors.failed, 1 - age / MARK_MS);
    }
    const found = whereabouts(journey, ms);
    const curve = found && curveBetween(scene, found.leg.from, found.leg.to);
    if (!curve) continue;
    const [x, y] = pointOn(curve, eased(found.part));
    const { look } = found.leg;
    const shift = look === "good" ? BESIDE : 0;
    context.beginPath();
    context.arc(x + (scene.upright ? shift : 0), y + (scene.upright ? 0 : shift), DOT, 0, 2 * Math.PI);
    context.fillStyle = looks[look];
    context.strokeStyle = colors.surface;
    context.lineWidth = 1.5;
    context.fill();
    context.stroke();
  }
}

/** When nothing of it is left to see. @param {{ journey: import("./journey.js").Journey, start: number }} dot @param {number} now */
export const isOver = ({ journey, start }, now) => now - start > journey.end + MARK_MS;

function drawCross(context, [x, y], color, alpha) {
  const r = 6;
  context.save();
  context.globalAlpha = alpha;
  context.strokeStyle = color;
  context.lineWidth = 2.5;
  context.beginPath();
  context.moveTo(x - r, y - r);
  context.lineTo(x + r, y + r);
  context.moveTo(x + r, y - r);
  context.lineTo(x - r, y + r);
  context.stroke();
  context.restore();
}

/** Leaves and arrives without a jerk. */
const eased = (t) => (t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) * (1 - t));
