// What happened: everything that changed what lb believes or does, the latest first, with the cause in words, to see; and
// every change of state, to hear. Single requests are not in it.

import { byId, copyOf, field, setShown, setState, setText } from "./dom.js";
import { causeOf, lookOf, whatOf } from "./timeline/words.js";
import { timeOfDay } from "./words.js";

const LISTED = 20;
const HEARD_KEPT = 5;

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createHappened(store) {
  const empty = byId("happened-empty");
  const list = byId("happened");
  let drawn = [];
  /** @type {Map<Event, Element>} */
  let items = new Map();

  function itemOf(event) {
    const item = copyOf("change");
    const time = item.querySelector("time");
    const { state, shape } = lookOf(event);
    const cause = causeOf(event);
    time.dateTime = new Date(event.at_ms).toISOString();
    setText(time, timeOfDay(event.at_ms));
    setState(item.querySelector(".state"), state, shape);
    setText(field(item, "what"), whatOf(event) + (cause ? ":" : ""));
    setText(field(item, "reason"), cause);
    return item;
  }

  store.onDraw(({ time: { events } }) => {
    if (events === drawn) return;
    drawn = events;
    const latest = events.slice(-LISTED).reverse();
    items = new Map(latest.map((event) => [event, items.get(event) ?? itemOf(event)]));
    list.replaceChildren(...items.values());
    setShown(empty, latest.length === 0);
    setShown(list, latest.length > 0);
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
