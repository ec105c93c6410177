// Asks the demo's backends to fail and to work again. A control request may be balanced like any other, so it is sent
// until the server that is meant has answered it. Where no controls are offered, this says so and nothing else.

import { controlsOffered, toggleBegan, toggleConfirmed, toggleFailed } from "./said.js";
import { serversOf } from "./view.js";

const CONTROL = "/control";
const CONFIRMED = "STATUS UPDATED";
/** So many tries for each server: amid other requests every turn is a matter of chance, and then all of them miss the
 * server that is meant with a chance of (1 - 1/n)^(10 n), which is less than one in 20,000 for any number n of servers. */
const TRIES_A_SERVER = 10;
/** Where nobody answers at all, turns have nothing to do with it. */
const MOST_UNHEARD = 12;
/** The first tries follow at once: with four servers in turn, one of them is the right one. */
const TRIES_AT_ONCE = 4;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 100;
/** Before each try that follows one without an answer, up to that. */
const LONGEST_PAUSE_UNHEARD_MS = 500;
const PATIENCE_MS = 2000;

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createControls(store) {
  // Whether it is not known yet what a server that works would say.
  let isOpen = true;

  async function lookFor() {
    const { status } = await ask(CONTROL);
    isOpen = status === null || status >= 500;
    store.tell(controlsOffered, status === 200);
  }

  return {
    /** Finds out whether the endpoints offer controls. */
    lookFor,

    /** Asks again if none that could have said it was heard. Where there are no controls, that is known once and for all. */
    async lookAgain() {
      if (isOpen) await lookFor();
    },

    /** @param {string} name @param {boolean} active */
    async toggle(name, active) {
      if (store.state.asking.includes(name)) return;
      store.tell(toggleBegan, name);
      let heard = false;
      let tries = 0;
      while (tries < mostTries(heard, store.state.status)) {
        tries += 1;
        const answer = await ask(`${CONTROL}/toggle?target=${encodeURIComponent(name)}&active=${active}`);
        if (answer.body.startsWith(CONFIRMED)) {
          store.tell(toggleConfirmed, name, active, Date.now());
          return;
        }
        heard ||= answer.status !== null;
        if (tries < mostTries(heard, store.state.status)) await pauseAfter(tries, heard);
      }
      store.tell(toggleFailed, name, heard
        ? `${name} did not confirm in ${tries} tries; is it running?`
        : `lb did not answer in ${tries} tries; is it running? Start it, then ask ${name} again.`);
    },
  };
}

async function ask(url) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    // Before the automatic requests: a browser opens only a few connections and lets the rest wait.
    const response = await fetch(url, { cache: "no-store", priority: "high", signal });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: null, body: "" };
  }
}

function mostTries(heard, status) {
  return heard && status ? Math.max(MOST_UNHEARD, TRIES_A_SERVER * serversOf(status).length) : MOST_UNHEARD;
}

function pauseAfter(tries, heard) {
  const longest = heard ? LONGEST_PAUSE_MS : LONGEST_PAUSE_UNHEARD_MS;
  const ms = tries < TRIES_AT_ONCE ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (tries - TRIES_AT_ONCE), longest);
  return ms === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
}
