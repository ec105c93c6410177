// "More" on a server's card: drain or enable it, weigh it otherwise, let it fail on purpose. Closed until one opens it; the
// controls are made only then, since of 200 servers hardly one is opened.

import { copyOf, field, setShown, setState, setText } from "../dom.js";
import { faultFrom, faultPreview, whyNot } from "./fault.js";

/**
 * @param {HTMLDetailsElement} details @param {string} key
 * @param {ReturnType<typeof import("./actions.js").createActions>} actions
 */
export function createMore(details, key, actions) {
  const summary = details.querySelector("summary");
  let controls = null;
  let view = null;
  summary.setAttribute("aria-label", `More about ${key}`);

  details.addEventListener("toggle", () => {
    if (!details.open || controls) return;
    controls = createControls(field(details, "more"), key, actions, () => view);
    controls.draw(view);
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.preventDefault();
    event.stopPropagation();
    details.open = false;
    summary.focus();
  });

  return {
    /** @param {ReturnType<typeof import("./view.js").extrasOf>} now */
    draw(now) {
      view = now;
      setShown(details, view.offered);
      if (details.open) controls?.draw(view);
    },
  };
}

function createControls(place, key, actions, viewNow) {
  const element = copyOf("more");
  place.append(element);
  const find = (name) => element.querySelector(`[name="${name}"]`);
  const [duration, weight, fault] = [find("for"), element.querySelector("[data-part=weight]"), element.querySelector("[data-part=fault]")];
  const drain = element.querySelector("[data-action=drain]");
  const play = element.querySelector("[data-action=play]");
  const number = find("weight");
  setText(drain, "");
  number.value = viewNow().weight;
  let weightDrawn = viewNow().weight;

  /** Does one thing at a time; a button that was disabled would lose the focus. */
  const once = (button, act) => async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await act();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  };
  drain.addEventListener("click", once(drain, () => actions.drain(key, !viewNow().draining, duration.value)));
  // Both buttons submit, so that the browser checks the number first.
  const set = weight.querySelector("[value=set]");
  weight.addEventListener("submit", (event) => once(set, () => {
    return actions.weigh(key, Number(number.value), duration.value, event.submitter?.value === "ask");
  })(event));
  fault.addEventListener("submit", once(play, () => actions.playFault(key, faultFrom(find))));
  fault.addEventListener("input", drawFault);

  function drawFault() {
    for (const part of fault.querySelectorAll("[data-kind]")) {
      const shown = part.dataset.kind === find("kind").value;
      setShown(part, shown);
      for (const input of part.querySelectorAll("input")) input.disabled = !shown;
    }
    find("max").min = find("min").value || "0";
    setText(field(element, "preview"), faultPreview(key, faultFrom(find)));
  }

  const probes = field(element, "probe-list");
  let probesDrawn = null;

  function drawProbes(shown) {
    if (shown.at(-1)?.id === probesDrawn) return;
    probesDrawn = shown.at(-1)?.id;
    probes.replaceChildren(...shown.toReversed().map(({ state, words }) => {
      const line = copyOf("probe-line");
      setState(field(line, "state"), state, state);
      setText(field(line, "words"), words);
      return line;
    }));
  }

  drawFault();
  return {
    draw(view) {
      setShown(element.querySelector("[data-part=probed]"), view.probes.length > 0);
      drawProbes(view.probes);
      setText(drain, view.draining ? `Enable ${key}` : `Drain ${key} …`);
      // Another's change is shown, unless one is just writing.
      if (view.weight !== weightDrawn && document.activeElement !== number) number.value = view.weight;
      weightDrawn = view.weight;
      const reason = whyNot(view.faults);
      const fields = fault.querySelector("fieldset");
      if (fields.disabled !== (reason !== "")) fields.disabled = reason !== "";
      setText(field(element, "why-not"), reason);
      setShown(field(element, "why-not"), reason !== "");
      setShown(field(element, "preview"), reason === "");
      for (const option of find("fault-for").options) option.disabled = Number(option.dataset.s) > (view.faults?.longest_s ?? Infinity);
    },
  };
}
