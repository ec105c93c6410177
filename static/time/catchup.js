// Asks lb for what was before the page listened: the counts of the window that is looked at, and the events that are kept;
// at the start, and again after a connection that was lost, since a gap in a chart would look like no requests.

import { ask } from "../ask.js";
import { WINDOWS, historySaid, timelineSaid } from "./said.js";

const HISTORY = "history";
const TIMELINE = "timeline?limit=1000";
const PAUSE_MS = 5000;

/** @param {ReturnType<typeof import("../store.js").createStore>} store */
export function createCatchUp(store) {
  /** What is still to be asked for on this connection. */
  let missing = new Set();
  let notBefore = 0;

  async function askFor(what, path, taken) {
    missing.delete(what);
    const { ok, said } = await ask(path);
    if (ok && said) return taken(said);
    // The charts go on from what is told; what was before is asked for again, and not at once.
    missing.add(what);
    notBefore = performance.now() + PAUSE_MS;
  }

  /** Asks for what is missing of what is looked at, if it is time for that. */
  function askForMissing() {
    if (missing.size === 0 || performance.now() < notBefore) return;
    const { window } = store.state.time;
    if (missing.has("events")) askFor("events", TIMELINE, (timeline) => store.tell(timelineSaid, timeline));
    if (!missing.has(window)) return;
    askFor(window, `${HISTORY}?window=${window}`, (history) => store.tell(historySaid, window, history));
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
