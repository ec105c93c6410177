// From what lb says of drills to the next state: pure functions for store.tell(). All of it is under `state.drills`.

/** @type {DrillsState} */
export const NO_DRILLS = { known: false, missing: false, allowed: false, shipped: [], run: null, heardAt: 0 };

/** @param {State} state @param {Drills} said @param {number} at by this machine's clock, as below */
export function drillsSaid(state, { allowed, shipped, run }, at) {
  return { ...state, drills: { known: true, missing: false, allowed, shipped, run, heardAt: at } };
}

/** @param {State} state @param {DrillRun} run @param {number} at */
export function drillSaid(state, run, at) {
  return { ...state, drills: { ...state.drills, run, heardAt: at } };
}

/** This lb has none. @param {State} state */
export function drillsMissing(state) {
  return { ...state, drills: { ...state.drills, missing: true } };
}
