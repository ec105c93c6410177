// A trace in words and numbers: its story, why it is kept, and what its attempts spent their time on. Pure.

import { rejectInWords } from "../story.js";
import { milliseconds } from "../words.js";

const KEPT_FOR = {
  failed: "failed",
  retried: "retried",
  sampled: "one of the sample",
  asked: "asked for",
  watched: "drawn to be shown",
};

/** By what right an endpoint was asked, where it was not simply its turn. */
const TURNS = {
  trial: "as its trial",
  session: "since its session is bound to it",
  pinned: "since it was pinned to it",
  "fail-open": "although it is out, since all are",
};

/** So many endpoints that were passed over are named in the story; the attempts tell of all. */
const MOST_NAMED = 3;

/** How long something took: `0.3 ms`, `12.3 s`. @param {number} us */
export const took = (us) => (us < 9_999_500 ? milliseconds(us / 1000) : `${(us / 1e6).toFixed(1)} s`);

/** `512 B`, `5.1 kB`. @param {number} count */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The state that a trace's end stands for. @param {Trace} trace */
export function stateOf({ status, end }) {
  if (end === "broken-off" || (status !== null && status >= 500)) return "failed";
  if (status === null || end === "client-left") return "unknown";
  return "up";
}

/** @param {TraceAttempt} attempt */
export function attemptState({ status, blamed, failure }) {
  if (failure === "overtaken" || failure === "abandoned") return "unknown";
  return blamed || status === null || status >= 500 ? "failed" : "up";
}

/** Why it is kept, and what was wrong with it, in few words. @param {Trace} trace */
export function reasonOf({ kept_for, stopped, reject, end }) {
  const why = KEPT_FOR[kept_for] ?? kept_for;
  const more = end === "client-left" ? "the client left" : end === "broken-off" ? "the answer broke off" : stopped ?? reject;
  return more ? `${why}: ${more}` : why;
}

/** The whole story in sentences. @param {Trace} trace */
export function storyInWords(trace) {
  const { attempts, queued_us, stopped, status, reject, end } = trace;
  const sentences = [];
  if (queued_us > 0) sentences.push(`It waited ${took(queued_us)} for an endpoint that had room.`);
  const tried = attempts.map((attempt, i) => attemptInWords(attempt) + link(attempts, i)).join("");
  if (tried) sentences.push(`${tried}.`);
  const passed = passedOver(attempts);
  if (passed) sentences.push(passed);
  if (stopped) sentences.push(`It was not tried again: ${stopped}.`);
  if (reject && status !== null) sentences.push(`${rejectInWords(status, reject)}.`);
  if (end === "client-left") sentences.push(status === null ? "The client left before it was answered." : "The client left before it had the whole answer.");
  if (end === "broken-off") sentences.push("Then the answer broke off, and so lb broke off its own.");
  return sentences.join(" ");
}

function attemptInWords({ endpoint, status, says, us, turn, fault }) {
  const right = TURNS[turn] ? `, asked ${TURNS[turn]},` : "";
  const time = status === null ? `(${took(us)})` : `in ${took(us)}`;
  return `${endpoint}${right} ${says} ${time}${fault ? ` (a fault on purpose: ${fault})` : ""}`;
}

/** What led from an attempt to the next one: a hedge begins while the attempt that it overtakes is still under way. */
function link(attempts, index) {
  if (index === attempts.length - 1) return "";
  return attempts[index].failure === "overtaken" ? " → meanwhile → " : " → retried → ";
}

/** Who never got a try, and why; whoever did has been told of. */
function passedOver(attempts) {
  const tried = new Set(attempts.map(({ endpoint }) => endpoint));
  const whys = new Map();
  for (const { passed_over } of attempts) {
    for (const { endpoint, why } of passed_over) if (!tried.has(endpoint)) whys.set(endpoint, why);
  }
  const named = [...whys].slice(0, MOST_NAMED).map(([endpoint, why]) => `${endpoint} was passed over: ${why}.`);
  if (whys.size > MOST_NAMED) named.push(`So were ${whys.size - MOST_NAMED} more.`);
  return named.join(" ");
}

/** Who was passed over for one attempt. @param {TraceAttempt} attempt */
export function passedOverFor({ passed_over, passed_over_sum }) {
  if (passed_over.length === 0) return passed_over_sum ? `Passed over: ${passed_over_sum}` : "Nobody was passed over";
  return `Passed over: ${passed_over.map(({ endpoint, why }) => `${endpoint} (${why})`).join(", ")}`;
}

/** What else there is to know of it, as pairs of a name and a value. @param {Trace} trace */
export function factsOf(trace) {
  const facts = [
    ["Client", trace.client],
    ["Host", trace.host],
    ["Route", trace.route ?? "none fits"],
    ["Cluster", trace.cluster ?? "none: lb answered itself"],
    ["Bytes", `${bytes(trace.bytes_in)} of the request's body read, ${bytes(trace.bytes_out)} of the answer sent`],
    ["Kept", reasonOf(trace)],
  ];
  if (trace.request_id) facts.push(["Request id", trace.request_id]);
  if (trace.trace_id) facts.push(["Trace id", trace.trace_id]);
  return facts;
}
