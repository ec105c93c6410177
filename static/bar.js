// The bar: which lb this is, whether it is heard, and how the page looks. Also the dialog with the keys.

import { byId, field, setData, setState, setText } from "./dom.js";
import { themeChosen } from "./said.js";
import { counted, span, timeOfDay } from "./words.js";

const NEXT_THEME = { system: "light", light: "dark", dark: "system" };
const LOOKS = {
  connecting: { state: "unknown", shape: "unknown" },
  live: { state: "up", shape: "up" },
  reconnecting: { state: "trial", shape: "trial" },
};

/** @param {State} state @param {number} now */
function lossInWords({ lostAt, heardAt, status }, now) {
  const lost = `Connection to lb lost ${span(now - lostAt)} ago; trying again`;
  return status ? `${lost}. What is shown is as of ${timeOfDay(heardAt)}.` : `${lost}.`;
}

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createBar(store) {
  const [config, connection, uptime, workers, heard] = ["config", "connection", "uptime", "workers", "heard"].map(byId);
  const theme = byId("theme");
  const keys = byId("keys");
  theme.addEventListener("click", () => store.tell(themeChosen, NEXT_THEME[store.state.theme] ?? "system"));
  const showKeys = () => { if (!keys.open) keys.showModal(); };
  byId("help").addEventListener("click", showKeys);

  store.onDraw((state) => {
    const { status } = state;
    const live = state.connection === "live";
    setText(field(connection, "words"), state.connection);
    setState(connection, LOOKS[state.connection].state, LOOKS[state.connection].shape);
    setText(heard, state.connection === "reconnecting" ? lossInWords(state, Date.now()) : "");
    // What was known is still shown, and looks as old as it is.
    setData(document.body, "stale", String(state.connection === "reconnecting" && status !== null));
    if (status) {
      setText(config, status.config);
      setText(uptime, live ? `up ${span(Date.now() + state.ahead - status.started_at_ms)}` : "");
      setText(workers, counted(status.workers, "worker", "workers"));
      const title = `${status.config} · lb`;
      if (document.title !== title) document.title = title;
    }
    setText(theme, `Theme: ${state.theme}`);
    setData(document.documentElement, "theme", state.theme);
  });

  return { showKeys };
}
