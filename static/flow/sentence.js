// The flow in a sentence, for those who do not see it. Pure.

import { RECENT_MS } from "../time/numbers.js";
import { serversOf } from "../view.js";
import { beliefName, counted, strictPercent } from "../words.js";

const NAMED = 8;
const OF_LATE = `In the last ${RECENT_MS / 1000} s`;

/** @param {State} state @param {ReturnType<typeof import("../time/numbers.js").recentOf>} recent */
export function sentenceOf({ status }, recent) {
  if (!status) return "lb has not said yet which endpoints it has.";
  const servers = serversOf(status);
  const out = servers.filter(({ endpoint }) => endpoint.belief !== "up");
  const state = out.length === 0
    ? `All ${servers.length} endpoints are up.`
    : `${servers.length - out.length} of ${servers.length} endpoints are up; ${listed(out.map(({ key, endpoint }) => `${key} is ${beliefName(endpoint.belief).toLowerCase()}`))}.`;
  if (!recent) return state;
  if (recent.requests === 0) return `${OF_LATE} there were no requests. ${state}`;
  const busiest = servers.map(({ key }) => [recent.byKey.get(key) ?? 0, key]).filter(([count]) => count > 0)
    .sort(([a], [b]) => b - a).map(([count, key]) => `${key} ${count}`);
  const attempts = busiest.length > 0 ? ` Attempts: ${listed(busiest)}.` : "";
  const good = strictPercent(recent.requests - recent.errors, recent.requests);
  return `${OF_LATE} ${counted(recent.requests, "request", "requests")}, ${good} succeeded, ${recent.retried} retried.${attempts} ${state}`;
}

function listed(parts) {
  const more = parts.length - NAMED;
  return parts.slice(0, NAMED).join(", ") + (more > 0 ? `, and ${more} more` : "");
}
