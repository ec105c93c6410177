// The lines of the flow: where a way between two places runs, lying or upright. Pure; places are rectangles in one plane.

import { CLIENT, LB } from "./journey.js";

/**
 * The picture: its places, whether it stands upright, where the nearest column of endpoints begins, and its lines.
 * @typedef {{ places: Map<string, Place>, upright: boolean, near: number, lines: { from: string, to: string, broken: boolean }[] }} Scene
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Place
 * @typedef {[number, number][]} Curve four points of a cubic Bézier curve, and perhaps a fifth to which it goes on straight
 */

const middleX = ({ left, right }) => (left + right) / 2;
const middleY = ({ top, bottom }) => (top + bottom) / 2;
/** In an upright picture a trunk runs down so far right of its left edge, and branches to each endpoint. */
const TRUNK_X = 12;
/** Ways end so far before an endpoint: the nodes lie over the dots, so that no name is ever hidden. */
const BEFORE = 7;
const TURN = 16;

/**
 * @param {Scene} scene @param {string} from @param {string} to
 * @returns {Curve | null} null if one of them is not in the picture
 */
export function curveBetween({ places, upright, near }, from, to) {
  const [a, b] = [places.get(from), places.get(to)];
  if (!a || !b) return null;
  if (from === to) return stay(a, from, upright);
  if (from === CLIENT) return straight(a, b, upright);
  if (to === CLIENT) return straight(b, a, upright).reverse();
  if (from === LB) return branch(a, b, upright, near);
  if (to === LB) return backwards(branch(b, a, upright, near));
  return hop(a, b);
}

const doorOf = (endpoint) => [endpoint.left - BEFORE, middleY(endpoint)];

/** From one side of the picture's trunk to the other. */
function straight(a, b, upright) {
  const [from, to] = upright ? [[middleX(a), a.bottom], [middleX(b), b.top]] : [[a.right, middleY(a)], [b.left, middleY(b)]];
  return [from, from, to, to];
}

/** To its row first, then along the row, behind the endpoints that are nearer. */
function branch(lb, endpoint, upright, near) {
  const to = doorOf(endpoint);
  if (upright) {
    const x = lb.left + TRUNK_X;
    const turn = Math.max(lb.bottom, to[1] - TURN);
    return [[x, lb.bottom], [x, turn], [x, to[1]], to];
  }
  const from = [lb.right, middleY(lb)];
  const row = [Math.min(to[0], near - BEFORE), to[1]];
  const half = (from[0] + row[0]) / 2;
  const curve = [from, [half, from[1]], [half, to[1]], row];
  return to[0] - row[0] > 1 ? [...curve, to] : curve;
}

/** What is straight at the end is so at the beginning then: it stays the fifth point, and pointOn() is told by its order. */
const backwards = (curve) => (curve.length === 5 ? Object.assign([...curve], { backwards: true }) : curve.reverse());

/** From one endpoint to the next, in a bow on lb's side. */
function hop(a, b) {
  const [from, to] = [doorOf(a), doorOf(b)];
  const x = Math.min(a.left, b.left) - 36;
  return [from, [x, from[1]], [x, to[1]], to];
}

function stay(place, name, upright) {
  const isHub = name === CLIENT || name === LB;
  const point = isHub ? (upright ? [middleX(place), place.bottom] : [place.right, middleY(place)]) : doorOf(place);
  return [point, point, point, point];
}

/** @param {Curve} curve @param {number} t 0 to 1 @returns {[number, number]} */
export function pointOn(curve, t) {
  const [a, b, c, d, end] = curve;
  if (!end) return onBezier(a, b, c, d, t);
  const along = curve.backwards ? 1 - t : t;
  // As fast on the one part as on the other.
  const [bent, straight] = [distance(a, d), distance(d, end)];
  const border = bent / (bent + straight);
  if (along <= border) return onBezier(a, b, c, d, along / border);
  const part = (along - border) / (1 - border);
  return [d[0] + (end[0] - d[0]) * part, d[1] + (end[1] - d[1]) * part];
}

function onBezier(a, b, c, d, t) {
  const s = 1 - t;
  const mix = (i) => s * s * s * a[i] + 3 * s * s * t * b[i] + 3 * s * t * t * c[i] + t * t * t * d[i];
  return [mix(0), mix(1)];
}

const distance = ([x, y], [x2, y2]) => Math.hypot(x2 - x, y2 - y);
