// One server's card: its element, and how a view of the server (view.js) is drawn on it.

import { createExtras } from "./cards/extras.js";
import { copyOf, field, setData, setShown, setState, setText } from "./dom.js";
import { beliefState } from "./words.js";

const SAYS_STATE = { active: "up", unknown: "unknown" };

/**
 * @param {{ key: string, endpoint: Endpoint }} server
 * @param {number} place counted from 1 in config order, over all clusters
 * @param {() => void} onToggle
 * @param {ReturnType<typeof import("./cards/actions.js").createActions>} actions
 */
export function createCard({ key, endpoint }, place, onToggle, actions) {
  const element = copyOf("card");
  const names = ["belief", "reason", "lesson", "count", "share", "latency", "attempts"];
  const fields = Object.fromEntries(names.map((name) => [name, field(element, name)]));
  const says = element.querySelector("[data-part=says]");
  const belief = element.querySelector("[data-part=belief]");
  const [saysWord, saysDetail] = field(element, "says").children;
  const ring = belief.querySelector(".shape");
  const bar = field(element, "bar");
  const own = element.querySelectorAll("[data-part=own]");
  const button = element.querySelector("[data-action=toggle]");
  const extras = createExtras(element, key, actions);
  element.dataset.server = key;
  setText(field(element, "name"), endpoint.name);
  setText(field(element, "address"), endpoint.address);
  button.addEventListener("click", onToggle);
  if (place <= 9) {
    button.dataset.key = String(place);
    button.setAttribute("aria-keyshortcuts", String(place));
  }

  function drawButton(view) {
    setShown(button, view.offered);
    if (setText(button, view.button)) button.setAttribute("aria-label", view.asking ? view.button : `${view.button}: ${key}`);
    if (button.disabled === view.asking) return;
    const focused = document.activeElement === button;
    button.disabled = view.asking;
    if (view.asking) button.dataset.refocus = String(focused);
    // A disabled button loses the focus; who pressed it by keyboard gets it back, unless they went elsewhere.
    else if (button.dataset.refocus === "true" && document.activeElement === document.body) button.focus();
  }

  return {
    element,

    /**
     * @param {ReturnType<typeof import("./view.js").cardOf>} view
     * @param {ReturnType<typeof import("./cards/view.js").extrasOf>} more
     */
    draw(view, more) {
      setData(element, "says", view.says);
      setData(element, "belief", view.belief);
      const state = SAYS_STATE[view.says] ?? "failed";
      setState(says, state, state);
      setState(belief, beliefState(view.belief), view.belief);
      setText(saysWord, view.saysDetail ? `${view.saysWords} ` : view.saysWords);
      setText(saysDetail, view.saysDetail);
      setText(fields.belief, view.beliefWords);
      ring.style.setProperty("--left", view.ringLeft.toFixed(3));
      for (const name of ["reason", "lesson", "count", "share", "latency", "attempts"]) setText(fields[name], view[name]);
      for (const one of own) setShown(one, view.counts);
      setShown(fields.lesson, view.lesson !== "");
      bar.style.transform = `scaleX(${view.shareOfOne.toFixed(4)})`;
      drawButton(view);
      extras.draw(more);
    },
  };
}
