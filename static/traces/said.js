// From what lb and the person say of traces to the next state: pure functions for store.tell(). All of it is under
// `state.traces`.

import { FEW } from "./query.js";

/** @type {TracesState} */
export const NO_TRACES = {
  loaded: false,
  list: [],
  kept: 0,
  dropped: 0,
  sample: 0,
  next: 0,
  problem: "",
  filter: { outcome: "", endpoint: "", status: "", "min-ms": "" },
  selection: null,
  limit: FEW,
  newer: false,
  paused: false,
  open: null,
  opened: null,
};

const withTraces = (state, news) => ({ ...state, traces: { ...state.traces, ...news } });

/** @param {State} state @param {Traces} said */
export function tracesSaid(state, { traces, kept, dropped, sample, next }) {
  return withTraces(state, { loaded: true, list: traces, kept, dropped, sample, next, problem: "", newer: false });
}

/** @param {State} state @param {string} problem */
export function tracesFailed(state, problem) {
  return withTraces(state, { problem });
}

/** There may be other traces than those that are shown. @param {State} state */
export function tracesGrew(state) {
  return state.traces.newer ? state : withTraces(state, { newer: true });
}

/** @param {State} state @param {boolean} paused */
export function tracesPaused(state, paused) {
  return state.traces.paused === paused ? state : withTraces(state, { paused });
}

/** @param {State} state @param {Partial<TracesState["filter"]>} filter */
export function filterSet(state, filter) {
  return withTraces(state, { filter: { ...state.traces.filter, ...filter }, open: null, opened: null });
}

/** @param {State} state @param {TracesState["selection"]} selection null: the way back */
export function selectionSet(state, selection) {
  return withTraces(state, { selection, limit: FEW, open: null, opened: null, loaded: false, list: [] });
}

/** @param {State} state @param {number} limit how many are listed */
export const limitSet = (state, limit) => withTraces(state, { limit });

/** How many of the next requests are still to be traced. @param {State} state @param {number} next */
export function nextSaid(state, next) {
  return withTraces(state, { next });
}

/** @param {State} state @param {number} id @param {Trace | null} trace null: it is still to be asked for */
export function traceOpened(state, id, trace) {
  return withTraces(state, { open: id, opened: trace });
}

/** @param {State} state */
export function traceClosed(state) {
  return state.traces.open === null ? state : withTraces(state, { open: null, opened: null });
}
