/* Runs in the page before anything of its own: clocks what a reader sees. Times are milliseconds. */

const probe = (globalThis.probe = { tasks: [], keys: [], violations: 0, first: null });

new PerformanceObserver((list) => {
  for (const task of list.getEntries()) probe.tasks.push(task.duration);
}).observe({ type: "longtask", buffered: true });
document.addEventListener("securitypolicyviolation", () => (probe.violations += 1));

const small = new OffscreenCanvas(48, 48);
const brush = small.getContext("2d", { willReadFrequently: true });

/* A number for what a canvas shows, and whether that is more than a ground colour. */
function look(canvas) {
  brush.clearRect(0, 0, 48, 48);
  brush.drawImage(canvas, 0, 0, 48, 48);
  const { data } = brush.getImageData(0, 0, 48, 48);
  const colours = new Set();
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    const colour = (data[i] << 16) + (data[i + 1] << 8) + data[i + 2];
    if (data[i + 3]) colours.add(colour);
    sum = (sum * 31 + colour + data[i + 3]) | 0;
  }
  return { sum, isPainted: colours.size > 3 };
}

const afterPaint = (then) =>
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => then(performance.now());
    port2.postMessage(0);
  });

/* The time of the first frame in which something holds. */
probe.until = (holds, patience = 20_000) =>
  new Promise((resolve, reject) => {
    const begin = performance.now();
    const check = () => {
      if (holds()) resolve(performance.now());
      else if (performance.now() - begin > patience) reject(new Error(`never: ${holds}`));
      else afterPaint(check);
    };
    check();
  });

const all = (selector) => [...document.querySelectorAll(selector)];
const isPainted = (selector) => {
  const charts = all(selector);
  return charts.length > 0 && charts.every((canvas) => look(canvas).isPainted);
};
const READY = {
  Compare: () => document.querySelector("h1.answer") && isPainted("main .chart canvas"),
  Curves: () => document.querySelector(".panels") && isPainted(".panel .chart canvas"),
  Table: () => document.querySelector(".grid tbody tr:not(.gap)"),
};

probe.first = probe.until(() => document.body && READY.Compare()).catch(() => null);

/* Press a tab, and wait for its content. */
probe.tab = async (label) => {
  const before = document.querySelector("main").firstElementChild;
  const begin = performance.now();
  all(".tabs a").find((link) => link.textContent === label).click();
  const isThere = () => {
    const now = document.querySelector("main").firstElementChild;
    if (!now || now === before || document.querySelector("main .loading")) return false;
    return READY[label] ? READY[label]() : document.querySelector("main h1, main h2");
  };
  return (await probe.until(isThere)) - begin;
};

/* Until a picture of so many lines is drawn, and all beside it. */
probe.lines = async (label) => {
  const begin = performance.now();
  all(".tabs a").find((link) => link.textContent === "Curves").click();
  await probe.until(() => document.querySelector(`[aria-label="${label}"] canvas`) && READY.Curves());
  return performance.now() - begin;
};

/* From the next turn of the wheel until a picture shows something else. */
probe.zoom = (label) => {
  const canvas = document.querySelector(`[aria-label="${label}"] canvas`);
  const before = look(canvas).sum;
  probe.zoomed = new Promise((resolve, reject) => {
    const turned = ({ timeStamp }) =>
      probe.until(() => look(canvas).sum !== before).then((now) => resolve(now - timeStamp), reject);
    addEventListener("wheel", turned, { capture: true, passive: true, once: true });
  });
};

addEventListener(
  "keydown",
  (event) => afterPaint((now) => probe.keys.push(now - event.timeStamp)),
  { capture: true },
);

/* Move the table by some pixels each frame, and count the frames of a second. */
probe.scroll = async (seconds) => {
  const box = document.querySelector(".grid");
  const [begin, frames] = [performance.now(), []];
  let step = 60;
  while (performance.now() - begin < 1000 * seconds) {
    frames.push(await new Promise(requestAnimationFrame));
    if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) step = -60;
    if (box.scrollTop === 0) step = 60;
    box.scrollTop += step;
  }
  return ((frames.length - 1) * 1000) / (frames.at(-1) - frames[0]);
};

/* When a picture that is there shows something else: by the clock of the machine. */
probe.changed = (label) => {
  const canvas = document.querySelector(`[aria-label="${label}"] canvas`);
  const before = look(canvas).sum;
  probe.change = probe.until(() => look(canvas).sum !== before).then(() => Date.now());
};
