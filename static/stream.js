// Listens to /lb/v1/events and hands on what lb says; when the stream ends or falls silent, it listens anew.
// It keeps nothing and judges nothing.

const EVENTS = "/lb/v1/events";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2000;
/** lb sends its status every second; a stream without one for so long is dead, whatever its socket says. */
const SILENCE_MS = 5000;

/** Everything that lb tells, by name. One that nobody hears is left unread. */
const TOLD = ["status", "event", "belief", "probe", "tick", "flow", "drill"];

/**
 * @param {{ since: () => number, lost: () => void, [told: string]: (said: any) => any }} hear a function for each of what is told
 *   that is wanted; `since` gives the number of the last event that is known, so that lb tells those that were missed
 * @returns {{ anew: () => void }} `anew` listens by another stream at once: the one that is open was asked for by numbers that
 *   mean nothing to this lb
 */
export function listen(hear) {
  let pause = FIRST_PAUSE_MS;
  let silence = 0;
  let source;

  function connect() {
    const since = hear.since();
    source = new EventSource(since > 0 ? `${EVENTS}?since=${since}` : EVENTS);

    function again() {
      close();
      hear.lost();
      setTimeout(connect, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }

    function expectMore() {
      clearTimeout(silence);
      silence = setTimeout(again, SILENCE_MS);
    }

    source.addEventListener("status", () => {
      pause = FIRST_PAUSE_MS;
      expectMore();
    });
    for (const name of TOLD) {
      if (hear[name]) source.addEventListener(name, (event) => hear[name](JSON.parse(event.data)));
    }
    // The browser's own way to reconnect waits seconds, and gives up for good on some answers.
    source.addEventListener("error", again);
    expectMore();
  }

  function close() {
    clearTimeout(silence);
    source.close();
  }

  connect();
  return {
    anew() {
      close();
      connect();
    },
  };
}
