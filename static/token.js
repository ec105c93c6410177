// The admin API's token, where lb wants one: asked of the person, kept in this tab until it is closed, and never put into
// an address. Whether it is right, lb says.

import { byId, field, setShown } from "./dom.js";

const KEY = "lb.token";
let declined = false;
/** @type {Promise<string> | null} so that several who are refused at once ask the person only once */
let asking = null;

/** The token; empty if there is none. */
export function tokenNow() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return memory;
  }
}

/** For a browser that keeps nothing for this page. */
let memory = "";

function keep(token) {
  memory = token;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // `memory` has it.
  }
}

/**
 * Asks the person for the token, once; who declined is not asked again before the page is loaded anew.
 * @param {string} refused the token that lb did not accept; empty if none was sent
 * @returns {Promise<string>} the token, empty if there is none to be had
 */
export function askForToken(refused) {
  // Somebody else has asked meanwhile.
  if (tokenNow() !== refused) return Promise.resolve(tokenNow());
  if (declined) return Promise.resolve("");
  asking ??= show(refused !== "").finally(() => { asking = null; });
  return asking;
}

function show(wasRefused) {
  const dialog = byId("token");
  const input = byId("token-value");
  setShown(field(dialog, "refused"), wasRefused);
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const token = dialog.returnValue === "use" ? input.value.trim() : "";
      input.value = "";
      if (token) keep(token);
      else declined = true;
      resolve(token);
    }, { once: true });
  });
}
