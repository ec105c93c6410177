// From what lb says of faults to the next state: pure functions for store.tell(). What may be played is under `state.faults`;
// what is played is a part of the status.

/** lb offers the admin API of today. @param {State} state */
export function adminOffered(state) {
  return state.admin.offered ? state : { ...state, admin: { offered: true } };
}

/** @param {State} state @param {Faults} said */
export function faultsSaid(state, { allowed, most, longest_s, faults }) {
  return withFaults({ ...state, faults: { allowed, most, longest_s } }, () => faults);
}

/** @param {State} state @param {Fault} fault */
export function faultPlayed(state, fault) {
  return withFaults(state, (faults) => [...faults.filter(({ id }) => id !== fault.id), fault]);
}

/** @param {State} state @param {number} id */
export function faultEnded(state, id) {
  return withFaults(state, (faults) => faults.filter((one) => one.id !== id));
}

function withFaults(state, change) {
  if (!state.status) return state;
  return { ...state, status: { ...state.status, faults: change(state.status.faults ?? []) } };
}
