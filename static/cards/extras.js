// The part of a server's card that needs the admin API: traffic, probes, what is not as the file says, and "More".

import { copyOf, field, setData, setShown, setState, setText } from "../dom.js";
import { createMore } from "./more.js";

/**
 * @param {HTMLElement} card
 * @param {string} key
 * @param {ReturnType<typeof import("./actions.js").createActions>} actions
 */
export function createExtras(card, key, actions) {
  const part = (name) => card.querySelector(`[data-part=${name}]`);
  const [told, facts, probes] = ["told", "small", "probes"].map(part);
  const traffic = card.querySelectorAll("[data-part=traffic]");
  const fields = Object.fromEntries(["traffic", "rate", "in-flight", "weight", "ejections", "probes-words"].map((name) => [name, field(card, name)]));
  const bar = field(card, "traffic-bar");
  const more = createMore(part("more"), key, actions);
  let probesDrawn = "";

  function drawProbes(shown) {
    const drawn = shown.map(({ id }) => id).join();
    if (drawn === probesDrawn) return;
    probesDrawn = drawn;
    const list = field(card, "probes");
    while (list.children.length > shown.length) list.lastElementChild.remove();
    while (list.children.length < shown.length) list.append(copyOf("probe"));
    shown.forEach(({ state, words }, i) => {
      setState(list.children[i], state, state);
      list.children[i].title = words;
    });
  }

  function drawTold(lines) {
    setShown(told, lines.length > 0);
    const wanted = new Map(lines.map((line) => [line.id, line]));
    for (const element of [...told.children]) if (!wanted.has(element.dataset.id)) element.remove();
    for (const line of lines) {
      let element = [...told.children].find(({ dataset }) => dataset.id === line.id);
      if (!element) {
        element = copyOf("told");
        element.dataset.id = line.id;
        setState(element, line.state, line.state);
        const button = element.querySelector("button");
        setText(button, line.button);
        button.setAttribute("aria-label", `${line.button}: ${key}`);
        button.addEventListener("click", () => (line.fault ? actions.endFault(line.fault) : actions.asInFile(line.drift)));
        told.append(element);
      }
      setText(field(element, "words"), `${line.words}.`);
    }
  }

  return {
    /** @param {ReturnType<typeof import("./view.js").extrasOf>} view */
    draw(view) {
      for (const element of [...traffic, facts]) setShown(element, view.offered);
      setShown(probes, view.offered && view.probed);
      more.draw(view);
      if (!view.offered) return;
      setText(fields.traffic, view.traffic);
      setText(fields.rate, view.rate);
      setText(fields["in-flight"], view.inFlight);
      setText(fields.weight, view.weight);
      setText(fields.ejections, view.ejections);
      setText(fields["probes-words"], view.probesWords);
      bar.style.transform = `scaleX(${view.trafficOfOne.toFixed(4)})`;
      setData(card, "draining", String(view.draining));
      drawProbes(view.probes);
      drawTold(view.told);
    },
  };
}
