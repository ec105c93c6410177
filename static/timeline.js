// The events as marks on the axis of time, under the charts. One event at a time can be read: the one that is pointed at, or
// to which the arrow keys went; the cursor of all charts goes there, too. Events too near to each other share a mark, which
// looks like the worst of them and says how many they are.

import { byId, copyOf, field, setData, setShown, setState, setText } from "./dom.js";
import { placeOf, rangeOf } from "./time/axis.js";
import { groupsOf } from "./timeline/groups.js";
import { lookOf, sentenceOf } from "./timeline/words.js";
import { counted, timeOfDay } from "./words.js";

/** A mark this near, in pixels, is meant. */
const NEAR = 12;
const HALF = 6;

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./time/axis.js").createCursor>} cursor
 */
export function createTimeline(store, cursor) {
  const [strip, readout] = ["timeline", "timeline-event"].map(byId);
  const line = strip.querySelector(".cursor-line");
  /** @type {{ at: number, events: Event[], worst: Event, mark: HTMLElement }[]} */
  let groups = [];
  /** @type {Event | null} */
  let chosen = null;
  let drawn = {};

  function draw() {
    const { time } = store.state;
    const range = rangeOf(time);
    const width = strip.clientWidth;
    const old = new Map(groups.map((group) => [group.worst, group.mark]));
    groups = groupsOf(time.events, range, width).map((group) => ({ ...group, mark: markOf(group, old.get(group.worst)) }));
    for (const { at, mark } of groups) mark.style.left = `${Math.min(width - 2 * HALF, placeOf(at, range, width) - HALF)}px`;
    strip.replaceChildren(line, ...groups.map(({ mark }) => mark));
    if (chosen && !groups.some(({ events }) => events.includes(chosen))) chosen = null;
    pointLine();
    tell(range.words);
  }

  function markOf({ worst, events }, old) {
    const mark = old ?? copyOf("mark");
    const { state, shape } = lookOf(worst);
    setState(mark, state, shape);
    setText(field(mark, "count"), events.length > 1 ? String(events.length) : "");
    return mark;
  }

  function pointLine() {
    setShown(line, cursor.at !== null);
    if (cursor.at !== null) line.style.left = `${placeOf(cursor.at, rangeOf(store.state.time), strip.clientWidth)}px`;
  }

  function tell(words) {
    const all = groups.flatMap(({ events }) => events);
    for (const { mark, events } of groups) setData(mark, "chosen", String(events.includes(chosen)));
    const none = all.length === 0 ? `No events in the ${words}.` : `${counted(all.length, "event", "events")} in the ${words}. Point at a mark, or go from one to the next with the arrow keys.`;
    const together = groups.find(({ events }) => events.includes(chosen))?.events.length ?? 0;
    const more = together > 1 ? ` (and ${together - 1} more at about that time)` : "";
    const text = chosen ? `${timeOfDay(chosen.at_ms)} ${sentenceOf(chosen)}${more}` : none;
    setText(readout, text);
    strip.setAttribute("aria-valuetext", text);
    strip.setAttribute("aria-valuemax", String(Math.max(0, all.length - 1)));
    strip.setAttribute("aria-valuenow", String(Math.max(0, all.indexOf(chosen))));
  }

  function choose(event) {
    if (event === chosen) return;
    chosen = event;
    cursor.move(event?.at_ms ?? null);
    tell(rangeOf(store.state.time).words);
  }

  strip.addEventListener("pointermove", ({ clientX }) => {
    const x = clientX - strip.getBoundingClientRect().left;
    const distance = ({ mark }) => Math.abs(parseFloat(mark.style.left) + HALF - x);
    const near = groups.filter((group) => distance(group) <= NEAR).sort((a, b) => distance(a) - distance(b));
    choose(near[0]?.worst ?? null);
  });
  strip.addEventListener("pointerleave", () => { if (document.activeElement !== strip) choose(null); });
  strip.addEventListener("blur", () => choose(null));
  strip.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const all = groups.flatMap(({ events }) => events);
    if (all.length === 0) return;
    const now = chosen ? all.indexOf(chosen) : all.length;
    choose(all[Math.min(all.length - 1, Math.max(0, now + by))]);
  });
  cursor.onMove(pointLine);
  new ResizeObserver(draw).observe(strip);

  store.onDraw(({ time }) => {
    const { to } = rangeOf(time);
    if (time.events === drawn.events && time.window === drawn.window && to === drawn.to) return;
    drawn = { events: time.events, window: time.window, to };
    draw();
  });
}
