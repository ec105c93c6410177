// Single keys for the whole page, and nothing while one writes, chooses or reads the dialog.

/** @param {Record<string, () => void>} actions by key @param {(place: number) => void} toggle server 1 to 9 */
export function listenToKeys(actions, toggle) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (/^[1-9]$/.test(event.key)) toggle(Number(event.key));
    else if (Object.hasOwn(actions, event.key.toLowerCase())) actions[event.key.toLowerCase()]();
    else return;
    event.preventDefault();
  });
}
