// What one can tell lb about a server: to drain it, to weigh it otherwise, to be as the file says again, to play a fault.
// Tells the person what went wrong. What went well lb tells itself, as an event: to this page as to all others.

import { ask } from "../ask.js";
import { withEndpoint } from "../said.js";
import { serversOf } from "../view.js";
import { faultEnded, faultPlayed } from "../faults/said.js";
import { isYes } from "./view.js";

/**
 * @param {ReturnType<typeof import("../store.js").createStore>} store
 * @param {ReturnType<typeof import("../tell.js").createTell>} tell
 * @param {ReturnType<typeof import("./whatif.js").createWhatIf>} whatIf
 */
export function createActions(store, tell, whatIf) {
  function serverOf(key) {
    const found = store.state.status && serversOf(store.state.status).find((one) => one.key === key);
    return found && { key, cluster: found.cluster.name, endpoint: found.endpoint.name };
  }

  async function change({ cluster, endpoint }, change, failed) {
    const path = `clusters/${encodeURIComponent(cluster)}/endpoints/${encodeURIComponent(endpoint)}`;
    const { ok, said, problem } = await ask(path, { method: "PATCH", body: change });
    if (!ok) return tell.problem(`${failed} ${problem}`);
    // The next status tells it, too; nobody should have to wait for it.
    if (said) store.tell(withEndpoint, cluster, endpoint, said);
  }

  const limited = (body, duration) => (duration ? { ...body, for: duration } : body);

  return {
    /** @param {string} key @param {boolean} draining @param {string} duration empty: until it is changed again */
    async drain(key, draining, duration) {
      const server = serverOf(key);
      if (!server) return;
      if (draining && !await whatIf(server, { draining }, duration)) return;
      await change(server, limited({ draining }, duration), draining ? `${key} does not drain.` : `${key} is not enabled.`);
    },

    /** @param {string} key @param {number} weight @param {string} duration @param {boolean} asks whether to show first what would be */
    async weigh(key, weight, duration, asks) {
      const server = serverOf(key);
      if (!server || (asks && !await whatIf(server, { weight }, duration))) return;
      await change(server, limited({ weight }, duration), `${key} keeps its weight.`);
    },

    /** @param {Drift} drift */
    async asInFile({ cluster, endpoint, key, file }) {
      const body = key === "draining" ? { draining: isYes(file) } : { weight: Number(file) };
      await change({ cluster, endpoint }, body, `${endpoint} stays as it is.`);
    },

    /** @param {string} key @param {Omit<NewFault, "cluster" | "endpoint">} fault */
    async playFault(key, fault) {
      const server = serverOf(key);
      if (!server) return;
      const { cluster, endpoint } = server;
      const { ok, said, problem } = await ask("faults", { method: "POST", body: { cluster, endpoint, ...fault } });
      if (!ok) return tell.problem(`The fault is not played. ${problem}`);
      store.tell(faultPlayed, said);
    },

    /** @param {Fault} fault */
    async endFault({ id }) {
      const { ok, status, problem } = await ask(`faults/${id}`, { method: "DELETE" });
      // That one is over is what was wished for.
      if (!ok && status !== 404) return tell.problem(`The fault does not end. ${problem}`);
      store.tell(faultEnded, id);
    },
  };
}
