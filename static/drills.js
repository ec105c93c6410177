// Drills: choose one that lb brings along or paste one of your own, run it against the endpoints as they are, and see step by
// step what it does and whether what is expected holds. lb runs it; leaving the page does not stop it.

import { ask } from "./ask.js";
import { byId, copyOf, field, setShown, setState, setText } from "./dom.js";
import { drillSaid, drillsMissing, drillsSaid } from "./drills/said.js";
import { runOf, whyNotRun } from "./drills/view.js";

const OWN = "";
const TICK_MS = 250;

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./tell.js").createTell>} tell
 */
export function createDrills(store, tell) {
  const section = byId("drills");
  const [choice, text, own, run, stop] = ["choice", "text", "own", "run", "stop"].map((part) => byId(`drills-${part}`));
  const [form, reason, empty, shown] = ["form", "why-not", "empty", "shown"].map((part) => byId(`drills-${part}`));
  let choices = "";
  let busy = false;
  let inView = false;
  let isAsked = false;

  async function act(button, how, failed) {
    if (busy) return;
    busy = true;
    const hadFocus = document.activeElement === button;
    const { ok, said, problem } = await ask("drills", how);
    busy = false;
    if (!ok) return tell.problem(`${failed} ${problem}`);
    if (said?.steps) store.tell(drillSaid, said, Date.now());
    else await load();
    // The other button has taken the place of the one that was pressed.
    if (hadFocus) requestAnimationFrame(() => (button === run ? stop : run).focus());
  }

  async function load() {
    isAsked = true;
    const { ok, status, said } = await ask("drills");
    if (ok) store.tell(drillsSaid, said, Date.now());
    else if (status === 404) store.tell(drillsMissing);
    else isAsked = false;
  }

  /** Only who looks at the drills needs to know them. */
  function loadInView() {
    if (store.state.admin.offered && inView && !isAsked) load();
  }
  new IntersectionObserver(([entry]) => {
    inView = entry.isIntersecting;
    loadInView();
  }).observe(section);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = choice.value === OWN ? { text: text.value } : { name: choice.value };
    act(run, { method: "POST", body }, "The drill does not begin.");
  });
  stop.addEventListener("click", () => act(stop, { method: "DELETE" }, "The drill does not stop."));
  choice.addEventListener("change", () => setShown(own, choice.value === OWN));
  byId("drills-file").addEventListener("change", async ({ target }) => {
    if (target.files.length > 0) text.value = await target.files[0].text();
  });

  function drawChoices(shipped) {
    if (shipped.join("\n") === choices) return;
    choices = shipped.join("\n");
    const chosen = choice.value;
    choice.replaceChildren(...shipped.map((name) => new Option(name, name)), new Option("one of your own", OWN));
    choice.value = shipped.includes(chosen) ? chosen : shipped[0] ?? OWN;
    setShown(own, choice.value === OWN);
  }

  function drawList(list, items, template, fill) {
    while (list.children.length > items.length) list.lastElementChild.remove();
    while (list.children.length < items.length) list.append(copyOf(template));
    items.forEach((item, i) => {
      const element = list.children[i];
      setState(field(element, "state"), item.state, item.shape);
      setText(field(element, "words"), item.words);
      setText(field(element, "says"), item.says);
      fill(element, item);
    });
  }

  store.onDraw(({ admin, drills }) => {
    setShown(section, admin.offered && !drills.missing);
    if (!admin.offered || drills.missing) return;
    drawChoices(drills.shipped);
    const why = whyNotRun(drills);
    const view = drills.run && runOf(drills.run, drills.heardAt, Date.now());
    setText(reason, why);
    setShown(reason, why !== "");
    for (const control of [choice, text, run]) if (control.disabled !== (why !== "")) control.disabled = why !== "";
    setShown(run, !view?.running);
    setShown(stop, Boolean(view?.running));
    setText(stop, view ? `Stop ${view.title}` : "Stop");
    setShown(empty, !view);
    setShown(shown, Boolean(view));
    if (!view) return;
    setState(field(shown, "state"), view.state, view.shape);
    setText(field(shown, "title"), view.title);
    setText(field(shown, "words"), view.words);
    setText(field(shown, "time"), view.progressWords);
    field(shown, "bar").style.transform = `scaleX(${view.progress.toFixed(4)})`;
    drawList(field(shown, "steps"), view.steps, "drill-step", (element, { time }) => setText(field(element, "time"), time));
    drawList(field(shown, "expectations"), view.expectations, "drill-expectation", (element, { measured }) => setText(field(element, "measured"), measured));
  });

  // Time passes for a drill between what lb says of it.
  setInterval(() => {
    if (store.state.drills.run?.state === "running") store.redraw();
  }, TICK_MS);

  return {
    /** lb may have others than before. */
    begin() {
      isAsked = false;
      loadInView();
    },
    /** @param {DrillRun} said */
    heard: (said) => store.tell(drillSaid, said, Date.now()),
  };
}
