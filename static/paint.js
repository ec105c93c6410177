// The page's colours as a canvas needs them: resolved, and again whenever the theme is another one.

const NAMES = {
  ink: "--color-ink",
  muted: "--color-muted",
  line: "--color-line",
  surface: "--color-surface",
  up: "--color-up",
  trial: "--color-trial",
  failed: "--color-failed",
  draining: "--color-draining",
  rest: "--endpoint-rest",
};
const ENDPOINTS = 8;

/** @returns {{ colors: Record<string, string> & { endpoints: string[] }, onChange: (drawing: () => void) => void }} */
export function createPaint() {
  // Only an element's own colour is computed; a custom property stays as it is written.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const drawings = [];

  function resolved(name) {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  }

  function read() {
    const colors = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, resolved(name)]));
    return { ...colors, endpoints: Array.from({ length: ENDPOINTS }, (_, i) => resolved(`--endpoint-${i + 1}`)) };
  }

  const paint = { colors: read(), onChange: (drawing) => drawings.push(drawing) };
  function changed() {
    paint.colors = read();
    for (const drawing of drawings) drawing();
  }
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  return paint;
}

/**
 * Makes a canvas as large as its place, in the pixels of the screen.
 * @param {HTMLCanvasElement} canvas @returns {{ context: CanvasRenderingContext2D, width: number, height: number }} sizes in CSS pixels
 */
export function prepared(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
