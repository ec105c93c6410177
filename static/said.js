// From what lb and the page's person said to the next state: pure functions for store.tell().
// What the answers to the page's own requests change is in tally.js.

import { NO_FLOW } from "./flow/said.js";
import { NO_TIME, withEra, withEvents } from "./time/said.js";
import { changeInWords } from "./words.js";

const NEWS_KEPT = 5;

/** @type {State} What is known before anyone has said anything. */
export const NOTHING = {
  connection: "connecting",
  heardAt: 0,
  lostAt: 0,
  status: null,
  ahead: 0,
  controls: null,
  evidence: {},
  asking: [],
  news: [],
  newsCount: 0,
  notice: "",
  theme: "system",
  auto: { on: false, rate: 1, full: false },
  tally: { era: 0, since: 0, sent: 0, done: 0, succeeded: 0, retried: 0, lost: 0, byServer: {} },
  last: null,
  time: NO_TIME,
  flow: NO_FLOW,
};

/** Of these the live region tells; single probes are not among them. */
const ANNOUNCED = new Set(["changed", "fault-began", "fault-ended", "drill", "stopping", "reloaded", "reload-refused"]);

/** @param {State} state @param {Status} status @param {number} at */
export function statusSaid(state, status, at) {
  const back = state.connection === "reconnecting" && state.status ? withNews(state, "Connected to lb again.") : state;
  const time = withEra(state.time, status);
  return { ...back, status, time, ahead: status.now_ms - at, connection: "live", heardAt: at };
}

/** @param {State} state @param {Event} event each is taken in once, however often it is told */
export function eventSaid(state, event) {
  const time = withEvents(state.time, [event]);
  if (time === state.time) return state;
  const told = { ...state, time };
  if (event.kind === "belief") return beliefTaken(told, event);
  return ANNOUNCED.has(event.kind) ? withNews(told, event.says) : told;
}

function beliefTaken(state, { cluster, endpoint, to, reason, until_ms, at_ms }) {
  const told = withNews(state, changeInWords({ endpoint, to }) + (reason ? `: ${reason}` : ""));
  const known = state.status?.clusters.find(({ name }) => name === cluster)?.endpoints.find(({ name }) => name === endpoint);
  // What was missed while the stream was lost may be older than the status that came after it.
  if (known && known.since_ms > at_ms) return told;
  return withEndpoint(told, cluster, endpoint, { belief: to, reason, until_ms: until_ms ?? null, since_ms: at_ms });
}

/** @param {State} state @param {ProbeChange} change */
export function probeSaid(state, { cluster, endpoint, probe }) {
  return withEndpoint(state, cluster, endpoint, { probe });
}

/** @param {State} state @param {number} at */
export function connectionLost(state, at) {
  if (state.connection === "reconnecting") return state;
  if (state.connection === "connecting") return { ...state, connection: "reconnecting", lostAt: at };
  return withNews({ ...state, connection: "reconnecting", lostAt: at }, "The connection to lb is lost; reconnecting.");
}

/** @param {State} state @param {boolean} offered */
export function controlsOffered(state, offered) {
  return state.controls === offered ? state : { ...state, controls: offered };
}

/** @param {State} state @param {string} name */
export function toggleBegan(state, name) {
  return { ...state, asking: [...state.asking, name] };
}

/** @param {State} state @param {string} name @param {boolean} active @param {number} at */
export function toggleConfirmed(state, name, active, at) {
  const evidence = { ...state.evidence, [name]: { status: active ? 200 : 503, failure: "", at } };
  const told = withNews({ ...state, evidence, notice: "" }, `${name} is now ${active ? "active" : "inactive"}.`);
  return toggleEnded(told, name);
}

/** @param {State} state @param {string} name @param {string} notice */
export function toggleFailed(state, name, notice) {
  return toggleEnded(withNews({ ...state, notice }, notice), name);
}

/** @param {State} state */
export function noticeDismissed(state) {
  return state.notice ? { ...state, notice: "" } : state;
}

/** @param {State} state @param {Partial<State["auto"]>} auto */
export function autoSet(state, auto) {
  return { ...state, auto: { ...state.auto, ...auto } };
}

/** @param {State} state @param {State["theme"]} theme */
export function themeChosen(state, theme) {
  return { ...state, theme };
}

function toggleEnded(state, name) {
  return { ...state, asking: state.asking.filter((one) => one !== name) };
}

function withNews(state, text) {
  const newsCount = state.newsCount + 1;
  return { ...state, newsCount, news: [...state.news, { id: newsCount, text }].slice(-NEWS_KEPT) };
}

/** The state with something new about one endpoint. */
export function withEndpoint(state, cluster, name, news) {
  if (!state.status) return state;
  const clusters = state.status.clusters.map((one) => one.name !== cluster ? one : {
    ...one,
    endpoints: one.endpoints.map((endpoint) => endpoint.name !== name ? endpoint : { ...endpoint, ...news }),
  });
  return { ...state, status: { ...state.status, clusters } };
}
