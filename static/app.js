// The page's entry: makes the store, lets lb and the person speak to it, and gives every panel its place.
// A panel joins by one line here and one module beside this one; nothing is decided here.

import { createBar } from "./bar.js";
import { createControls } from "./controls.js";
import { createDo } from "./do.js";
import { createAnnouncer, createHappened } from "./happened.js";
import { listenToKeys } from "./keyboard.js";
import { keep, recalled } from "./memory.js";
import { createNotice } from "./notice.js";
import { NO_PANELS, createPanels } from "./panels.js";
import { createRequests } from "./requests.js";
import { NOTHING, beliefSaid, connectionLost, probeSaid, statusSaid } from "./said.js";
import { createServers } from "./servers.js";
import { createStore } from "./store.js";
import { createStory } from "./story.js";
import { listen } from "./stream.js";

/** How often time alone is drawn: an ejection's seconds, while there is one. */
const TICK_MS = 250;

const store = createStore(recalled({ ...NOTHING, ...NO_PANELS }));
const requests = createRequests(store);
const controls = createControls(store);

const bar = createBar(store);
createDo(store, requests);
const notice = createNotice(store);
const panels = createPanels(store);
const servers = createServers(store, controls, panels.actions);
createStory(store);
createHappened(store);
createAnnouncer(store);
keep(store);

controls.lookFor();
listen({
  status(status) {
    const again = store.state.connection === "reconnecting";
    store.tell(statusSaid, status, Date.now());
    panels.status();
    // Behind a connection that was lost may be an lb with another configuration.
    if (again) controls.lookFor();
    if (again) panels.again();
  },
  tick: panels.tick,
  flow: panels.flow,
  event: panels.event,
  drill: panels.drill,
  belief(change) {
    store.tell(beliefSaid, change);
    // A server that works again may offer what none could while all were down.
    if (change.to === "up" && !store.state.controls) controls.lookFor();
  },
  probe: (change) => store.tell(probeSaid, change),
  lost: () => store.tell(connectionLost),
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
  if (store.state.status?.clusters.some(({ endpoints }) => endpoints.some(isEjected))) store.redraw();
}, TICK_MS);
