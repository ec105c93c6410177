// The panel of servers: a card each in config order, under a heading a cluster. The cards stay where they are;
// they are made anew only when the configuration names other servers.

import { createCard } from "./card.js";
import { trafficOf } from "./cards/seen.js";
import { extrasOf } from "./cards/view.js";
import { byId, copyOf, field, setShown, setText } from "./dom.js";
import { cardOf, saysNow, serversOf } from "./view.js";

const EMPTY = {
  connecting: "Waiting for lb to say which servers it has.",
  reconnecting: "lb could not be reached. Start it; this page connects again by itself.",
  configuration: "The configuration has no clusters. Add one to it, and its servers appear here.",
};

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store
 * @param {ReturnType<typeof import("./controls.js").createControls>} controls
 * @param {ReturnType<typeof import("./cards/actions.js").createActions>} actions
 */
export function createServers(store, controls, actions) {
  const root = byId("servers");
  const empty = byId("servers-empty");
  /** @type {Map<string, ReturnType<typeof createCard>>} */
  let cards = new Map();
  let drawn = "";

  function toggle(key) {
    const { state } = store;
    const server = state.status && serversOf(state.status).find((one) => one.key === key);
    if (!server || !state.controls) return;
    controls.toggle(server.key, saysNow(state, server, Date.now()).says === "inactive");
  }

  function rebuild(status, servers) {
    cards = new Map(servers.map((one, i) => [one.key, createCard(one, i + 1, () => toggle(one.key), actions)]));
    root.replaceChildren(...status.clusters.map((cluster) => {
      const section = copyOf("cluster");
      setText(field(section, "name"), cluster.name);
      setText(field(section, "about"), `${cluster.algorithm}, ${cluster.probed ? "probed" : "not probed"}`);
      const own = servers.filter((one) => one.cluster === cluster);
      section.querySelector("ol").append(...own.map(({ key }) => cards.get(key).element));
      return section;
    }));
  }

  store.onDraw((state) => {
    const { status } = state;
    setShown(empty, !status || status.clusters.length === 0);
    setText(empty, status ? EMPTY.configuration : EMPTY[state.connection]);
    if (!status) return;
    const servers = serversOf(status);
    const shape = JSON.stringify(servers.map(({ key, cluster, endpoint }) => [
      key, cluster.name, cluster.algorithm, cluster.probed, endpoint.address,
    ]));
    if (shape !== drawn) rebuild(status, servers);
    drawn = shape;
    const now = Date.now();
    const traffic = new Map(status.clusters.map((cluster) => [
      cluster, trafficOf(state.seen, servers.filter((one) => one.cluster === cluster).map(({ key }) => key)),
    ]));
    for (const server of servers) {
      cards.get(server.key).draw(cardOf(state, server, now), extrasOf(state, server, traffic.get(server.cluster), now));
    }
    if (state.controls !== null) document.documentElement.dataset.ready = "true";
  });

  return {
    /** @param {number} place counted from 1 in config order */
    toggleAt(place) {
      const key = [...cards.keys()][place - 1];
      if (key) toggle(key);
    },
  };
}
