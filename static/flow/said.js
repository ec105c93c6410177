// From the requests that lb tells as they end to what the flow shows of them. Pure functions for store.tell().

/** So many are shown of what is told at once, which is five times a second: more cannot be followed by eye. */
const MOST_AT_ONCE = 10;
/** Batches that no frame has drawn yet; a tab in the background draws none, and does not make up for it. */
const BATCHES_KEPT = 3;
const SECONDS_KEPT = 5;

/** @type {FlowState} */
export const NO_FLOW = { batches: [], told: 0, shown: 0, seconds: [] };

/** @param {State} state @param {Trace[]} traces */
export function flowSaid(state, traces) {
  const { flow } = state;
  const shown = everyNth(traces, MOST_AT_ONCE);
  const batches = [...flow.batches, { id: flow.told + 1, traces: shown }].slice(-BATCHES_KEPT);
  return { ...state, flow: { ...flow, batches, told: flow.told + 1, shown: flow.shown + shown.length } };
}

/** A second is over: how many of its requests were shown is known now. @param {State} state @param {Tick} tick */
export function flowTicked(state, { requests }) {
  const { flow } = state;
  const seconds = [...flow.seconds, { requests, shown: flow.shown }].slice(-SECONDS_KEPT);
  return { ...state, flow: { ...flow, seconds, shown: 0 } };
}

/** Of how many requests one is shown; 1 if all are. @param {FlowState} flow */
export function oneOf({ seconds }) {
  const sum = (name) => seconds.reduce((all, one) => all + one[name], 0);
  const [requests, shown] = [sum("requests"), sum("shown")];
  // A request that ends between a batch and a tick is counted in another second than it is shown in.
  if (shown === 0 || requests <= shown * 1.2) return 1;
  return Math.max(2, Math.round(requests / shown));
}

/** So many of them at most, evenly from all: those that failed no more often than they did. */
function everyNth(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]);
}
