// From what lb and the page's person said to the next state: pure functions for store.tell().
// What the answers to the page's own requests change is in tally.js.

import { changeInWords } from "./words.js";

const CHANGES_KEPT = 20;
const NEWS_KEPT = 5;

/** @type {State} What is known before anyone has said anything. */
export const NOTHING = {
  connection: "connecting",
  heardAt: 0,
  status: null,
  ahead: 0,
  controls: null,
  evidence: {},
  asking: [],
  changes: [],
  news: [],
  newsCount: 0,
  notice: "",
  theme: "system",
  auto: { on: false, rate: 1, full: false },
  tally: { era: 0, since: 0, sent: 0, done: 0, succeeded: 0, retried: 0, lost: 0, byServer: {} },
  last: null,
};

/** @param {State} state @param {Status} status @param {number} at */
export function statusSaid(state, status, at) {
  const back = state.connection === "reconnecting" && state.status ? withNews(state, "Connected to lb again.") : state;
  return { ...back, status, ahead: status.now_ms - at, connection: "live", heardAt: at };
}

/** @param {State} state @param {BeliefChange} change */
export function beliefSaid(state, change) {
  const { cluster, endpoint, to, reason, until_ms, at_ms } = change;
  const told = withNews(state, changeInWords(change) + (reason ? `: ${reason}` : ""));
  const changes = [change, ...state.changes].slice(0, CHANGES_KEPT);
  const news = { belief: to, reason, until_ms: until_ms ?? null, since_ms: at_ms };
  return withEndpoint({ ...told, changes }, cluster, endpoint, news);
}

/** @param {State} state @param {ProbeChange} change */
export function probeSaid(state, { cluster, endpoint, probe }) {
  return withEndpoint(state, cluster, endpoint, { probe });
}

/** @param {State} state */
export function connectionLost(state) {
  if (state.connection === "reconnecting") return state;
  if (state.connection === "connecting") return { ...state, connection: "reconnecting" };
  return withNews({ ...state, connection: "reconnecting" }, "The connection to lb is lost; reconnecting.");
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
