// What is seen of each server by looking at one status after the other: its part of the attempts in the last ten seconds,
// and the last results of its probes. Pure functions; all of it is under `state.seen`.

import { serversOf } from "../view.js";

const WINDOW_MS = 10_000;
const PROBES_KEPT = 10;

/** @type {SeenState} */
export const NOTHING_SEEN = { startedAt: 0, samples: [], probes: {} };

/** @param {State} state with a status that was just said */
export function statusSeen(state) {
  const { status } = state;
  if (!status) return state;
  // Another process has begun its counts anew.
  const before = state.seen.startedAt === status.started_at_ms ? state.seen : NOTHING_SEEN;
  const servers = serversOf(status);
  const sample = { at: status.now_ms, attempts: Object.fromEntries(servers.map(({ key, endpoint }) => [key, endpoint.attempts])) };
  const inWindow = before.samples.filter(({ at }) => at < sample.at);
  // One of those that are older than the window is its beginning.
  const first = inWindow.findLastIndex(({ at }) => at <= sample.at - WINDOW_MS);
  const samples = [...inWindow.slice(Math.max(0, first)), sample];
  const probes = Object.fromEntries(servers.map(({ key, endpoint: { probe } }) => [key, withProbe(before.probes[key] ?? [], probe)]));
  return { ...state, seen: { startedAt: status.started_at_ms, samples, probes } };
}

function withProbe(probes, probe) {
  if (!probe || probes.at(-1)?.at_ms === probe.at_ms) return probes;
  return [...probes, probe].slice(-PROBES_KEPT);
}

/**
 * Each server's part of the attempts at all of its cluster's servers.
 * @param {SeenState} seen @param {string[]} keys those of the cluster
 * @returns {(key: string) => { part: number, whole: number, seconds: number }} attempts, in so many seconds
 */
export function trafficOf({ samples }, keys) {
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (!first || first === last) return () => ({ part: 0, whole: 0, seconds: 0 });
  const partOf = (key) => Math.max(0, (last.attempts[key] ?? 0) - (first.attempts[key] ?? 0));
  const whole = keys.reduce((sum, key) => sum + partOf(key), 0);
  return (key) => ({ part: partOf(key), whole, seconds: (last.at - first.at) / 1000 });
}
