// What of the traces is asked for. Pure.

/** So many are listed, and so many at most. */
export const FEW = 20;
export const MANY = 100;

/** The filter's words. An empty value leaves a filter out. @param {TracesState} traces @returns {string} a path under /lb/v1/ */
export function pathOf({ filter, selection, limit }) {
  const query = new URLSearchParams(selection ? selection.query : undefined);
  if (!selection) for (const [name, value] of Object.entries(filter)) if (value !== "") query.set(name, value);
  // Who chose may have said how many.
  if (!selection || !query.has("limit")) query.set("limit", String(limit));
  return `traces?${query}`;
}

/** How many are listed at most. @param {TracesState} traces */
export function limitOf({ selection, limit }) {
  return Number(new URLSearchParams(selection?.query).get("limit")) || limit;
}

/** @param {number} id */
export const pathOfOne = (id) => `traces?id=${id}&limit=1`;

/** @param {TracesState["filter"]} filter */
export const isFiltered = (filter) => Object.values(filter).some((value) => value !== "");

/** The number in `#trace=12`; null if the address names no trace. @param {string} hash */
export function idInHash(hash) {
  const found = /^#trace=(\d{1,16})$/.exec(hash);
  return found ? Number(found[1]) : null;
}

/** @param {number} id */
export const hashOf = (id) => `#trace=${id}`;
