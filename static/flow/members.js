// Which endpoints the flow shows by themselves, and what it says of each. Pure.

import { RECENT_MS } from "../time/numbers.js";
import { slotOf } from "../time/palette.js";
import { leftOf, serversOf } from "../view.js";
import { beliefName, perSecond, secondsLeft } from "../words.js";

/** With more endpoints, only so many stand by themselves, and those of them that are not up first. */
export const MOST_ALONE = 24;
/** Who is shown must be so much busier than who is not, to change places; without this, equals would take turns. */
const CLEARLY = 2;

/**
 * @param {Status} status @param {Map<string, number>} counts attempts of late by key @param {Set<string>} shown those that are
 * @returns {Set<string>} the keys of those that stand by themselves; the old set if they are the same
 */
export function aloneOf(status, counts, shown) {
  const servers = serversOf(status);
  if (servers.length <= MOST_ALONE) return sameOr(shown, new Set(servers.map(({ key }) => key)));
  const rank = ({ key, endpoint }) => {
    const busy = (counts.get(key) ?? 0) * (shown.has(key) ? CLEARLY : 1);
    return (endpoint.belief === "up" ? 0 : Number.MAX_SAFE_INTEGER / 2) + busy + (shown.has(key) ? 0.5 : 0);
  };
  const first = servers.map((one) => [rank(one), one.key]).sort(([a], [b]) => b - a).slice(0, MOST_ALONE - 1);
  return sameOr(shown, new Set(first.map(([, key]) => key)));
}

const sameOr = (old, next) => (old.size === next.size && [...next].every((key) => old.has(key)) ? old : next);

/**
 * What each node says, in config order, a list a cluster; the rest of a cluster is one node at its end.
 * @param {State} state @param {Set<string>} alone @param {ReturnType<typeof import("../time/numbers.js").recentOf>} recent
 * @param {number} now
 */
export function nodesOf(state, alone, recent, now) {
  const clusters = new Map(state.status.clusters.map((cluster) => [cluster, { name: cluster.name, nodes: [], rest: [] }]));
  for (const server of serversOf(state.status)) {
    const { nodes, rest } = clusters.get(server.cluster);
    if (alone.has(server.key)) nodes.push(nodeOf(state, server, recent, now));
    else rest.push(server);
  }
  return [...clusters.values()].map(({ name, nodes, rest }) => ({
    name,
    nodes: rest.length > 0 ? [...nodes, restOf(name, rest, recent)] : nodes,
  }));
}

function nodeOf({ ahead, time }, { key, endpoint }, recent, now) {
  const { belief, since_ms, until_ms } = endpoint;
  const left = leftOf(endpoint, now + ahead);
  const isEjected = belief === "ejected";
  return {
    key,
    name: key,
    belief,
    words: belief === "up" ? "" : beliefName(belief) + (isEjected ? ` ${secondsLeft(left)}` : ""),
    left: isEjected && until_ms ? Math.min(1, Math.max(0, left / (until_ms - since_ms))) : 1,
    slot: slotOf(time.slots, key),
    rate: rateOf(recent, recent?.byKey.get(key) ?? 0),
  };
}

/** The key of the node that stands for the rest of a cluster. @param {string} cluster */
export const restKey = (cluster) => `rest of ${cluster}`;

function restOf(cluster, rest, recent) {
  const attempts = rest.reduce((sum, { key }) => sum + (recent?.byKey.get(key) ?? 0), 0);
  const notUp = rest.filter(({ endpoint }) => endpoint.belief !== "up").length;
  return {
    key: restKey(cluster),
    name: `${rest.length} more`,
    belief: notUp === 0 ? "up" : "unknown",
    words: notUp > 0 ? `${notUp} not up` : "",
    left: 1,
    slot: -1,
    rate: rateOf(recent, attempts),
  };
}

const rateOf = (recent, count) => (recent ? perSecond(count / (recent.seconds || RECENT_MS / 1000)) : "");
