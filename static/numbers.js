// The four numbers that matter, where the demo's controls are not offered: of all clients' requests, as lb counts them.

import { byId, setShown, setText } from "./dom.js";
import { recentOf } from "./time/numbers.js";
import { milliseconds, perSecond, strictPercent } from "./words.js";

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createNumbers(store) {
  const root = byId("numbers");
  const [rate, success, p99, retries] = ["rate", "success", "p99", "retries"].map((name) => byId(`number-${name}`));
  let drawn = null;

  store.onDraw(({ controls, time }) => {
    setShown(root, controls === false);
    if (controls !== false || time.steps["5m"] === drawn) return;
    drawn = time.steps["5m"];
    const recent = recentOf(time);
    setText(rate, recent ? perSecond(recent.rate) : "–");
    setText(success, recent ? strictPercent(recent.requests - recent.errors, recent.requests) : "–");
    setText(p99, recent?.p99 != null ? milliseconds(recent.p99) : "–");
    setText(retries, recent?.requests ? (Math.max(0, recent.attempts - recent.requests) / recent.requests).toFixed(3) : "–");
  });
}
