// Listens to /lb/v1/events and hands on what lb says; when the stream ends or falls silent, it listens anew.
// It keeps nothing and judges nothing.

const EVENTS = "/lb/v1/events";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2000;
/** lb sends its status every second; a stream without one for so long is dead, whatever its socket says. */
const SILENCE_MS = 5000;

/**
 * @param {{ status: (said: Status) => void, belief: (said: BeliefChange) => void, probe: (said: ProbeChange) => void,
 *   lost: () => void }} hear
 */
export function listen(hear) {
  let pause = FIRST_PAUSE_MS;
  let silence = 0;

  function connect() {
    const source = new EventSource(EVENTS);

    function again() {
      clearTimeout(silence);
      source.close();
      hear.lost();
      setTimeout(connect, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }

    function expectMore() {
      clearTimeout(silence);
      silence = setTimeout(again, SILENCE_MS);
    }

    source.addEventListener("status", (event) => {
      pause = FIRST_PAUSE_MS;
      expectMore();
      hear.status(JSON.parse(event.data));
    });
    for (const name of ["belief", "probe", "tick", "flow", "event", "drill"]) {
      source.addEventListener(name, (event) => hear[name](JSON.parse(event.data)));
    }
    // The browser's own way to reconnect waits seconds, and gives up for good on some answers.
    source.addEventListener("error", again);
    expectMore();
  }

  connect();
}
