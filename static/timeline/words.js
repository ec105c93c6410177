// What an event is called and how it looks, in the list and on the axis of time. Pure.

import { beliefState, changeInWords, timeOfDay } from "../words.js";

/** Shapes of what is no state of an endpoint; drawn in ink, for colour means state. */
const SHAPES = {
  started: "started",
  stopping: "stopping",
  reloaded: "reloaded",
  "reload-refused": "reload-refused",
  changed: "changed",
  "fault-began": "fault-began",
  "fault-ended": "fault-ended",
  drill: "drill",
};
const DRILL_STATES = { passed: "up", failed: "failed" };

/** @param {Event} event @returns {{ state: string, shape: string }} */
export function lookOf(event) {
  if (event.kind === "belief") return { state: beliefState(event.to), shape: event.to };
  if (event.kind === "probe") return { state: event.ok ? "up" : "failed", shape: event.ok ? "probe-good" : "probe-failed" };
  if (event.kind === "drill") return { state: DRILL_STATES[event.state] ?? "none", shape: "drill" };
  if (event.kind === "reload-refused") return { state: "failed", shape: "reload-refused" };
  return { state: "none", shape: SHAPES[event.kind] ?? "other" };
}

/** What happened, without its cause. @param {Event} event */
export function whatOf(event) {
  if (event.kind === "belief") return changeInWords(event);
  if (event.kind === "probe") return `${event.endpoint}’s probe ${event.ok ? "succeeds again" : "failed"}`;
  if (event.kind === "reloaded") return `${event.config} reloaded`;
  if (event.kind === "reload-refused") return `${event.config} not reloaded, all stays as it was`;
  return event.says;
}

/** Why, where that is told apart. @param {Event} event */
export function causeOf(event) {
  if (event.kind === "belief") {
    const until = event.to === "ejected" && event.until_ms ? `; trial at ${timeOfDay(event.until_ms)}` : "";
    return event.reason ? `${event.reason}${until}` : "";
  }
  if (event.kind === "reloaded") return event.differences.join("; ") || "nothing in it is different";
  if (event.kind === "reload-refused") return event.why.split(/\s*\n\s*/).join("; ");
  // What the probe found stands in the place of the sentence, where it is told under the same name.
  return event.kind === "probe" ? event.found ?? event.says : "";
}

/** All of it in one line. @param {Event} event */
export function sentenceOf(event) {
  const cause = causeOf(event);
  return whatOf(event) + (cause ? `: ${cause}` : "");
}
