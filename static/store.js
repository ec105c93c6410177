// The one place that holds what was said: by lb, by the servers and by the person at the page.
// It knows no words, no network and no element; it calls those who draw, at most once a frame.

/**
 * @template S
 * @param {S} state what is known at the start
 */
export function createStore(state) {
  /** @type {((state: S) => void)[]} */
  const drawings = [];
  let frame = 0;

  function draw() {
    frame = 0;
    for (const drawing of drawings) drawing(state);
  }

  function redraw() {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  return {
    get state() {
      return state;
    },

    /**
     * Takes in something that was said.
     * @param {(state: S, ...said: any[]) => S} change a pure function to the next state
     * @param {...any} said
     */
    tell(change, ...said) {
      const next = change(state, ...said);
      if (next === state) return;
      state = next;
      redraw();
    },

    /** Draws again although nothing was said: time passed. */
    redraw,

    /** @param {(state: S) => void} drawing */
    onDraw(drawing) {
      drawings.push(drawing);
      redraw();
    },
  };
}
