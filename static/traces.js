// The explorer of traces: asks lb for those that match, shows them, and opens one. It is asked again when something new was
// heard, at most once a second, and not while one reads; what a trace means is told in traces/words.js.

import { ask } from "./ask.js";
import { byId, setShown, setText } from "./dom.js";
import { counted, percent } from "./words.js";
import { FEW, MANY, hashOf, idInHash, isFiltered, limitOf, pathOf, pathOfOne } from "./traces/query.js";
import { createRows } from "./traces/rows.js";
import {
  filterSet, limitSet, nextSaid, selectionSet, traceClosed, traceOpened, tracesFailed, tracesGrew, tracesPaused, tracesSaid,
} from "./traces/said.js";

const REFRESH_MS = 1000;
const NEXT = 20;

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./tell.js").createTell>} tell
 */
export function createTraces(store, tell) {
  const section = byId("traces");
  const list = byId("traces-list");
  const rows = createRows(list, { open, close });
  const [empty, about, title, newer] = ["empty", "about", "title", "newer"].map((part) => byId(`traces-${part}`));
  const [filters, back, next] = ["filters", "back", "next"].map((part) => byId(`traces-${part}`));
  const endpoint = byId("traces-endpoint");
  const more = byId("traces-more");
  let inView = false;
  let asked = 0;
  let askedAt = 0;
  let timer = 0;
  let hovered = false;
  let endpointsDrawn = "";
  let listDrawn = null;

  /**
   * Asks for the traces; of two answers only the one to the later question counts.
   * @param {{ unasked?: boolean }} [how] `unasked`: by the page itself, not by the person, who may have begun to read meanwhile
   */
  async function load({ unasked = false } = {}) {
    clearTimeout(timer);
    timer = 0;
    askedAt = performance.now();
    const question = asked += 1;
    const { ok, said, problem } = await ask(pathOf(store.state.traces));
    if (question !== asked || (unasked && !mayMove())) return;
    if (ok) store.tell(tracesSaid, said);
    else store.tell(tracesFailed, problem);
  }

  /** Someone reads: a list that moved under the eyes could not be read. */
  const isReading = () => hovered || store.state.traces.open !== null || list.contains(document.activeElement);

  const mayMove = () => !store.state.traces.loaded || !isReading();

  /** Whether the list is to be asked for anew, though nobody said so. */
  function isDue() {
    const { traces, admin } = store.state;
    if (!admin.offered || traces.selection || !inView || document.hidden) return false;
    return mayMove() && (traces.newer || !traces.loaded);
  }

  function refresh() {
    if (timer || !isDue()) return;
    timer = setTimeout(() => {
      timer = 0;
      if (isDue()) load({ unasked: true });
    }, Math.max(0, askedAt + REFRESH_MS - performance.now()));
  }

  function readingChanged() {
    store.tell(tracesPaused, isReading());
    refresh();
  }

  async function open(id) {
    const known = store.state.traces.list.find((trace) => trace.id === id) ?? null;
    history.replaceState(null, "", hashOf(id));
    store.tell(traceOpened, id, known);
    readingChanged();
    if (known) return;
    const { ok, said, problem } = await ask(pathOfOne(id));
    if (store.state.traces.open !== id) return;
    const found = ok ? said.traces.find((trace) => trace.id === id) : null;
    if (found) {
      store.tell(traceOpened, id, found);
      requestAnimationFrame(() => requestAnimationFrame(() => rows.focus(id)));
      return;
    }
    close();
    tell.problem(ok ? `Trace ${id} is no longer kept, or was of another run of lb. The latest ones are listed below.` : `Trace ${id} cannot be shown. ${problem}`);
  }

  function close() {
    const { open: id } = store.state.traces;
    if (id === null) return false;
    history.replaceState(null, "", location.pathname + location.search);
    store.tell(traceClosed);
    // One that was opened by its address leaves with its row.
    if (store.state.traces.list.some((trace) => trace.id === id)) rows.focus(id);
    else title.focus();
    readingChanged();
    return true;
  }

  function openFromAddress() {
    const id = idInHash(location.hash);
    if (id === null || id === store.state.traces.open) return;
    section.scrollIntoView({ block: "start" });
    open(id);
  }

  for (const name of ["outcome", "endpoint", "status", "min-ms"]) {
    byId(`traces-${name}`).addEventListener("change", ({ target }) => {
      store.tell(filterSet, { [name]: target.value });
      load();
    });
  }
  next.addEventListener("click", async () => {
    const count = store.state.traces.next > 0 ? 0 : NEXT;
    const { ok, problem } = await ask("traces/next", { method: "POST", body: { count } });
    if (!ok) return tell.problem(`The next requests are not traced. ${problem}`);
    store.tell(nextSaid, count);
    tell.news(count ? `The next ${count} requests are traced.` : "No more requests are traced than usual.");
    load();
  });
  byId("traces-show").addEventListener("click", () => {
    close();
    load();
  });
  more.addEventListener("click", () => {
    store.tell(limitSet, store.state.traces.limit === FEW ? MANY : FEW);
    load();
  });
  function leaveSelection() {
    if (!store.state.traces.selection) return false;
    store.tell(selectionSet, null);
    load();
    title.focus();
    return true;
  }
  back.addEventListener("click", leaveSelection);
  document.addEventListener("show-traces", ({ detail }) => {
    store.tell(selectionSet, { title: detail.title, query: new URLSearchParams(detail.query).toString() });
    load();
    section.scrollIntoView({ block: "start" });
    title.focus({ preventScroll: true });
  });
  const hover = (is) => ({ pointerType }) => {
    hovered = is && pointerType === "mouse";
    readingChanged();
  };
  list.addEventListener("pointerenter", hover(true));
  list.addEventListener("pointerleave", hover(false));
  list.addEventListener("focusin", readingChanged);
  list.addEventListener("focusout", () => queueMicrotask(readingChanged));
  addEventListener("hashchange", openFromAddress);
  document.addEventListener("visibilitychange", refresh);
  new IntersectionObserver(([entry]) => {
    inView = entry.isIntersecting;
    refresh();
  }).observe(section);

  function drawEndpoints(status, chosen) {
    const names = [...new Set((status?.clusters ?? []).flatMap((cluster) => cluster.endpoints.map(({ name }) => name)))];
    if (names.join("\n") === endpointsDrawn) return;
    endpointsDrawn = names.join("\n");
    endpoint.replaceChildren(new Option("all", ""), ...names.map((name) => new Option(name, name)));
    endpoint.value = chosen;
  }

  store.onDraw((state) => {
    const { traces, admin, status } = state;
    setShown(section, admin.offered);
    if (!admin.offered) return;
    drawEndpoints(status, traces.filter.endpoint);
    setText(title, traces.selection ? traces.selection.title : "Traces");
    setShown(filters, !traces.selection);
    setShown(back, Boolean(traces.selection));
    setText(about, aboutIn(traces));
    setText(next, traces.next > 0 ? `Stop tracing (${traces.next} to go)` : `Trace the next ${NEXT} requests`);
    setShown(newer, traces.paused && traces.newer && !traces.selection);
    const shown = withOpened(traces);
    setText(empty, shown.length > 0 ? traces.problem : emptyIn(traces));
    setShown(empty, shown.length === 0 || traces.problem !== "");
    setShown(list, shown.length > 0);
    setShown(more, limitOf(traces) === traces.limit && (traces.limit === MANY || traces.list.length >= FEW));
    setText(more, traces.limit === MANY ? `Show ${FEW}` : `Show up to ${MANY}`);
    if (listDrawn?.list !== traces.list || listDrawn.opened !== traces.opened) rows.show(shown);
    listDrawn = traces;
    rows.open(traces.opened);
  });

  return {
    /** lb offers traces: whatever the address names is shown. */
    begin: () => {
      refresh();
      openFromAddress();
    },
    /** Something happened that there may be traces of. */
    heard() {
      store.tell(tracesGrew);
      refresh();
    },
    /** Closes what is open, then what was chosen. @returns {boolean} whether there was something */
    escape: () => close() || leaveSelection(),
  };
}

