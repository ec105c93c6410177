// What went wrong when one asked for something, and what to do, until one dismisses it.
// A request that failed is no such thing: the last response tells of it.

import { byId, field, setShown, setText } from "./dom.js";
import { noticeDismissed } from "./said.js";

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createNotice(store) {
  const notice = byId("notice");
  const dismiss = () => store.tell(noticeDismissed);
  notice.querySelector("[data-action=dismiss]").addEventListener("click", dismiss);

  store.onDraw((state) => {
    setText(field(notice, "words"), state.notice);
    setShown(notice, state.notice !== "");
  });

  return { dismiss };
}
