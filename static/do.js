// The row of what one can do: send, send automatically, how fast, reset; and what came of it all in three numbers.

import { byId, setShown, setText } from "./dom.js";
import { tallyReset } from "./tally.js";
import { counted, strictPercent, timeOfDay } from "./words.js";

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./requests.js").createRequests>} requests
 */
export function createDo(store, requests) {
  const auto = byId("auto");
  const rate = byId("rate");
  const [sent, success, retried] = ["total-sent", "total-success", "total-retried"].map(byId);
  const [since, tooMany] = ["window", "full"].map(byId);

  byId("send").addEventListener("click", requests.send);
  auto.addEventListener("click", requests.toggleAuto);
  rate.addEventListener("change", () => requests.setRate(Number(rate.value)));
  byId("reset").addEventListener("click", () => store.tell(tallyReset, Date.now()));
  // A browser that restores what was chosen before a reload would show another rate than the one that runs.
  rate.value = String(store.state.auto.rate);

  store.onDraw(({ auto: { on, full }, tally }) => {
    setText(auto, on ? "Stop Auto Requests" : "Start Auto Requests");
    setText(sent, String(tally.sent));
    setText(success, strictPercent(tally.succeeded, tally.done));
    setText(retried, String(tally.retried));
    setShown(tooMany, full);
    const lost = tally.lost ? `; ${counted(tally.lost, "connection", "connections")} lost and the request sent again` : "";
    setText(since, tally.since ? `Counts of this page since ${timeOfDay(tally.since)}${lost}` : "");
  });
}
