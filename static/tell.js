// Tells the person what came of something that they asked for: what went wrong in the notice, what went well by the one live
// region. What lb does by itself is told elsewhere.

const NEWS_KEPT = 5;

function newsTold(state, text) {
  const newsCount = state.newsCount + 1;
  return { ...state, newsCount, news: [...state.news, { id: newsCount, text }].slice(-NEWS_KEPT) };
}

const problemTold = (state, text) => newsTold({ ...state, notice: text }, text);

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createTell(store) {
  return {
    /** @param {string} text what happened, and what to do */
    problem: (text) => store.tell(problemTold, text),
    /** @param {string} text */
    news: (text) => store.tell(newsTold, text),
  };
}
