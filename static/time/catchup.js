// Asks lb for what was before the page listened: the counts of the window that is looked at, and the events that are kept;
// at the start, and again after a connection that was lost, since a gap in a chart would look like no requests.

import { WINDOWS, historySaid, timelineSaid } from "./said.js";

const HISTORY = "/lb/v1/history";
const TIMELINE = "/lb/v1/timeline?limit=1000";
const PAUSE_MS = 5000;
const PATIENCE_MS = 10_000;

/** @param {ReturnType<typeof import("../store.js").createStore>} store */
export function createCatchUp(store) {
  /** What is still to be asked for on this connection. */
  let missing = new Set();
  let notBefore = 0;

  async function ask(what, url, taken) {
    missing.delete(what);
    try {
      const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!response.ok) throw new Error(`lb answered ${response.status}`);
      taken(await response.json());
    } catch {
      // The charts go on from what is told; what was before is asked for again, and not at once.
      missing.add(what);
      notBefore = performance.now() + PAUSE_MS;
    }
  }

  /** Asks for what is missing of what is looked at, if it is time for that. */
  function askForMissing() {
    if (missing.size === 0 || performance.now() < notBefore) return;
    const { window } = store.state.time;
    if (missing.has("events")) ask("events", TIMELINE, (timeline) => store.tell(timelineSaid, timeline));
    if (!missing.has(window)) return;
    ask(window, `${HISTORY}?window=${window}`, (history) => store.tell(historySaid, window, history));
  }

  store.onDraw(askForMissing);
  return {
    /** A connection to lb began: nothing is known for sure of what was before. */
    connected() {
      missing = new Set(["events", ...Object.keys(WINDOWS)]);
      notBefore = 0;
      askForMissing();
    },
  };
}
