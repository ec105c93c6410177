// From the page's own requests to the next state: counts, the last response, and what the servers were heard to say.
// Pure functions for store.tell(). Nothing is sent here.

import { evidenceFrom } from "./evidence.js";
import { withEndpoint } from "./said.js";
import { endpointNamed } from "./view.js";

/** @param {State} state @param {number} at */
export function requestSent(state, at) {
  const { tally } = state;
  return { ...state, tally: { ...tally, since: tally.since || at, sent: tally.sent + 1 } };
}

/**
 * @param {State} state @param {Answer} answer
 * @param {number} era the tally's era when the request was sent; a Reset since then has begun another one
 */
export function answered(state, answer, era) {
  const isProbed = (name) => endpointNamed(state.status, name)?.cluster.probed ?? false;
  const evidence = evidenceFrom(state.evidence, answer, isProbed, state.controls === true);
  const seen = { ...withLatencies(state, answer), evidence };
  if (era !== state.tally.era) return seen;
  const { tally } = state;
  const { server } = answer;
  return {
    ...seen,
    last: answer,
    tally: {
      ...tally,
      done: tally.done + 1,
      succeeded: tally.succeeded + (answer.ok ? 1 : 0),
      lost: (tally.lost ?? 0) + (answer.lost ?? 0),
      retried: tally.retried + ((answer.attempts?.length ?? 0) > 1 ? 1 : 0),
      byServer: server ? { ...tally.byServer, [server]: (tally.byServer[server] ?? 0) + 1 } : tally.byServer,
    },
  };
}

/** @param {State} state @param {number} at */
export function tallyReset(state, at) {
  const tally = { era: state.tally.era + 1, since: at, sent: 0, done: 0, succeeded: 0, retried: 0, lost: 0, byServer: {} };
  return { ...state, tally, last: null };
}

function withLatencies(state, answer) {
  let next = state;
  for (const { server, status, us } of answer.attempts ?? []) {
    const found = endpointNamed(next.status, server);
    if (found && status !== null && us !== null) next = withEndpoint(next, found.cluster.name, server, { latency_us: us });
  }
  return next;
}
