// What outlives a reload: counts, totals, the last response and the theme, under one key of this browser.
// What lb says is not kept: it says it again.

/** Another number when the shape changes: what was kept in another shape is left alone. */
const KEY = "lb.page.1";
const PAUSE_MS = 500;

/** @param {State} state @returns {State} the state with what was kept, or as it was */
export function recalled(state) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const tally = { ...state.tally, ...kept.tally };
    return { ...state, theme: kept.theme ?? state.theme, last: kept.last ?? null, tally: { ...tally, sent: tally.done } };
  } catch {
    return state;
  }
}

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function keep(store) {
  let kept = store.state;
  let timer = 0;

  function write() {
    clearTimeout(timer);
    timer = 0;
    const { tally, last, theme } = store.state;
    kept = store.state;
    try {
      localStorage.setItem(KEY, JSON.stringify({ tally, last, theme }));
    } catch {
      // A browser that keeps nothing for this page still shows everything until the reload.
    }
  }

  const changed = ({ tally, last, theme }) => tally !== kept.tally || last !== kept.last || theme !== kept.theme;

  store.onDraw((state) => {
    if (timer === 0 && changed(state)) timer = setTimeout(write, PAUSE_MS);
  });
  addEventListener("pagehide", () => {
    if (changed(store.state)) write();
  });
}
