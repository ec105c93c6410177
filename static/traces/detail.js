// One trace, opened: its story, the waterfall of its attempts, and who was passed over for each. Drawn once: a trace that
// has been told does not change.

import { copyOf, field, setShown, setState, setText } from "../dom.js";
import { barsOf } from "./bars.js";
import { hashOf } from "./query.js";
import { attemptState, factsOf, passedOverFor, storyInWords, took } from "./words.js";

/** @param {Trace} trace @param {() => void} onClose */
export function detailOf(trace, onClose) {
  const element = copyOf("trace-detail");
  const { whole, rows } = barsOf(trace);
  setText(field(element, "story"), storyInWords(trace));
  setText(field(element, "half"), took(whole / 2));
  setText(field(element, "whole"), took(whole));
  setShown(element.querySelector("[data-part=waterfall]"), rows.length > 0);
  field(element, "rows").append(...rows.map(rowOf));
  field(element, "facts").append(...factsOf(trace).flatMap(([name, value]) => [textIn("dt", name), textIn("dd", value)]));
  field(element, "link").href = hashOf(trace.id);
  setText(field(element, "link"), `Link to trace ${trace.id}`);
  element.querySelector("[data-action=close]").addEventListener("click", onClose);
  return element;
}

function rowOf({ attempt, segments, numbers }) {
  const row = copyOf("trace-attempt");
  const state = attempt ? attemptState(attempt) : "unknown";
  setState(field(row, "who"), state, state);
  setText(field(row, "name"), attempt ? attempt.endpoint : "in lb's queue");
  setText(field(row, "says"), attempt ? `${attempt.says}${attempt.turn === "regular" ? "" : ` · ${attempt.turn}`}` : "for an endpoint that has room");
  setText(field(row, "numbers"), numbers);
  setText(field(row, "passed"), attempt ? passedOverFor(attempt) : "");
  setText(field(row, "fault"), attempt?.fault ? `A fault on purpose: ${attempt.fault}` : "");
  field(row, "bar").append(...segments.map(({ kind, from, part }) => {
    const segment = document.createElement("span");
    segment.className = "segment";
    segment.dataset.kind = kind;
    segment.dataset.state = kind === "body" || state === "up" ? "up" : state;
    segment.style.left = `${(100 * from).toFixed(2)}%`;
    segment.style.width = `${(100 * part).toFixed(2)}%`;
    return segment;
  }));
  return row;
}

function textIn(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
