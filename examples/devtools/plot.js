// Plots over time, in the colours of the page.

import uPlot from "./vendor/uPlot.esm.js";
import { clock } from "./words.js";

const HEIGHT = 190;
const WIDTH_MIN = 260;

/** The colour that a name of the style sheet has now; a canvas knows no variables. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * Draws into a container, in place of what was there. `series` are `{label, colour, values, …}`;
 * `bands` name two places of them. `about` says in words what is to be seen.
 */
export function drawPlot(container, { times, series, bands = [], scale = {}, time, about }) {
  container.uplot?.destroy();
  container.setAttribute("aria-label", about);
  const axis = {
    stroke: colour("quiet"),
    grid: { stroke: colour("rule"), width: 1 },
    font: font(),
  };
  const options = {
    width: Math.max(container.clientWidth, WIDTH_MIN),
    height: HEIGHT,
    scales: { x: { time: false }, y: scale },
    axes: [
      { ...axis, values: (_, at) => at.map(time ?? ((second) => fine(second, at))) },
      {
        ...axis,
        size: 58,
        values: (_, at) => at.map((value) => (value === null ? "" : plain(value))),
      },
    ],
    cursor: { drag: { x: false, y: false } },
    series: [
      { label: "at", value: (_, at) => (at === null ? "" : (time ?? seconds)(at)) },
      ...series.map(line),
    ],
    bands: bands.map(({ upper, lower, fill }) => ({
      series: [upper + 1, lower + 1],
      fill: colour(fill),
    })),
  };
  observer.observe(container);
  container.uplot = new uPlot(options, [times, ...series.map(({ values }) => values)], container);
}

/** Plots are as wide as what holds them. */
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const width = Math.max(target.clientWidth, WIDTH_MIN);
    if (target.uplot?.width !== width) target.uplot?.setSize({ width, height: HEIGHT });
  }
});

/** A time as fine as those beside it. */
function fine(second, all) {
  const isFine = all.length > 1 && all[1] - all[0] < 1;
  return `${clock(second * 1_000)}${isFine ? `.${Math.floor(second * 10) % 10}` : ""}`;
}

const seconds = (second) => clock(second * 1_000);

function line({ label, colour: name, dots = false, steps = false, hidden = false, width = 1.5 }) {
  const stroke = colour(name);
  return {
    label,
    stroke,
    width,
    spanGaps: true,
    value: (_, value) => (value === null ? "" : plain(value)),
    // Only the band between two of them is painted.
    ...(hidden ? { stroke: "transparent", points: { show: false } } : {}),
    ...(dots ? { paths: () => null, points: { show: true, size: 4, fill: stroke } } : {}),
    ...(steps ? { paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } } : {}),
  };
}

function plain(value) {
  if (value !== 0 && Math.abs(value) < 0.1) return String(Number(value.toPrecision(2)));
  return Number(value.toFixed(value < 10 ? 2 : 0)).toLocaleString("en-US");
}

const font = () => `11px ${getComputedStyle(document.body).fontFamily}`;

/** A strip of spans `{from, until, name, title}` over `total`; `name` is the class of each. */
export function drawStrip(container, spans, total, about) {
  container.setAttribute("aria-label", about);
  container.replaceChildren(
    ...spans.map(({ from, until, name, title }) => {
      const span = document.createElement("div");
      span.className = `span ${name}`;
      span.title = title;
      span.style.left = `${(from / total) * 100}%`;
      span.style.width = `${((until - from) / total) * 100}%`;
      return span;
    }),
  );
}

/** Several lists of `[second, value]` on one axis of times, `null` where one has none. */
export function aligned(lists) {
  const times = [...new Set(lists.flatMap((list) => list.map(([second]) => second)))];
  times.sort((left, right) => left - right);
  return {
    times,
    values: lists.map((list) => {
      const at = new Map(list);
      return times.map((second) => at.get(second) ?? null);
    }),
  };
}
