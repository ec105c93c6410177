// The list of traces: a row each, one of them opened. One stop of the Tab key; the arrows go from row to row.

import { copyOf, field, setData, setState, setText } from "../dom.js";
import { timeOfDay } from "../words.js";
import { detailOf } from "./detail.js";
import { attemptState, reasonOf, stateOf, took } from "./words.js";

const SHAPES_SHOWN = 6;

/**
 * @param {HTMLElement} list
 * @param {{ open: (id: number) => void, close: () => void }} told
 */
export function createRows(list, { open, close }) {
  /** @type {Map<number, HTMLElement>} by the trace's number */
  let rows = new Map();
  let opened = null;

  const buttonOf = (row) => row.querySelector("[data-action=open]");

  function rowOf(trace) {
    const row = copyOf("trace-row");
    const button = buttonOf(row);
    row.dataset.trace = String(trace.id);
    button.addEventListener("click", () => (opened?.id === trace.id ? close() : open(trace.id)));
    button.addEventListener("focus", () => stopAt(row));
    setText(field(row, "time"), timeOfDay(trace.at_ms));
    setText(field(row, "request"), `${trace.method} ${trace.target}`);
    field(row, "request").title = trace.target;
    const state = stateOf(trace);
    setState(field(row, "status"), state, state);
    setText(field(row, "code"), trace.status === null ? "none" : String(trace.status));
    field(row, "attempts").append(...shapesOf(trace));
    setText(field(row, "took"), took(trace.us));
    setText(field(row, "reason"), reasonOf(trace));
    return row;
  }

  /** The one row that Tab stops at. */
  function stopAt(stop) {
    for (const row of list.children) buttonOf(row).tabIndex = row === stop ? 0 : -1;
  }

  list.addEventListener("keydown", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-trace]") : null;
    if (!row || event.target !== buttonOf(row)) return;
    const to = {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: list.firstElementChild,
      End: list.lastElementChild,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    buttonOf(to).focus();
  });

  return {
    /** @param {Trace[]} traces */
    show(traces) {
      const before = rows;
      rows = new Map(traces.map((trace) => [trace.id, before.get(trace.id) ?? rowOf(trace)]));
      const wanted = [...rows.values()];
      if (wanted.length === list.children.length && wanted.every((row, i) => row === list.children[i])) return;
      const focused = document.activeElement;
      const hadFocus = list.contains(focused);
      list.replaceChildren(...wanted);
      // A row that is moved loses the focus.
      if (hadFocus && focused.isConnected) focused.focus({ preventScroll: true });
      if (!wanted.some((row) => buttonOf(row).tabIndex === 0)) stopAt(wanted[0]);
    },

    /** @param {Trace | null} trace which one is open */
    open(trace) {
      if (opened?.id === trace?.id) return;
      const row = opened && rows.get(opened.id);
      if (row) {
        row.querySelector(".trace-detail")?.remove();
        buttonOf(row).setAttribute("aria-expanded", "false");
        setData(row, "open", "false");
      }
      opened = trace;
      const now = trace && rows.get(trace.id);
      if (!now) return;
      now.append(detailOf(trace, close));
      buttonOf(now).setAttribute("aria-expanded", "true");
      setData(now, "open", "true");
      stopAt(now);
    },

    /** Puts the focus on a row's button. @param {number} id */
    focus(id) {
      const row = rows.get(id);
      if (!row) return;
      buttonOf(row).focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
    },
  };
}

function shapesOf({ attempts }) {
  const shown = attempts.length > SHAPES_SHOWN ? attempts.slice(-SHAPES_SHOWN) : attempts;
  const shapes = shown.map((attempt) => {
    const element = copyOf("trace-shape");
    const state = attemptState(attempt);
    setState(element, state, state);
    setText(field(element, "words"), `${attempt.endpoint} ${attempt.says}`);
    element.title = `${attempt.endpoint} ${attempt.says}`;
    return element;
  });
  if (shown.length < attempts.length) shapes.unshift(`+${attempts.length - shown.length} `);
  return shapes;
}
