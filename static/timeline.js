// The events as marks on the axis of time, under the charts. One mark at a time can be read: the one that is pointed at, or
// to which the arrow keys went; the cursor of all charts goes there, too.

import { byId, setData, setText } from "./dom.js";
import { placeOf, rangeOf } from "./time/axis.js";
import { lookOf, sentenceOf } from "./timeline/words.js";
import { counted, timeOfDay } from "./words.js";

/** A mark this near, in pixels, is meant. */
const NEAR = 12;

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./time/axis.js").createCursor>} cursor
 */
export function createTimeline(store, cursor) {
  const [strip, readout] = ["timeline", "timeline-event"].map(byId);
  /** @type {Map<Event, HTMLElement>} */
  let marks = new Map();
  /** @type {Event | null} */
  let chosen = null;
  let drawn = {};

  function draw() {
    const { time } = store.state;
    const range = rangeOf(time);
    const width = strip.clientWidth;
    const shown = time.events.filter(({ at_ms }) => at_ms > range.from && at_ms <= Math.max(range.to, at_ms - 1000));
    marks = new Map(shown.map((event) => [event, marks.get(event) ?? markOf(event)]));
    for (const [event, mark] of marks) mark.style.left = `${Math.min(width - 12, placeOf(event.at_ms, range, width) - 6)}px`;
    strip.replaceChildren(...marks.values());
    if (chosen && !marks.has(chosen)) chosen = null;
    tell(range.words);
  }

  function markOf(event) {
    const mark = document.createElement("span");
    const { state, shape } = lookOf(event);
    mark.className = "shape mark";
    mark.setAttribute("aria-hidden", "true");
    setData(mark, "state", state);
    setData(mark, "shape", shape);
    return mark;
  }

  function tell(words) {
    for (const [event, mark] of marks) setData(mark, "chosen", String(event === chosen));
    const all = marks.size === 0 ? `No events in the ${words}.` : `${counted(marks.size, "event", "events")} in the ${words}. Point at a mark, or go from one to the next with the arrow keys.`;
    const text = chosen ? `${timeOfDay(chosen.at_ms)} ${sentenceOf(chosen)}` : all;
    setText(readout, text);
    const place = chosen ? [...marks.keys()].indexOf(chosen) : 0;
    strip.setAttribute("aria-valuetext", text);
    strip.setAttribute("aria-valuemax", String(Math.max(0, marks.size - 1)));
    strip.setAttribute("aria-valuenow", String(place));
  }

  function choose(event) {
    if (event === chosen) return;
    chosen = event;
    cursor.move(event?.at_ms ?? null);
    tell(rangeOf(store.state.time).words);
  }

  strip.addEventListener("pointermove", ({ clientX }) => {
    const x = clientX - strip.getBoundingClientRect().left;
    const distance = (mark) => Math.abs(parseFloat(mark.style.left) + 6 - x);
    const near = [...marks].filter(([, mark]) => distance(mark) <= NEAR).sort(([, a], [, b]) => distance(a) - distance(b));
    choose(near[0]?.[0] ?? null);
  });
  strip.addEventListener("pointerleave", () => { if (document.activeElement !== strip) choose(null); });
  strip.addEventListener("blur", () => choose(null));
  strip.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const all = [...marks.keys()];
    if (all.length === 0) return;
    const now = chosen ? all.indexOf(chosen) : all.length;
    choose(all[Math.min(all.length - 1, Math.max(0, now + by))]);
  });
  new ResizeObserver(draw).observe(strip);

  store.onDraw(({ time }) => {
    const { to } = rangeOf(time);
    if (time.events === drawn.events && time.window === drawn.window && to === drawn.to) return;
    drawn = { events: time.events, window: time.window, to };
    draw();
  });
}
