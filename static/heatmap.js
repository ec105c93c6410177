// The heatmap: when requests took how long. A cell that is clicked, or entered by keyboard, asks for its traces, which the
// explorer of traces shows: it listens to `show-traces` on the document.

import { byId, setText } from "./dom.js";
import { cellKey, cellsOf, levelsOf, rowStartUs } from "./heatmap/cells.js";
import { drawCells, mixed } from "./heatmap/picture.js";
import { heatmapTable, levelsInWords, rowInWords } from "./heatmap/words.js";
import { createTable } from "./table.js";
import { LEFT, RIGHT, rangeOf, stepsOf, timeAt } from "./time/axis.js";
import { serversOf } from "./view.js";
import { counted, timeOfDay } from "./words.js";

/** A cell must be wide enough to be hit. */
const CELL_WIDTH = 9;
const TRACES_ASKED = 100;

/**
 * @param {ReturnType<typeof import("./store.js").createStore>} store @param {ReturnType<typeof import("./paint.js").createPaint>} paint
 * @param {ReturnType<typeof import("./time/axis.js").createCursor>} cursor
 */
export function createHeatmap(store, paint, cursor) {
  const [canvas, chooser, legend, counts, readout] = ["heatmap", "heatmap-of", "heatmap-legend", "heatmap-counts", "heatmap-cell"].map(byId);
  let cells = null;
  let levels = [];
  /** The cell that is pointed at: its column since the epoch, and its row. @type {{ column: number, row: number } | null} */
  let at = null;
  let drawn = {};

  const range = () => rangeOf(store.state.time);

  function draw() {
    const { time } = store.state;
    cells = cellsOf(stepsOf(time), chooser.value, range(), Math.floor((canvas.clientWidth - LEFT - RIGHT) / CELL_WIDTH));
    levels = levelsOf(cells.highest);
    setText(counts, `${chooser.value ? "Attempts, to the answer’s head," : "Requests, to the last byte,"} in a cell:`);
    paintCells();
    tellLegend();
    tellCell();
  }

  function paintCells() {
    drawCells(canvas, cells, levels, range(), paint.colors, { cell: at, moment: cursor.at });
  }

  function tellLegend() {
    const shown = cells.highest === 0 ? [] : levelsInWords(levels);
    while (legend.children.length > shown.length) legend.lastElementChild.remove();
    while (legend.children.length < shown.length) {
      const item = document.createElement("li");
      item.append(document.createElement("span"), document.createElement("span"));
      item.firstElementChild.className = "swatch";
      legend.append(item);
    }
    shown.forEach((text, i) => {
      legend.children[i].firstElementChild.style.background = mixed(paint.colors, i, levels.length);
      setText(legend.children[i].lastElementChild, text);
    });
  }

  const unit = () => (chooser.value ? ["attempt", "attempts"] : ["request", "requests"]);

  function tellCell() {
    const words = at ? cellInWords(at) : cells?.highest ? "Point at a cell, or move to one with the arrow keys; a click or Enter asks for its traces." : "";
    setText(readout, words);
    canvas.setAttribute("aria-valuetext", at ? words : "No cell chosen; the arrow keys choose one");
    canvas.setAttribute("aria-valuemax", String(cells.columns - 1));
    canvas.setAttribute("aria-valuenow", String(at ? Math.max(0, at.column - cells.first) : 0));
  }

  function cellInWords({ column, row }) {
    const count = cells.counts.get(cellKey(column, row)) ?? 0;
    const from = column * cells.columnMs;
    return `${timeOfDay(from)} to ${timeOfDay(from + cells.columnMs)}, ${rowInWords(row)}: ${counted(count, ...unit())}`;
  }

  function point(next) {
    if (next?.column === at?.column && next?.row === at?.row) return;
    at = next;
    cursor.move(at ? (at.column + 0.5) * cells.columnMs : null);
    paintCells();
    tellCell();
  }

  function cellUnder({ offsetX, offsetY }) {
    const { height, top } = plotOf(canvas);
    const up = Math.floor((1 - (offsetY - top) / height) * cells.rows);
    const column = Math.floor(timeAt(offsetX, range(), canvas.clientWidth) / cells.columnMs);
    const inside = offsetX >= LEFT && up >= 0 && up < cells.rows && column >= cells.first && column < cells.first + cells.columns;
    return inside ? { column, row: cells.low + up } : null;
  }

  function ask() {
    if (!at || !cells) return;
    const from = at.column * cells.columnMs;
    // Of traces, those that were under way in that time match.
    const query = new URLSearchParams({ "since-ms": String(from), "until-ms": String(from + cells.columnMs) });
    const min = Math.floor(rowStartUs(at.row) / 1000);
    if (min > 0) query.set("min-ms", String(min));
    const server = store.state.status && serversOf(store.state.status).find(({ key }) => key === chooser.value);
    if (server) {
      query.set("cluster", server.cluster.name);
      query.set("endpoint", server.endpoint.name);
    }
    query.set("limit", String(TRACES_ASKED));
    const slow = min > 0 ? ` that took ${min} ms or longer` : "";
    const title = `Requests${server ? ` at ${server.key}` : ""} from ${timeOfDay(from)} to ${timeOfDay(from + cells.columnMs)}${slow}`;
    document.dispatchEvent(new CustomEvent("show-traces", { detail: { title, query: query.toString() } }));
  }

  function choosable({ status }) {
    const keys = ["", ...(status ? serversOf(status).map(({ key }) => key) : [])];
    if (keys.length === chooser.options.length && keys.every((key, i) => key === chooser.options[i].value)) return;
    const chosen = chooser.value;
    chooser.replaceChildren(...keys.map((key) => new Option(key || "all endpoints", key, false, key === chosen)));
  }

  canvas.addEventListener("pointermove", (event) => cells && point(cellUnder(event)));
  canvas.addEventListener("pointerleave", () => { if (document.activeElement !== canvas) point(null); });
  canvas.addEventListener("click", (event) => {
    if (!cells) return;
    point(cellUnder(event));
    ask();
  });
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!cells || event.ctrlKey || event.altKey || event.metaKey || !(by || event.key === "Enter")) return;
    event.preventDefault();
    if (event.key === "Enter") return ask();
    const clamp = (value, from, count) => Math.min(from + count - 1, Math.max(from, value));
    const start = at ?? { column: cells.first + cells.columns - by[0], row: cells.low + Math.floor(cells.rows / 2) };
    point({ column: clamp(start.column + by[0], cells.first, cells.columns), row: clamp(start.row + by[1], cells.low, cells.rows) });
  });
  cursor.onMove(() => cells && paintCells());
  chooser.addEventListener("change", draw);
  createTable(byId("heatmap-table"), () => heatmapTable(store.state, chooser.value));
  paint.onChange(draw);
  new ResizeObserver(draw).observe(canvas);

  store.onDraw((state) => {
    const { time } = state;
    choosable(state);
    const steps = stepsOf(time);
    if (steps === drawn.steps && time.window === drawn.window) return;
    drawn = { steps, window: time.window };
    draw();
  });
}

/** The part of the canvas that holds cells. @param {HTMLCanvasElement} canvas */
export const plotOf = (canvas) => ({ top: 6, height: canvas.clientHeight - 12 });
