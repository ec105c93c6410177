// Numbers, times and beliefs in words. No sentence of a panel is here, only what several of them share.

/** How lb's beliefs are called, and what became of a server that lb believes so from now on. */
const BELIEFS = {
  up: { name: "Up", became: "up" },
  ejected: { name: "Ejected", became: "ejected" },
  trial: { name: "Trial", became: "on trial" },
  down: { name: "Down", became: "down" },
  draining: { name: "Draining", became: "draining" },
};

/** The state that a belief's colour stands for. */
const STATES = { up: "up", trial: "trial", ejected: "failed", down: "failed", draining: "draining" };

/** @param {string} belief */
export const beliefName = (belief) => BELIEFS[belief]?.name ?? belief;

/** @param {string} belief */
export const beliefState = (belief) => STATES[belief] ?? "unknown";

/** @param {{ endpoint: string, to: string }} change */
export const changeInWords = (change) => `${change.endpoint} ${BELIEFS[change.to]?.became ?? change.to}`;

/** Milliseconds with their unit: `0.9 ms`, `12 ms`. @param {number} ms */
export function milliseconds(ms) {
  if (ms > 0 && ms < 0.1) return "<0.1 ms";
  return `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** A rate with its unit: `4.2/s`, `120/s`. @param {number} value */
export const perSecond = (value) => `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)}/s`;

/** Whole seconds that are left, never fewer than none; no line breaks before the unit. @param {number} ms */
// What a clock elsewhere says is known only to within the time that its word travels.
export const secondsLeft = (ms) => `${Math.max(0, Math.ceil((ms - 50) / 1000))}\u00a0s`;

/** A share as `25 %`. @param {number} part @param {number} whole */
export function percent(part, whole) {
  if (whole <= 0) return "–";
  const hundredths = Math.round((100 * part) / whole);
  return hundredths === 0 && part > 0 ? "<1 %" : `${hundredths} %`;
}

/** As `99.9 %`; says 100 only if none is missing, and 0 only if there is none. @param {number} part @param {number} whole */
export function strictPercent(part, whole) {
  if (whole <= 0) return "–";
  if (part === whole || part === 0) return part === 0 ? "0 %" : "100 %";
  const tenths = Math.min(999, Math.max(1, Math.round((1000 * part) / whole)));
  return `${tenths / 10} %`;
}

/** The two largest units of a time span: `3 min 12 s`. @param {number} ms */
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Time of day by this machine's clock: `14:02:11`. @param {number} ms */
export const timeOfDay = (ms) => clock.format(ms);

/** @param {number} count @param {string} one @param {string} many */
export const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;
