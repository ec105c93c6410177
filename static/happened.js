// What happened: the last times that lb changed its mind, to see; and every change of state, to hear.
// The list is what the stream said since the page was loaded; single requests are not in it.

import { byId, copyOf, field, setShown, setState, setText } from "./dom.js";
import { beliefState, changeInWords, timeOfDay } from "./words.js";

const HEARD_KEPT = 5;

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createHappened(store) {
  const empty = byId("happened-empty");
  const list = byId("happened");
  let drawn = [];

  function itemOf(change) {
    const item = copyOf("change");
    const time = item.querySelector("time");
    time.dateTime = new Date(change.at_ms).toISOString();
    setText(time, timeOfDay(change.at_ms));
    setState(item.querySelector(".state"), beliefState(change.to), change.to);
    setText(field(item, "what"), changeInWords(change) + (change.reason ? ":" : ""));
    setText(field(item, "reason"), change.reason);
    return item;
  }

  store.onDraw(({ changes }) => {
    if (changes === drawn) return;
    const fresh = changes.filter((one) => !drawn.includes(one));
    drawn = changes;
    list.prepend(...fresh.map(itemOf));
    while (list.children.length > changes.length) list.lastElementChild.remove();
    setShown(empty, changes.length === 0);
    setShown(list, changes.length > 0);
  });
}

/** The one live region of the page. @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createAnnouncer(store) {
  const region = byId("announce");
  let said = store.state.newsCount;

  store.onDraw(({ news, newsCount }) => {
    if (newsCount === said) return;
    for (const { id, text } of news) {
      if (id <= said) continue;
      const line = document.createElement("p");
      line.textContent = text;
      region.append(line);
    }
    said = newsCount;
    while (region.children.length > HEARD_KEPT) region.firstElementChild.remove();
  });
}
