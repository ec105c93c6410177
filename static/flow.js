// The flow: client → lb → endpoints, from the configuration as it is. Each request that lb tells of is a dot that goes the
// way it went. The nodes are elements, so that they look and read as all else does; lines and dots are on two canvases.

import { byId, copyOf, field, setData, setShown, setText } from "./dom.js";
import { CLIENT, LB, journeyOf } from "./flow/journey.js";
import { aloneOf, nodesOf, restKey } from "./flow/members.js";
import { drawDots, drawLines, isOver } from "./flow/picture.js";
import { oneOf } from "./flow/said.js";
import { sentenceOf } from "./flow/sentence.js";
import { recentOf } from "./time/numbers.js";
import { beliefState, perSecond } from "./words.js";

/** Requests of one batch ended within so long, and set out within so long. */
const BATCH_MS = 200;
const MOST_DOTS = 300;
const SENTENCE_EVERY_MS = 5000;

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store @param {ReturnType<typeof import("./paint.js").createPaint>} paint
 */
export function createFlow(store, paint) {
  const root = byId("flow");
  const [lines, dots, groups, sentence, sample, total] = ["lines", "dots", "nodes", "sentence", "sample", "total"].map((name) => byId(`flow-${name}`));
  const hubs = { [CLIENT]: byId("flow-client"), [LB]: byId("flow-lb") };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, HTMLElement>} */
  let nodes = new Map();
  let scene = { places: new Map(), upright: false, near: 0, lines: [] };
  let [shape, alone, recent, steps] = ["", new Set(), null, null];
  let [seen, frame, sentenceAt, inSight] = [0, 0, -Infinity, true];
  /** @type {{ journey: import("./flow/journey.js").Journey, start: number }[]} */
  let moving = [];

  function rebuild(clusters) {
    nodes = new Map();
    groups.replaceChildren(...clusters.map(({ name, nodes: own }) => {
      const group = copyOf("flow-cluster");
      setText(field(group, "name"), name);
      setShown(field(group, "name"), clusters.length > 1);
      const list = group.querySelector("ol");
      setData(list, "columns", own.length > 16 ? "3" : own.length > 8 ? "2" : "1");
      for (const { key } of own) {
        const node = copyOf("flow-node");
        nodes.set(key, node);
        list.append(node);
      }
      return group;
    }));
  }

  function measure() {
    const origin = root.getBoundingClientRect();
    const placeOf = (element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      return { left: left - origin.left, right: right - origin.left, top: top - origin.top, bottom: bottom - origin.top };
    };
    const upright = getComputedStyle(root).flexDirection === "column";
    const places = new Map([...Object.entries(hubs), ...nodes].map(([key, element]) => [key, placeOf(element)]));
    const near = Math.min(...[...nodes.keys()].map((key) => places.get(key).left));
    const isOut = (node) => ["ejected", "down"].includes(node.dataset.belief);
    scene = { places, upright, near, lines: [{ from: CLIENT, to: LB, broken: false }, ...[...nodes].map(([key, node]) => ({ from: LB, to: key, broken: isOut(node) }))] };
    drawLines(lines, scene, paint.colors);
    if (moving.length === 0) drawDots(dots, scene, paint.colors, moving, 0);
  }

  /** The node of an endpoint, as traces name it. */
  function nodeKey(cluster, endpoint) {
    const full = `${cluster}/${endpoint}`;
    return nodes.has(full) ? full : nodes.has(endpoint) ? endpoint : restKey(cluster);
  }

  function step() {
    const now = performance.now();
    moving = moving.filter((dot) => !isOver(dot, now));
    drawDots(dots, scene, paint.colors, moving, now);
    frame = moving.length > 0 ? requestAnimationFrame(step) : 0;
  }

  function setOut({ traces }) {
    const now = performance.now();
    const ended = traces.map(({ at_ms, us }) => at_ms + us / 1000);
    const first = Math.min(...ended);
    traces.forEach((trace, i) => {
      if (moving.length < MOST_DOTS) moving.push({ journey: journeyOf(trace, nodeKey), start: now + Math.min(BATCH_MS, ended[i] - first) });
    });
    if (frame === 0 && moving.length > 0) frame = requestAnimationFrame(step);
  }

  function tellNode(element, { name, belief, words, left, slot, rate }) {
    setData(element, "belief", belief);
    setData(element.querySelector(".state"), "state", beliefState(belief));
    const mark = element.querySelector(".shape");
    setData(mark, "shape", belief);
    if (belief === "ejected") mark.style.setProperty("--left", left.toFixed(3));
    setData(element.querySelector(".swatch"), "slot", slot < 0 ? "rest" : String(slot + 1));
    setText(field(element, "name"), name);
    setText(field(element, "words"), words);
    // Where nothing may travel, a count that changed is marked for one step of time instead.
    const changed = setText(field(element, "rate"), rate);
    if (still.matches && steps !== store.state.time.steps["5m"]) setData(element, "stepped", String(changed && rate !== ""));
  }

  function tellTotals(state, now) {
    const of = oneOf(state.flow);
    setText(sample, of > 1 && !still.matches ? `1 of ${of} requests shown` : "");
    setText(total, recent ? `${perSecond(recent.rate)} from clients` : "");
    if (now - sentenceAt < SENTENCE_EVERY_MS) return;
    if (setText(sentence, sentenceOf(state, recent))) sentenceAt = now;
  }

  store.onDraw((state) => {
    if (!state.status) return;
    const fresh = state.time.steps["5m"];
    if (fresh !== steps) recent = recentOf(state.time);
    alone = aloneOf(state.status, recent?.byKey ?? new Map(), alone);
    const clusters = nodesOf(state, alone, recent, Date.now());
    const all = clusters.flatMap((cluster) => cluster.nodes);
    const next = JSON.stringify(clusters.map((cluster) => [cluster.name, cluster.nodes.map(({ key }) => key)]));
    const grouped = next !== shape;
    if (grouped) rebuild(clusters);
    const look = () => all.map(({ belief }) => belief).join();
    const moved = grouped || look() !== root.dataset.look;
    for (const node of all) tellNode(nodes.get(node.key), node);
    [shape, steps] = [next, fresh];
    if (moved) {
      root.dataset.look = look();
      measure();
    }
    tellTotals(state, performance.now());
    for (const batch of state.flow.batches) {
      if (batch.id > seen && !still.matches && inSight && !document.hidden) setOut(batch);
    }
    seen = state.flow.told;
  });

  // What nobody sees need not travel.
  new IntersectionObserver(([{ isIntersecting }]) => { inSight = isIntersecting; }).observe(root);
  paint.onChange(() => drawLines(lines, scene, paint.colors));
  // A hub's own words change its size, too.
  const sizes = new ResizeObserver(measure);
  for (const element of [root, ...Object.values(hubs)]) sizes.observe(element);
}
