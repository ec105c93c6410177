// The table behind the charts, for those who would rather read: built when it is opened, from the window that is shown.

import { byId, setText } from "../dom.js";
import { milliseconds, perSecond, timeOfDay } from "../words.js";
import { stepsOf } from "./axis.js";
import { WINDOWS } from "./said.js";
import { pointOf } from "./series.js";
import { sumOf } from "./ticks.js";

const ROWS = 30;

/** @param {ReturnType<typeof import("../store.js").createStore>} store */
export function createTimeTable(store) {
  const details = byId("time-table");
  const [head, body] = ["thead tr", "tbody"].map((name) => details.querySelector(name));
  const caption = details.querySelector("caption");

  function build() {
    const { time } = store.state;
    const { ms, words } = WINDOWS[time.window];
    const hasOthers = time.layout.length > time.slots.length;
    const names = [...time.slots.map((key) => key ?? "–"), ...(hasOthers ? ["others"] : [])];
    setText(caption, `Counts of the ${words}, in steps of ${ms / ROWS / 1000} s, the latest first; taken at ${timeOfDay(Date.now())}`);
    const titles = ["Ended at", "Requests", "Errors", "p50", "p99", "Attempts per request", "Retried", ...names.map((name) => `At ${name}`)];
    head.replaceChildren(...titles.map((title) => cell("th", title, { scope: "col" })));
    body.replaceChildren(...grouped(stepsOf(time), ms / ROWS).map((steps) => {
      const point = pointOf(sumOf(steps), time.slots);
      const latency = (one) => (one === null ? "–" : milliseconds(one));
      const values = [perSecond(point.requests), perSecond(point.errors), latency(point.p50), latency(point.p99),
        point.perRequest?.toFixed(2) ?? "–", perSecond(point.retried), ...point.bySlot.map(perSecond), ...(hasOthers ? [perSecond(point.others)] : [])];
      const row = document.createElement("tr");
      row.append(cell("th", timeOfDay(point.at), { scope: "row" }), ...values.map((value) => cell("td", value)));
      return row;
    }));
  }

  details.addEventListener("toggle", () => {
    if (details.open) build();
    else body.replaceChildren();
  });
}

/** Steps that end in the same stretch of time, the latest first. */
function grouped(steps, ms) {
  const groups = new Map();
  for (const step of steps) {
    const key = Math.ceil(step.at_ms / ms);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(step);
  }
  return [...groups.values()].reverse();
}

/** A cell of a table with that text. @param {"th" | "td"} name @param {string} text @param {Record<string, string>} [attributes] */
export function cell(name, text, attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
