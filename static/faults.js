// The faults that lb plays on purpose just now, above all else on the page: nobody should look for the reason of a failure
// that somebody has asked for. Also what lb says of faults: whether it may play any.

import { ask } from "./ask.js";
import { byId, copyOf, field, setShown, setText } from "./dom.js";
import { faultEnded, faultPlayed, faultsSaid } from "./faults/said.js";
import { faultInWords } from "./cards/view.js";

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./cards/actions.js").createActions>} actions
 */
export function createFaults(store, actions) {
  const banner = byId("faults");
  const list = byId("faults-list");

  function lineOf(fault) {
    const line = copyOf("fault");
    line.dataset.id = String(fault.id);
    const button = line.querySelector("button");
    button.setAttribute("aria-label", `End it: ${fault.says}`);
    button.addEventListener("click", () => actions.endFault(fault));
    return line;
  }

  store.onDraw(({ status, ahead }) => {
    const faults = status?.faults ?? [];
    setShown(banner, faults.length > 0);
    for (const line of [...list.children]) if (!faults.some(({ id }) => String(id) === line.dataset.id)) line.remove();
    for (const fault of faults) {
      let line = [...list.children].find(({ dataset }) => dataset.id === String(fault.id));
      if (!line) list.append(line = lineOf(fault));
      setText(field(line, "words"), `${faultInWords(fault, Date.now() + ahead)}.`);
    }
  });

  return {
    /** Asks lb whether it may play faults. */
    async begin() {
      const { ok, said } = await ask("faults");
      if (ok) store.tell(faultsSaid, said);
    },
    /** @param {HappenedEvent} event */
    heard(event) {
      if (event.kind === "fault-began") store.tell(faultPlayed, event.fault);
      if (event.kind === "fault-ended") store.tell(faultEnded, event.fault.id);
    },
  };
}
