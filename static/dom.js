// Writing to the page only what changed, so that a frame in which nothing happened costs nothing.
// The page's markup is in index.html; no module builds any from strings.

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

/** A copy of the one element in a template. @param {string} id */
export const copyOf = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** @param {ParentNode} root @param {string} name */
export const field = (root, name) => root.querySelector(`[data-field="${name}"]`);

/** @param {Element} element @param {string} text @returns {boolean} whether it is another text than before */
export function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** @param {HTMLElement} element @param {string} name @param {string} value */
export function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

/** @param {HTMLElement} element @param {boolean} shown */
export function setShown(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/** Colour and shape of a state. @param {HTMLElement} element holds a .shape @param {string} state @param {string} shape */
export function setState(element, state, shape) {
  setData(element, "state", state);
  setData(element.querySelector(".shape"), "shape", shape);
}
