// The charts of the one axis of time: four plots, their legends with the values at the cursor, and the keys that move it.

import { byId, copyOf, field, setData, setShown, setText } from "../dom.js";
import { groupsOf } from "../timeline/groups.js";
import { milliseconds, perSecond, timeOfDay } from "../words.js";
import { rangeOf, stepsOf } from "./axis.js";
import { createPlot } from "./plots.js";
import { WINDOWS, windowChosen } from "./said.js";
import { pointAt, pointsOf } from "./series.js";

const NAMES = ["requests", "errors", "latency", "retries"];
const LARGE_STEP = 10;
/** With more of them, lines at events hide what they are to explain. */
const MOST_MARKS = 40;

const latency = (ms) => (ms === null ? "–" : milliseconds(ms));

const NOTHING_TOLD = "No counts yet. lb tells them every second; they appear here as charts.";

/** What the legends say of a point. @param {any} point @param {(string | null)[]} slots @param {boolean} hasOthers */
function legendOf(point, slots, hasOthers) {
  const value = (what) => (point ? what(point) : "–");
  const endpoints = slots.map((key, slot) => ({ key: `e${slot}`, slot: String(slot + 1), name: key, value: value((one) => perSecond(one.bySlot[slot])) }));
  const others = hasOthers ? [{ key: "others", slot: "rest", name: "others", value: value((one) => perSecond(one.others)) }] : [];
  return {
    requests: [{ key: "all", slot: "line", name: "from clients", value: value((one) => perSecond(one.requests)) }, ...endpoints.filter(({ name }) => name !== null), ...others],
    errors: [
      { key: "errors", slot: "failed", name: "told to clients", value: value((one) => perSecond(one.errors)) },
      { key: "failures", slot: "failed-dash", name: "failed attempts", value: value((one) => perSecond(one.failures)) },
    ],
    latency: [
      { key: "p50", slot: "dash", name: "p50", value: value((one) => latency(one.p50)) },
      { key: "p99", slot: "line", name: "p99", value: value((one) => latency(one.p99)) },
    ],
    retries: [
      { key: "per", slot: "line", name: "attempts per request", value: value((one) => one.perRequest?.toFixed(2) ?? "–") },
      { key: "retried", slot: "none", name: "retried", value: value((one) => perSecond(one.retried)) },
    ],
  };
}

/**
 * @param {ReturnType<typeof import("../store.js").createStore>} store @param {ReturnType<typeof import("../paint.js").createPaint>} paint
 * @param {ReturnType<typeof import("./axis.js").createCursor>} cursor
 */
export function createCharts(store, paint, cursor) {
  const root = byId("charts");
  const places = Object.fromEntries(NAMES.map((name) => [name, root.querySelector(`[data-chart=${name}]`)]));
  const [empty, moment] = ["time-empty", "time-moment"].map(byId);
  const switches = Object.fromEntries(Object.keys(WINDOWS).map((name) => [name, byId(`time-${name}`)]));
  let plots = [];
  let points = [];
  let drawn = {};

  for (const [name, button] of Object.entries(switches)) button.addEventListener("click", () => store.tell(windowChosen, name));

  function plotAll(slots) {
    for (const plot of plots) plot.destroy();
    const seconds = () => {
      const { from, to } = rangeOf(store.state.time);
      return [from / 1000, to / 1000];
    };
    const marks = () => {
      const groups = groupsOf(store.state.time.events.filter(({ kind }) => kind !== "probe"), rangeOf(store.state.time), root.clientWidth);
      return groups.length <= MOST_MARKS ? groups.map(({ at }) => at) : [];
    };
    const hovered = (at) => cursor.move(at === null ? null : pointAt(points, at)?.at ?? null);
    plots = NAMES.map((name) => {
      const place = places[name].querySelector(".plot");
      return createPlot(name, place, slots, paint, { last: name === NAMES.at(-1), range: seconds, hovered, marks });
    });
  }

  function tellLegends() {
    const { time } = store.state;
    const point = pointAt(points, cursor.at);
    const legends = legendOf(point, time.slots, time.layout.length > time.slots.length);
    for (const name of NAMES) tellLegend(places[name].querySelector("ul"), legends[name]);
    setText(moment, !point ? "" : cursor.at === null ? `Values of the last step, ${stepWords(point)}` : `Values at ${timeOfDay(point.at)}, ${stepWords(point)}`);
    const said = Object.values(legends).flat().map(({ name, value }) => `${name} ${value}`).join(", ");
    root.setAttribute("aria-valuetext", point ? `${timeOfDay(point.at)}: ${said}` : "No counts yet");
    root.setAttribute("aria-valuenow", String(point ? points.indexOf(point) : 0));
    root.setAttribute("aria-valuemax", String(Math.max(0, points.length - 1)));
  }

  store.onDraw(({ time }) => {
    const steps = stepsOf(time);
    if (steps === drawn.steps && time.slots === drawn.slots && time.events === drawn.events && time.window === drawn.window) return;
    if (plots.length === 0 || time.slots.length !== drawn.slots.length) plotAll(time.slots.length);
    drawn = { steps, slots: time.slots, events: time.events, window: time.window };
    points = pointsOf(steps, time.slots, WINDOWS[time.window].stepMs);
    for (const plot of plots) plot.show(points);
    for (const [name, button] of Object.entries(switches)) button.setAttribute("aria-pressed", String(name === time.window));
    const isQuiet = steps.every(({ requests, attempts }) => requests === 0 && attempts === 0);
    setShown(empty, isQuiet);
    setText(empty, steps.length === 0 ? NOTHING_TOLD : `No requests in the ${WINDOWS[time.window].words}. Send some to lb, and their counts appear here.`);
    tellLegends();
  });

  cursor.onMove((at) => {
    for (const plot of plots) plot.point(at);
    tellLegends();
  });
  paint.onChange(() => plots.forEach((plot) => plot.repaint()));
  new ResizeObserver(() => plots.forEach((plot) => plot.resize())).observe(root);

  root.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -LARGE_STEP, PageDown: LARGE_STEP, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const real = points.filter(({ hole }) => !hole);
    if (real.length === 0) return;
    const now = cursor.at === null ? real.length : real.indexOf(pointAt(real, cursor.at));
    cursor.move(real[Math.min(real.length - 1, Math.max(0, now + by))].at);
  });
  root.addEventListener("blur", () => cursor.move(null));
}

const stepWords = ({ ms }) => `mean of ${Math.round(ms / 1000) || 1} s`;

function tellLegend(list, entries) {
  while (list.children.length > entries.length) list.lastElementChild.remove();
  while (list.children.length < entries.length) list.append(copyOf("legend-entry"));
  entries.forEach(({ slot, name, value }, i) => {
    const item = list.children[i];
    setData(item.querySelector(".swatch"), "slot", slot);
    setText(field(item, "name"), name);
    setText(field(item, "value"), value);
  });
}
