// What one sees of the page at this moment, for page.rs: texts by id, and each card. What is hidden is empty.
const text = (element) => element?.checkVisibility() ? element.textContent.trim() : "";

const ids = [
  "config", "connection", "uptime", "theme", "send", "auto", "reset", "full", "total-sent", "total-success",
  "total-retried", "notice", "servers-empty", "last-empty", "last-status", "last-time", "last-story", "last-body",
  "happened-empty", "happened", "keys", "announce",
];
const page = Object.fromEntries(ids.map((id) => [id, text(document.getElementById(id))]));
page.rate = document.getElementById("rate").value;
page.ready = document.documentElement.dataset.ready ?? "";

// The hues of the left edge, what the server says over what lb believes, as the light theme has them.
function edge(card) {
  const colors = getComputedStyle(card, "::before").backgroundImage.match(/rgb\([^)]*\)/g) ?? [];
  const hues = colors.map((color) => {
    const [red, green] = color.match(/\d+/g).map(Number);
    return red > 2 * green ? "red" : green > red ? "green" : "other";
  });
  return hues.join(" over ");
}

const cards = [...document.querySelectorAll("#servers [data-server]")].map((card) => {
  const field = (name) => text(card.querySelector(`[data-field="${name}"]`));
  const fields = ["name", "address", "reason", "lesson", "count", "share", "latency", "attempts"];
  return {
    ...Object.fromEntries(fields.map((name) => [name, field(name)])),
    says: card.dataset.says,
    "says-words": field("says"),
    belief: card.dataset.belief,
    "belief-words": field("belief"),
    edge: edge(card),
    button: text(card.querySelector("[data-action=toggle]")),
  };
});

return [page, cards];
