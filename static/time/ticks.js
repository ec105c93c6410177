// Steps of time as lb tells them, put in a row: pure functions. Each tick is kept with the keys of its endpoints, so that
// a configuration that changes later does not give old numbers to new names.

/** What is summed beyond the endpoints that lb tells apart. */
export const OTHERS = "";
const MOST_TOLD = 256;
/** A step is some milliseconds longer or shorter than it should be. */
const SLACK = 1.05;

/**
 * The keys of a tick's endpoints, cluster after cluster; the old list if it says the same, so that ticks share it.
 * @param {string[]} old @param {ReturnType<typeof import("../view.js").serversOf>} servers
 */
export function layoutOf(old, servers) {
  const layout = [];
  let place = 0;
  let cluster;
  for (const server of servers) {
    place = server.cluster === cluster ? place + 1 : 1;
    cluster = server.cluster;
    if (place < MOST_TOLD || (place === MOST_TOLD && cluster.endpoints.length === MOST_TOLD)) layout.push(server.key);
    else if (place === MOST_TOLD) layout.push(OTHERS);
  }
  return layout.length === old.length && layout.every((key, i) => key === old[i]) ? old : layout;
}

/** @param {Tick} tick @param {string[]} keys @returns {Step} */
export function stepOf({ clusters, ...tick }, keys) {
  return { ...tick, keys, endpoints: clusters.flatMap((cluster) => cluster.endpoints) };
}

/**
 * Known steps with those that lb has in its history: within the history's span, the history is right.
 * @param {Step[]} known @param {Step[]} history @param {number} spanMs
 */
export function withHistory(known, history, spanMs) {
  if (history.length === 0) return known;
  const [from, to] = [history[0].at_ms, history.at(-1).at_ms];
  const older = known.filter(({ at_ms }) => at_ms < from);
  const later = known.filter(({ at_ms }) => at_ms > to);
  return trimmed([...older, ...history, ...later], spanMs);
}

/**
 * The steps with one more; it joins the last one as long as that is shorter than a step of this row.
 * @param {Step[]} steps @param {Step} step @param {number} stepMs @param {number} spanMs
 */
export function withStep(steps, step, stepMs, spanMs) {
  const last = steps.at(-1);
  if (last && step.at_ms <= last.at_ms) return steps;
  const joins = last && last.keys === step.keys && last.ms + step.ms <= stepMs * SLACK && step.at_ms - last.at_ms < stepMs;
  return joins ? [...steps.slice(0, -1), sumOf([last, step])] : trimmed([...steps, step], spanMs);
}

/** Several steps as one, which ends when the last of them does. @param {Step[]} steps at least one @returns {Step} */
export function sumOf(steps) {
  const total = (field) => steps.reduce((sum, step) => sum + step[field], 0);
  const { keys, at_ms } = steps.at(-1);
  const alike = steps.filter((step) => step.keys === keys);
  return {
    at_ms,
    keys,
    ms: total("ms"),
    requests: total("requests"),
    errors: total("errors"),
    retried: total("retried"),
    attempts: total("attempts"),
    latency: pairsOf(steps),
    endpoints: alike.at(-1).endpoints.map((_, place) => {
      const own = alike.map((step) => step.endpoints[place]).filter(Boolean);
      const sum = (field) => own.reduce((all, one) => all + (one[field] ?? 0), 0);
      return { n: sum("n"), f: sum("f"), l: pairsOf(own, "l") };
    }),
  };
}

/** The last steps that together are no longer than that. @param {Step[]} steps @param {number} ms */
export function lastOf(steps, ms) {
  let left = ms * SLACK;
  const from = steps.findLastIndex((step) => (left -= step.ms) < 0);
  return steps.slice(from + 1);
}

/** How many attempts each endpoint had. @param {Step[]} steps @returns {Map<string, number>} by key */
export function attemptsByKey(steps) {
  const counts = new Map();
  for (const { keys, endpoints } of steps) {
    endpoints.forEach(({ n }, place) => {
      const key = keys[place] ?? OTHERS;
      counts.set(key, (counts.get(key) ?? 0) + n);
    });
  }
  return counts;
}

function trimmed(steps, spanMs) {
  const oldest = steps.at(-1).at_ms - spanMs;
  return steps[0].at_ms > oldest ? steps : steps.filter(({ at_ms }) => at_ms > oldest);
}

function pairsOf(parts, field = "latency") {
  const counts = new Map();
  for (const part of parts) {
    for (const [bucket, count] of part[field] ?? []) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  }
  return [...counts].sort(([a], [b]) => a - b);
}
