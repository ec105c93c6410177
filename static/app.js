// The page's entry: makes the store, lets lb and the person speak to it, and gives every panel its place.
// A panel joins by one line here and one module beside this one; nothing is decided here.

import { createBar } from "./bar.js";
import { createControls } from "./controls.js";
import { createDo } from "./do.js";
import { byId } from "./dom.js";
import { createFlow } from "./flow.js";
import { flowSaid, flowTicked } from "./flow/said.js";
import { createAnnouncer, createHappened } from "./happened.js";
import { createHeatmap } from "./heatmap.js";
import { listenToKeys } from "./keyboard.js";
import { keep, recalled } from "./memory.js";
import { createNotice } from "./notice.js";
import { createNumbers } from "./numbers.js";
import { createPaint } from "./paint.js";
import { NO_PANELS, createPanels } from "./panels.js";
import { createRequests } from "./requests.js";
import { NOTHING, connectionLost, eventSaid, probeSaid, statusSaid } from "./said.js";
import { createServers } from "./servers.js";
import { createStore } from "./store.js";
import { createStory } from "./story.js";
import { listen } from "./stream.js";
import { createTable } from "./table.js";
import { createCursor } from "./time/axis.js";
import { createCatchUp } from "./time/catchup.js";
import { createCharts } from "./time/charts.js";
import { tickSaid } from "./time/said.js";
import { timeTable } from "./time/table.js";
import { createTimeline } from "./timeline.js";

/** How often time alone is drawn: an ejection's seconds, or those of a lost connection, while there is one. */
const TICK_MS = 250;

const store = createStore(recalled({ ...NOTHING, ...NO_PANELS }));
const requests = createRequests(store);
const controls = createControls(store);
const paint = createPaint();
const cursor = createCursor();
const catchUp = createCatchUp(store);

const bar = createBar(store);
createNumbers(store);
createDo(store, requests);
createFlow(store, paint);
const notice = createNotice(store);
const panels = createPanels(store);
const servers = createServers(store, controls, panels.actions);
createCharts(store, paint, cursor);
createTimeline(store, cursor);
createHeatmap(store, paint, cursor);
createTable(byId("time-table"), () => timeTable(store.state));
createStory(store);
createHappened(store);
createAnnouncer(store);
keep(store);

controls.lookFor();

/** A server that works again may offer what none could while all were down. */
function lookAgain({ to }) {
  if (to === "up") controls.lookAgain();
}

const stream = listen({
  since: () => store.state.time.lastId,
  status(status) {
    const { connection: before, time: { lastId, era } } = store.state;
    store.tell(statusSaid, status, Date.now());
    panels.status();
    // Another process numbers its events anew: asked for those after an old number, it would keep quiet about its first ones.
    if (lastId > 0 && era !== status.started_at_ms) stream.anew();
    if (before !== "live") catchUp.connected();
    // Behind a connection that was lost may be an lb with another configuration.
    if (before === "reconnecting") {
      controls.lookFor();
      panels.again();
    }
  },
  event(event) {
    store.tell(eventSaid, event);
    panels.event(event);
    if (event.kind === "belief") lookAgain(event);
  },
  drill: panels.drill,
  probe: (change) => store.tell(probeSaid, change),
  tick(tick) {
    store.tell(tickSaid, tick);
    store.tell(flowTicked, tick);
    panels.tick();
  },
  flow(traces) {
    store.tell(flowSaid, traces);
    panels.flow();
  },
  lost: () => store.tell(connectionLost, Date.now()),
  refused: panels.refused,
});

listenToKeys({
  s: requests.send,
  a: requests.toggleAuto,
  "?": bar.showKeys,
  escape: () => panels.escape() || notice.dismiss(),
}, servers.toggleAt);

setInterval(() => {
  const isEjected = ({ belief }) => belief === "ejected";
  if (store.state.connection === "reconnecting") store.redraw();
  else if (store.state.status?.clusters.some(({ endpoints }) => endpoints.some(isEjected))) store.redraw();
}, TICK_MS);
