// Listens to /lb/v1/events and hands on what lb says; when the stream ends or falls silent, it listens anew.
// It keeps nothing and judges nothing.

import { open } from "./sse.js";
import { askForToken, tokenNow } from "./token.js";

const EVENTS = "/lb/v1/events";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2000;
/** lb sends its status every second; a stream without one for so long is dead, whatever its socket says. */
const SILENCE_MS = 5000;

/**
 * @param {{ lost: () => void, refused: () => void, since?: () => number, [told: string]: (said: any) => any }} hear a function for
 *   each of what is told that is wanted, by its name. `lost` is the stream's end; after `refused`, for want of a token, nothing
 *   more is heard. `since` gives the number of the last event that is known, so that lb tells those that were missed
 * @returns {{ anew: () => void }} `anew` listens by another stream at once: the one that is open was asked for by numbers that
 *   mean nothing to this lb
 */
export function listen({ lost, refused, since, ...hear }) {
  let pause = FIRST_PAUSE_MS;
  let silence = 0;
  let stream;

  function connect() {
    const token = tokenNow();
    const last = since?.() ?? 0;
    const on = Object.fromEntries(Object.keys(hear).map((name) => [name, (said) => {
      if (name === "status") {
        pause = FIRST_PAUSE_MS;
        expectMore();
      }
      hear[name](JSON.parse(said.data));
    }]));

    async function ended({ status }) {
      clearTimeout(silence);
      if (status !== 401) again();
      else if (await askForToken(token)) connect();
      else refused();
    }

    stream = open(EVENTS, { lastEventId: last > 0 ? String(last) : "", token, on, onEnd: ended });
    expectMore();
  }

  function again() {
    close();
    lost();
    setTimeout(connect, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }

  function expectMore() {
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
  }

  function close() {
    clearTimeout(silence);
    stream.close();
  }

  connect();
  return {
    anew() {
      close();
      connect();
    },
  };
}
