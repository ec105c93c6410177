// A fault to be played: read from the form of a card, and told in words before it begins. Pure but for the reading.

/** @param {(name: string) => HTMLInputElement} find @returns {Omit<NewFault, "cluster" | "endpoint">} */
export function faultFrom(find) {
  const number = (name) => Number(find(name).value);
  const kinds = {
    delay: () => ({ type: "delay", min_ms: number("min"), max_ms: number("max") }),
    abort: () => ({ type: "abort", status: number("status") }),
    reset: () => ({ type: "reset" }),
  };
  return { percent: number("percent"), kind: kinds[find("kind").value](), for: find("fault-for").value };
}

const KINDS = {
  delay: ({ min_ms, max_ms }) => `wait ${min_ms === max_ms ? min_ms : `${min_ms} to ${max_ms}`} ms first`,
  abort: ({ status }) => `are answered ${status} by lb, and nobody is asked`,
  reset: () => "lose their connection without an answer",
};

/** What the button will do. @param {string} name @param {ReturnType<typeof faultFrom>} fault */
export function faultPreview(name, { percent, kind, for: duration }) {
  const which = percent >= 100 ? "All attempts" : `${percent} % of the attempts`;
  return `${which} at ${name} ${KINDS[kind.type](kind)}, for ${duration.replace(/^(\d+)/, "$1 ").replace(/m$/, "min")}. It counts as the server's own failure, and is retried like one.`;
}

/** Why no fault can be played; empty if one can. @param {State["faults"]} faults */
export function whyNot(faults) {
  if (!faults) return "lb has not yet said whether its configuration allows faults.";
  return faults.allowed ? "" : "The configuration does not allow faults. Set faults = true in [admin] there to play them.";
}
