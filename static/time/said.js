// From what lb said of time to the next state: ticks, history and events. Pure functions for store.tell().

import { serversOf } from "../view.js";
import { slotsFor } from "./palette.js";
import { attemptsByKey, layoutOf, stepOf, withHistory, withStep } from "./ticks.js";

/** The stretches of time that can be looked at. */
export const WINDOWS = {
  "5m": { ms: 300_000, stepMs: 1000, words: "last 5 minutes" },
  "1h": { ms: 3_600_000, stepMs: 10_000, words: "last hour" },
};
const EVENTS_KEPT = 1000;

/** @type {TimeState} */
export const NO_TIME = { window: "5m", steps: { "5m": [], "1h": null }, layout: [], slots: [], events: [], lastId: 0, era: 0 };

/** @param {State} state @param {Tick} tick */
export function tickSaid(state, tick) {
  const time = withLayout(state);
  const step = stepOf(tick, time.layout);
  const steps = {
    "5m": withStep(time.steps["5m"], step, WINDOWS["5m"].stepMs, WINDOWS["5m"].ms),
    "1h": time.steps["1h"] && withStep(time.steps["1h"], step, WINDOWS["1h"].stepMs, WINDOWS["1h"].ms),
  };
  return { ...state, time: withSlots({ ...time, steps }) };
}

/** @param {State} state @param {keyof WINDOWS} window @param {History} history */
export function historySaid(state, window, history) {
  const time = withLayout(state);
  const { ms, stepMs } = WINDOWS[window];
  const said = history.ticks.map((tick) => stepOf(tick, time.layout));
  let steps = withHistory(window === "5m" ? time.steps["5m"] : [], said, ms);
  // What was told second by second since the history was asked for.
  if (window === "1h") for (const step of time.steps["5m"]) steps = withStep(steps, step, stepMs, ms);
  return { ...state, time: withSlots({ ...time, steps: { ...time.steps, [window]: steps } }) };
}

/** @param {State} state @param {keyof WINDOWS} window */
export function windowChosen(state, window) {
  return state.time.window === window ? state : { ...state, time: { ...state.time, window } };
}

/** Another process counts its events anew. @param {TimeState} time @param {Status} status */
export function withEra(time, { started_at_ms }) {
  return time.era === started_at_ms ? time : { ...time, era: started_at_ms, lastId: 0 };
}

/**
 * The events with others among them, each once, in the order of time.
 * @param {TimeState} time @param {Event[]} said @returns {TimeState} the same one if nothing is new
 */
export function withEvents(time, said) {
  const fresh = said.filter((event) => !time.events.some((known) => isSame(known, event, time.era)));
  if (fresh.length === 0) return time;
  const stamped = fresh.map((event) => ({ ...event, era: time.era }));
  const events = [...time.events, ...stamped].sort((a, b) => a.at_ms - b.at_ms || a.id - b.id).slice(-EVENTS_KEPT);
  return { ...time, events, lastId: Math.max(time.lastId, ...fresh.map(({ id }) => id)) };
}

/** @param {State} state @param {Timeline} timeline what happened before the page listened: told on it, not announced */
export function timelineSaid(state, { events }) {
  const time = withEvents(state.time, events);
  return time === state.time ? state : { ...state, time };
}

const isSame = (known, event, era) => known.id === event.id && known.era === era;

function withLayout({ time, status }) {
  const layout = status ? layoutOf(time.layout, serversOf(status)) : time.layout;
  return layout === time.layout ? time : { ...time, layout };
}

function withSlots(time) {
  const few = time.layout.length <= 8;
  const counts = few ? new Map() : attemptsByKey(time.steps["5m"].slice(-60));
  const slots = slotsFor(time.slots, time.layout.filter(Boolean), counts);
  return slots === time.slots ? time : { ...time, slots };
}
