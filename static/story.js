// The last response: the raw answer, and above it the request's story in words.
// Only the last one: what was before it is not told here.

import { byId, setData, setShown, setText } from "./dom.js";
import { counted, milliseconds, timeOfDay } from "./words.js";

/** Why an attempt had no answer, as lb-trace names it. The set is open: another word is told as it stands. */
const FAILURES = {
  refused: "refused the connection",
  unreachable: "could not be reached",
  shortage: "was not asked, since lb ran out of descriptors, memory or ports",
  "connect-timeout": "did not take the connection in time",
  closed: "closed the connection without an answer",
  "idle-race": "closed an idle connection just as it was used",
  "response-timeout": "did not answer in time",
  "invalid-header": "answered what is not valid HTTP",
  truncated: "broke its answer off",
  stalled: "stood still in the middle of its answer",
  overtaken: "was slower than another server, and was no longer waited for",
};

/** Why lb answered itself, as lb-reject names it. This set is open, too. */
const REJECTS = {
  "no-endpoint": "no server was left to ask. Start or restore one, or wait until lb tries one again",
  "at-capacity": "every server has as many requests as it may. Send fewer, or raise the limit",
  "no-memory": "lb has lent all the memory it may to requests under way. Send fewer, or raise limits.memory",
  "queue-full": "every server has as many requests as it may, and no more may wait. Send fewer, or raise the limits",
  "queue-timeout": "every server has as many requests as it may, and none was free in time. Send fewer, or raise the limits",
  "no-route": "its configuration has no route for this path. Add one to lb's configuration",
};

/** @param {Answer} answer */
export function storyOf(answer) {
  const { lost } = answer;
  const losses = lost ? `The connection was lost ${counted(lost, "time", "times")} before an answer, and the page sent the request again. ` : "";
  return losses + lastOf(answer);
}

function lastOf(answer) {
  const { attempts, status, reject, server, broken, late, ms } = answer;
  if (status === null && late) {
    return `lb gave no answer in ${milliseconds(ms)}, and the page gave up. See whether its servers hang, then send again.`;
  }
  if (status === null) return "lb could not be reached. Is it running? Start it, then send again.";
  const tried = (attempts ?? []).map((attempt, index) => attemptInWords(attempt) + linkAfter(attempts, index)).join("");
  if (reject) return `${tried && `${tried} → `}${rejectInWords(status, reject)}.`;
  const told = tried || `${server || "A server"} answered ${status}`;
  return broken ? `${told}, then the answer broke off. Send again to see whether it happens again.` : `${told}.`;
}

/** That lb answered itself, and why. @param {number} status @param {string} reject */
export function rejectInWords(status, reject) {
  const reason = REJECTS[reject] ?? (FAILURES[reject] ? "no server gave an answer. See whether they run" : `its reason is “${reject}”`);
  return `lb answered ${status} itself: ${reason}`;
}

/** What led from an attempt to the next one: a hedge begins while the attempt that it overtakes is still under way. */
function linkAfter(attempts, index) {
  if (index === attempts.length - 1) return "";
  return attempts[index].failure === "overtaken" ? " → meanwhile → " : " → retried → ";
}

function attemptInWords({ server, status, failure, us }) {
  const time = us === null ? "" : milliseconds(us / 1000);
  if (status !== null) return `${server} answered ${status}${time && ` in ${time}`}`;
  const what = FAILURES[failure] ?? `failed${failure && ` (${failure})`}`;
  return `${server} ${what}${time && ` (${time})`}`;
}

/** @param {ReturnType<typeof import("./store.js").createStore>} store */
export function createStory(store) {
  const [empty, filled, status, time, story, body] = ["empty", "", "status", "time", "story", "body"]
    .map((part) => byId(part ? `last-${part}` : "last"));
  let drawn;

  store.onDraw(({ last }) => {
    if (last === drawn) return;
    drawn = last;
    setShown(empty, last === null);
    setShown(filled, last !== null);
    const code = last?.status ?? null;
    setText(status, !last ? "" : code === null ? "No answer" : `${code} ${last.statusText}`.trim());
    setData(status, "state", !last ? "unknown" : last.ok ? "up" : "failed");
    setText(time, last ? `${milliseconds(last.ms)} · ${timeOfDay(last.endedAt)}` : "");
    setText(story, last ? storyOf(last) : "");
    setText(body, last?.body ?? "");
    setShown(body, Boolean(last?.body));
  });
}
