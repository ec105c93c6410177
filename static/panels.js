// What the page can do only with an lb that traces, changes and plays: traces, the cards' controls, faults, drills. Hidden
// until lb is heard to tell what such an lb tells; app.js hands on what the stream says.

import { createActions } from "./cards/actions.js";
import { NOTHING_SEEN, statusSeen } from "./cards/seen.js";
import { createWhatIf } from "./cards/whatif.js";
import { createDrills } from "./drills.js";
import { NO_DRILLS } from "./drills/said.js";
import { createFaults } from "./faults.js";
import { adminOffered } from "./faults/said.js";
import { createTell } from "./tell.js";
import { createTraces } from "./traces.js";
import { NO_TRACES } from "./traces/said.js";

/** What is known of all that before anyone has said anything. */
export const NO_PANELS = { admin: { offered: false }, faults: null, seen: NOTHING_SEEN, traces: NO_TRACES, drills: NO_DRILLS };

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createPanels(store) {
  const tell = createTell(store);
  const actions = createActions(store, tell, createWhatIf());
  const traces = createTraces(store, tell);
  const faults = createFaults(store, actions);
  const drills = createDrills(store, tell);

  function begin() {
    store.tell(adminOffered);
    for (const panel of [traces, faults, drills]) panel.begin();
  }

  /** `tick`, `flow`, `event` and `drill` come only from an lb that has the rest, too. */
  function offered() {
    if (!store.state.admin.offered) begin();
  }

  return {
    actions,
    /** Closes what is open. @returns {boolean} whether something was */
    escape: traces.escape,
    /** lb is heard again after it was lost: perhaps another one, with another configuration. */
    again: () => {
      if (store.state.admin.offered) begin();
    },
    /** lb tells nothing without the token, and the person did not give it. */
    refused: () => tell.problem("lb tells nothing without its token. Load the page again to be asked for it."),
    status: () => store.tell(statusSeen),
    tick: offered,
    flow() {
      offered();
      traces.heard();
    },
    event(event) {
      offered();
      traces.heard();
      faults.heard(event);
    },
    drill(run) {
      offered();
      drills.heard(run);
    },
  };
}
