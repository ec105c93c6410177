// Asks the admin API for something, or tells it to do something, and says in words what went wrong.
// What the answer means is for those who asked.

import { askForToken, tokenNow } from "./token.js";

const PATIENCE_MS = 10_000;
const UNREACHED = "lb could not be reached. Is it running? Start it, then try again.";
const NO_TOKEN = "lb wants a token for this. Load the page again to be asked for it.";

/**
 * @typedef {{ ok: boolean, status: number | null, said: any, problem: string }} Asked `said` is the JSON of a good answer, null
 *   if it had none; `problem` is what went wrong and what to do, empty where nothing did
 */

/**
 * @param {string} path under /lb/v1/
 * @param {{ method?: string, body?: object }} [how]
 * @returns {Promise<Asked>} always an answer
 */
export async function ask(path, { method = "GET", body } = {}) {
  for (;;) {
    const token = tokenNow();
    const response = await fetched(`/lb/v1/${path}`, method, body, token);
    if (!response) return { ok: false, status: null, said: null, problem: UNREACHED };
    if (response.status === 401) {
      if (await askForToken(token)) continue;
      return { ok: false, status: 401, said: null, problem: NO_TOKEN };
    }
    const { status, ok } = response;
    const said = parsed(response.text);
    return { ok, status, said: ok ? said : null, problem: ok ? "" : problemOf(status, said, response.text) };
  }
}

async function fetched(url, method, body, token) {
  try {
    const headers = { accept: "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    if (body) headers["content-type"] = "application/json";
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { method, headers, body: body && JSON.stringify(body), cache: "no-store", signal });
    return { status: response.status, ok: response.ok, text: await response.text() };
  } catch {
    return null;
  }
}

function parsed(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** What lb said was wrong, as it said it: as `{"error": …, "hint": …}`, or as a line of text behind the status; and what to do. */
function problemOf(status, said, text) {
  const reason = typeof said?.error === "string" ? said.error : text.trim().replace(/^\d{3} [A-Z][A-Za-z ]*: /, "");
  const told = reason ? `lb says: ${reason.replace(/\.$/, "")}.` : `lb answered ${status} without a reason.`;
  return `${told} ${typeof said?.hint === "string" ? sentence(said.hint) : adviceFor(status)}`;
}

const sentence = (text) => `${text[0]?.toUpperCase() ?? ""}${text.slice(1).replace(/\.$/, "")}.`;

function adviceFor(status) {
  if (status === 403) return "Change lb's configuration if it should be allowed.";
  if (status === 404) return "Perhaps the configuration was changed meanwhile: see what is there now.";
  if (status >= 400 && status < 500) return "Correct that, then try again.";
  return "Try again in a moment.";
}
