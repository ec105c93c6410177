// Which endpoint has which of the eight colours that everyone can tell apart, the same in every panel. Pure.
// Where there are more endpoints than colours, the busiest have them; one that lost its place only narrowly keeps it.

export const SLOTS = 8;
/** A newcomer must be so much busier than whom it replaces; without this, colours would flicker between equals. */
const CLEARLY = 1.5;

/**
 * @param {(string | null)[]} slots as they were @param {string[]} keys all endpoints in config order
 * @param {Map<string, number>} counts how busy each was @returns {(string | null)[]} a key for each colour; the old list if nothing changed
 */
export function slotsFor(slots, keys, counts) {
  const next = keys.length <= SLOTS ? keys : busiest(slots, keys, counts);
  return next.length === slots.length && next.every((key, i) => key === slots[i]) ? slots : next;
}

/** Its colour's number, or -1. @param {(string | null)[]} slots @param {string} key */
export const slotOf = (slots, key) => slots.indexOf(key);

function busiest(slots, keys, counts) {
  const known = new Set(keys);
  const next = Array.from({ length: SLOTS }, (_, i) => (known.has(slots[i]) ? slots[i] : null));
  const count = (key) => counts.get(key) ?? 0;
  const waiting = keys.filter((key) => !next.includes(key)).sort((a, b) => count(b) - count(a));
  for (let i = 0; i < SLOTS; i += 1) next[i] ??= waiting.shift() ?? null;
  for (const key of waiting) {
    const least = next.reduce((low, _, i) => (count(next[i]) < count(next[low]) ? i : low), 0);
    if (count(key) <= CLEARLY * count(next[least])) break;
    next[least] = key;
  }
  return next;
}
