// Tables behind pictures: built when they are opened, and gone when they are closed, so that they cost nothing unseen.

import { setText } from "./dom.js";

/**
 * @param {HTMLElement} details holds a table with an empty head and body
 * @param {() => { caption: string, titles: string[], rows: string[][] }} read what the picture shows at that moment
 */
export function createTable(details, read) {
  const [head, body, caption] = ["thead tr", "tbody", "caption"].map((name) => details.querySelector(name));

  details.addEventListener("toggle", () => {
    const { caption: text, titles, rows } = details.open ? read() : { caption: "", titles: [], rows: [] };
    setText(caption, text);
    head.replaceChildren(...titles.map((title) => cell("th", title, "col")));
    body.replaceChildren(...rows.map(([title, ...values]) => {
      const row = document.createElement("tr");
      row.append(cell("th", title, "row"), ...values.map((value) => cell("td", value)));
      return row;
    }));
  });
}

function cell(name, text, scope) {
  const element = document.createElement(name);
  element.textContent = text;
  if (scope) element.setAttribute("scope", scope);
  return element;
}
