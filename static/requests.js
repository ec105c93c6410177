// Sends the page's requests: one, or so many a second. What comes of them is told to the store; tally.js counts.

import { autoSet } from "./said.js";
import { answered, requestSent } from "./tally.js";
import { attemptsOf } from "./trace.js";

const API = "/api";
/** So many may be under way; what falls due meanwhile is not sent later. */
const MOST_UNDER_WAY = 64;
/** A tab that slept longer than this does not make up for what it missed. */
const LONGEST_CATCH_UP_MS = 250;
/** Longer than lb itself waits for an endpoint by default (30 s), so that its own answer is seen. */
const PATIENCE_MS = 35_000;
const BODY_KEPT = 4000;
/** A browser drops what waits for a connection whenever the machine's network changes, as Docker makes it do a few times
 * within a second. lb never saw such a request, so it is sent anew: after 0.1, 0.2, 0.4 and 0.8 s.
 * A page cannot tell that from a connection that lb broke, so each loss is counted and told. */
const MOST_DROPS = 4;
const DROP_PAUSE_MS = 100;
/** Between the wish to leave a page and its end; a page that is still there by then was not left. */
const LEAVING_MS = 5000;

/** What a demo's backend answers names it. */
const SPOKEN_NAMES = [/^Response from server: (\S+)/, /^Server (\S+) is inactive/];

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createRequests(store) {
  let underWay = 0;
  let timer = 0;
  let due = 0;
  // Browsers break off what is under way as soon as the page is to be left, which is before `pagehide`.
  let leavingUntil = 0;
  addEventListener("beforeunload", () => { leavingUntil = performance.now() + LEAVING_MS; });
  addEventListener("pagehide", () => { leavingUntil = Infinity; });
  addEventListener("pageshow", () => { leavingUntil = 0; });

  async function send() {
    const { era } = store.state.tally;
    underWay += 1;
    store.tell(requestSent, Date.now());
    const answer = await ask(() => store.state.connection === "live");
    underWay -= 1;
    // What leaving the page breaks off is nobody's failure.
    const brokenOff = answer.status === null || answer.broken;
    if (brokenOff && performance.now() < leavingUntil) return;
    store.tell(answered, answer, era);
  }

  function sendDue() {
    const { rate } = store.state.auto;
    const now = performance.now();
    if (now - due > LONGEST_CATCH_UP_MS) due = now;
    for (; due <= now; due += 1000 / rate) if (underWay < MOST_UNDER_WAY) send();
    // Said until there is room again, not between one answer and the next request.
    const full = underWay >= MOST_UNDER_WAY || (store.state.auto.full && underWay > MOST_UNDER_WAY / 2);
    if (full !== store.state.auto.full) store.tell(autoSet, { full });
    timer = setTimeout(sendDue, due - performance.now());
  }

  function setAuto(on) {
    clearTimeout(timer);
    store.tell(autoSet, { on, full: false });
    if (!on) return;
    due = performance.now();
    sendDue();
  }

  return {
    send,
    toggleAuto: () => setAuto(!store.state.auto.on),

    /** @param {number} rate requests a second, from now on */
    setRate(rate) {
      store.tell(autoSet, { rate });
      if (!store.state.auto.on) return;
      clearTimeout(timer);
      due = Math.min(due, performance.now() + 1000 / rate);
      timer = setTimeout(sendDue, due - performance.now());
    },
  };
}

/**
 * @param {() => boolean} isHeard whether lb is; where it is not, a request without an answer is its fault, not the browser's
 * @returns {Promise<Answer>} always an answer; that there was none is one too
 */
async function ask(isHeard) {
  const startedAt = Date.now();
  const start = performance.now();
  const answer = { startedAt, ok: false, status: null, statusText: "", body: "", server: "", reject: "", broken: false, late: false, attempts: null, lost: 0 };
  try {
    const noteLoss = () => { answer.lost += 1; };
    const response = await fetched(AbortSignal.timeout(PATIENCE_MS), isHeard, noteLoss);
    answer.status = response.status;
    answer.statusText = response.statusText;
    answer.reject = response.headers.get("lb-reject") ?? "";
    answer.attempts = attemptsOf(response.headers.get("lb-trace"));
    answer.body = shortened(await response.text());
    answer.ok = response.ok;
  } catch (error) {
    answer.late = error.name === "TimeoutError";
    answer.broken = answer.status !== null;
  }
  answer.server = answer.reject || answer.status === null ? "" : answererOf(answer);
  return { ...answer, endedAt: Date.now(), ms: performance.now() - start };
}

async function fetched(signal, isHeard, noteLoss) {
  for (let drops = 0; ; drops += 1) {
    try {
      return await fetch(API, { headers: { "lb-trace": "1" }, cache: "no-store", signal });
    } catch (error) {
      // A TypeError is all that a page is told of a request without an answer.
      if (error.name !== "TypeError" || drops === MOST_DROPS || !isHeard()) throw error;
      noteLoss();
    }
    await new Promise((resolve) => setTimeout(resolve, DROP_PAUSE_MS * 2 ** drops));
  }
}

function answererOf({ attempts, body }) {
  const last = attempts?.at(-1);
  if (last) return last.status === null ? "" : last.server;
  for (const pattern of SPOKEN_NAMES) {
    const found = pattern.exec(body);
    if (found) return found[1];
  }
  return "";
}

function shortened(body) {
  return body.length <= BODY_KEPT ? body : `${body.slice(0, BODY_KEPT)}… (${body.length - BODY_KEPT} characters more)`;
}
