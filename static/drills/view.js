// From how a drill goes to what is shown of it. Pure.

import { span } from "../words.js";

/** Colour and shape for what is and is not so. */
const HOLDS = {
  true: { state: "up", shape: "up", words: "holds" },
  false: { state: "failed", shape: "failed", words: "broken" },
  null: { state: "unknown", shape: "unknown", words: "not known yet" },
};

/** Where a drill has ended, nothing is "so far" any more. */
const LOOKS = {
  running: { state: "trial", shape: "trial" },
  passed: { state: "up", shape: "up" },
  failed: { state: "failed", shape: "failed" },
  stopped: { state: "unknown", shape: "unknown" },
};

/** @param {DrillRun} run @param {number} heardAt @param {number} now */
export function runOf(run, heardAt, now) {
  const running = run.state === "running";
  const elapsed = Math.min(run.ms, run.elapsed_ms + (running ? Math.max(0, now - heardAt) : 0));
  const broken = run.expectations.filter(({ holds }) => holds === false);
  return {
    running,
    ...(LOOKS[run.state] ?? LOOKS.stopped),
    title: `Drill “${run.name}”`,
    words: inWords(run, elapsed, broken),
    progress: run.ms > 0 ? elapsed / run.ms : 0,
    progressWords: `${span(elapsed)} of ${span(run.ms)}`,
    steps: run.steps.map(({ at_ms, says, done }) => ({
      time: seconds(at_ms),
      says,
      ...(done ? { state: "up", shape: "up", words: "done" } : { state: "unknown", shape: "unknown", words: running ? `in ${seconds(Math.max(0, at_ms - elapsed))}` : "not done" }),
    })),
    expectations: run.expectations.map(({ says, measured, holds }) => ({
      says,
      measured: measured || "nothing measured yet",
      ...HOLDS[holds],
      words: holds === null && !running ? "cannot be said" : HOLDS[holds].words,
    })),
  };
}

function inWords({ state, error, expectations }, elapsed, broken) {
  if (error) return `It went wrong: ${error.replace(/\.$/, "")}.`;
  const count = expectations.length;
  if (state === "running") return broken.length > 0 ? `Running; ${broken.length} of ${count} expectations broken so far.` : "Running.";
  if (state === "passed") return count === 1 ? "Passed: what was expected held." : `Passed: all ${count} expectations held.`;
  if (state === "stopped") return `Stopped after ${span(elapsed)}; nothing is played any more.`;
  if (broken.length === 0) return "Failed.";
  const which = broken.map(({ says, measured }) => (measured ? `${says} (${measured})` : says)).join("; ");
  return `Failed: ${broken.length} of ${count} expectations broken: ${which}.`;
}

const seconds = (ms) => `${ms % 1000 === 0 ? ms / 1000 : (ms / 1000).toFixed(1)} s`;

/** Why nothing can be run; empty if something can. @param {State["drills"]} drills */
export function whyNotRun({ known, allowed }) {
  if (!known) return "lb has not yet said whether its configuration allows drills.";
  return allowed ? "" : "The configuration does not allow drills. Set drills = true in [admin] there to run them.";
}
