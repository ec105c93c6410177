// "What if web2 drained", or had another weight: before it is so, who would get how much, and whether to do it.

import { ask } from "../ask.js";
import { byId, copyOf, field, setShown, setText } from "../dom.js";
import { counted, percent } from "../words.js";
import { perSecond } from "./view.js";

/** So many endpoints are named, those that would change most; the rest is summed. */
const NAMED = 12;

/** @typedef {{ draining: true } | { weight: number }} Change */

/**
 * @returns {(server: { cluster: string, endpoint: string, key: string }, change: Change, duration: string) => Promise<boolean>}
 *   whether to do it
 */
export function createWhatIf() {
  const dialog = byId("what-if");
  const [intro, table, notes] = ["intro", "table", "notes"].map((name) => field(dialog, name));
  const go = dialog.querySelector("[value=go]");
  const sessions = field(dialog, "sessions");
  let asked = 0;

  async function project({ cluster, endpoint }, change) {
    const question = asked += 1;
    setText(intro, "Asking lb what would become of the others.");
    setShown(table, false);
    notes.replaceChildren();
    const path = `clusters/${encodeURIComponent(cluster)}/endpoints/${encodeURIComponent(endpoint)}/what-if?${new URLSearchParams(change)}`;
    const { ok, said, problem } = await ask(path);
    if (question !== asked) return;
    if (!ok) return setText(intro, `What would become of the others cannot be told. ${problem}`);
    setText(intro, `If new requests kept coming as in the last 10 s, at ${perSecond(said.rate)}:`);
    setShown(table, true);
    table.tBodies[0].replaceChildren(...rowsOf(said.endpoints, endpoint).map(drawRow));
    notes.append(...said.notes.map((note) => {
      const item = copyOf("what-if-note");
      setText(field(item, "words"), note);
      return item;
    }));
  }

  return function whatIf(server, change, duration) {
    const drains = "draining" in change;
    const long = duration ? ` for ${duration.replace("m", " min")}` : "";
    setText(byId("what-if-title"), drains ? `What if ${server.key} drained` : `What if ${server.key} had weight ${change.weight}`);
    setText(go, drains ? `Drain ${server.key}${long}` : `Set weight ${change.weight}${long}`);
    setShown(sessions, drains);
    dialog.returnValue = "";
    dialog.showModal();
    project(server, change);
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        asked += 1;
        resolve(dialog.returnValue === "go");
      }, { once: true });
    });
  };
}

/** In the order of the configuration: the one that is meant, and those that would change most. */
function rowsOf(endpoints, meant) {
  if (endpoints.length <= NAMED) return endpoints;
  const byChange = endpoints.toSorted((a, b) => Math.abs(b.rate_then - b.rate_now) - Math.abs(a.rate_then - a.rate_now));
  const named = new Set([...byChange.filter((one) => one.endpoint === meant), ...byChange.filter((one) => one.endpoint !== meant)].slice(0, NAMED - 1));
  const rest = endpoints.filter((one) => !named.has(one));
  const sum = (key) => rest.reduce((total, one) => total + one[key], 0);
  return [...endpoints.filter((one) => named.has(one)), {
    endpoint: counted(rest.length, "other", "others"),
    share_now: sum("share_now"), share_then: sum("share_then"), rate_now: sum("rate_now"), rate_then: sum("rate_then"),
  }];
}

function drawRow({ endpoint, share_now, share_then, rate_now, rate_then }) {
  const row = copyOf("what-if-row");
  const texts = {
    name: endpoint, "share-now": percent(share_now, 1), "share-then": percent(share_then, 1),
    "rate-now": number(rate_now), "rate-then": number(rate_then),
  };
  for (const [name, text] of Object.entries(texts)) setText(field(row, name), text.replace("–", "0 %"));
  field(row, "bar").style.transform = `scaleX(${Math.min(1, share_then).toFixed(4)})`;
  return row;
}

const number = (rate) => (rate === 0 || rate >= 9.95 ? String(Math.round(rate)) : rate.toFixed(1));
