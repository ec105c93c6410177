// From the store to what a card shows besides the two beliefs: traffic, probes, and what is not as the file says. Pure.

import { percent, span, timeOfDay } from "../words.js";

/**
 * @param {State} state @param {ReturnType<typeof import("../view.js").serversOf>[number]} server
 * @param {ReturnType<typeof import("./seen.js").trafficOf>} traffic of its cluster @param {number} now
 */
export function extrasOf(state, { key, cluster, endpoint }, traffic, now) {
  const { part, whole, seconds } = traffic(key);
  const lbNow = now + state.ahead;
  const isHere = (one) => one.cluster === cluster.name && one.endpoint === endpoint.name;
  const drift = (state.status.drift ?? []).filter(isHere);
  const faults = (state.status.faults ?? []).filter(isHere);
  const probes = state.seen.probes[key] ?? [];
  return {
    offered: state.admin.offered,
    traffic: seconds === 0 ? "–" : percent(part, whole),
    trafficOfOne: whole > 0 ? part / whole : 0,
    rate: seconds === 0 ? "" : `${perSecond(part / seconds)} in the last ${Math.max(1, Math.round(seconds))} s`,
    inFlight: String(endpoint.in_flight),
    ejections: String(endpoint.ejections ?? 0),
    weight: String(endpoint.weight),
    draining: endpoint.belief === "draining" || drift.some((one) => one.key === "draining" && isYes(one.now)),
    probed: cluster.probed,
    probes: probes.map((probe) => ({ id: probe.at_ms, state: probe.ok ? "up" : "failed", words: `${timeOfDay(probe.at_ms - state.ahead)} ${probe.says}` })),
    probesWords: probes.length === 0 ? "none yet" : probesInWords(probes),
    told: [
      ...drift.map((one) => ({ id: `drift-${one.key}`, state: "draining", words: driftInWords(one, lbNow), button: "As in the file", drift: one })),
      ...faults.map((one) => ({ id: `fault-${one.id}`, state: "trial", words: `Fault on purpose: ${faultInWords(one, lbNow)}`, button: "End it", fault: one })),
    ],
    faults: state.faults,
  };
}

/** Attempts a second: `12 a second`, `0.4 a second`. @param {number} rate */
export function perSecond(rate) {
  return `${rate === 0 || rate >= 9.95 ? Math.round(rate) : rate.toFixed(1)} a second`;
}

/** @param {string} value what a drift has for `draining` */
export const isYes = (value) => ["true", "yes", "draining"].includes(value);

/** @param {Drift} drift @param {number} now by lb's clock */
export function driftInWords({ key, file, now: is, until_ms }, now) {
  const left = until_ms === null ? "until it is changed again" : `for ${span(until_ms - now)} more`;
  if (key === "draining") return `${isYes(is) ? "Drains" : "Enabled"} by hand, the file says ${isYes(file) ? "that it drains" : "that it does not"}; ${left}`;
  return `${key[0].toUpperCase()}${key.slice(1)} ${is} by hand, the file says ${file}; ${left}`;
}

/** @param {Fault} fault @param {number} now by lb's clock */
export function faultInWords({ says, until_ms, played }, now) {
  return `${says}; for ${span(until_ms - now)} more, played ${played === 1 ? "once" : `${played} times`} so far`;
}

function probesInWords(probes) {
  const failed = probes.filter(({ ok }) => !ok).length;
  const last = probes.at(-1).says;
  return `${failed === 0 ? "none" : failed} of ${probes.length} failed, the last ${last}`;
}