/** One that was opened by its number need not be among those that are listed. */
function withOpened({ list, opened }) {
  if (!opened || list.some(({ id }) => id === opened.id)) return list;
  return [opened, ...list];
}

function aboutIn(traces) {
  const { loaded, kept, dropped, sample, list, selection } = traces;
  if (!loaded) return "";
  if (selection) return list.length < limitOf(traces) ? counted(list.length, "trace", "traces") : `the latest ${list.length} traces`;
  const lost = dropped > 0 ? ` ${dropped} more deserved it, but too many came at once.` : "";
  return `${counted(kept, "trace is", "traces are")} kept: all that failed or were retried, and ${sample > 0 ? percent(sample, 1) : "none"} of the others.${lost}`;
}

function emptyIn({ loaded, problem, kept, filter, selection }) {
  if (problem) return `The traces cannot be shown. ${problem}`;
  if (!loaded) return "Asking lb for its traces.";
  if (selection) return "No trace of these requests is kept: good ones are kept only as a sample. To have more, trace the next requests, then look again.";
  if (isFiltered(filter)) return `None of the ${kept} traces that are kept match. Choose more of them above.`;
  return `No traces yet. A request that fails or is retried is kept by itself; to see good ones too, trace the next ${NEXT} requests and send some.`;
}
