// What Live shows of one status, and of those before it.

import { byId, fillPairs, fillRows } from "./element.js";
import { drawPlot, drawStrip } from "./plot.js";
import { bytes, count, counted, duration, timeOfDay } from "./words.js";

/** Samples that are kept: ten minutes at one a second. */
const SAMPLES_MAX = 600;
const LINES_MAX = 200;

export class LiveView {
  #samples = [];
  #lines = null;
  #countdown;

  /** Forgets the service before. */
  clear() {
    this.#samples = [];
    this.#lines = null;
    byId("live-view").hidden = true;
    cancelAnimationFrame(this.#countdown);
  }

  show({ status, lines }, now) {
    this.#samples.push({ at: now, status });
    this.#samples = this.#samples.slice(-SAMPLES_MAX);
    this.#lines = lines;
    byId("live-view").hidden = false;
    byId("live-view").classList.remove("stale");
    showMode(status);
    this.#countDown(status, now);
    showServed(this.#samples);
    fillPairs(byId("live-memory"), [
      ["journal", counted(status.journal_keys, "key")],
      ["store", `${counted(status.store_keys, "key")}, ${bytes(status.store_bytes)}`],
      ["written back", counted(status.replayed, "key")],
      ["reply in", `${micros(status.latency.p50_us)}, 99% in ${micros(status.latency.p99_us)}`],
    ]);
    showIncident(status.incident, now);
    showLines(status, lines);
    this.repaint();
  }

  /** What is shown is of before. */
  unreachable() {
    byId("live-view").classList.add("stale");
    cancelAnimationFrame(this.#countdown);
  }

  /** Draws what is painted anew. */
  repaint() {
    if (this.#samples.length === 0 || byId("live").hidden) return;
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const total = Math.max(last.at - first.at, 1_000);
    const spans = this.#samples.map(({ at, status }, place) => ({
      from: at - first.at,
      until: (this.#samples[place + 1]?.at ?? last.at) - first.at,
      name: status.mode,
      title: `${status.mode} at ${timeOfDay(at)}`,
    }));
    drawStrip(
      byId("live-strip"),
      merged(spans),
      total,
      `Mode over the last ${duration(total)}; now ${last.status.mode}`,
    );
    const rates = this.#samples.map((sample, place) => rate(sample, this.#samples[place - 1]));
    drawPlot(byId("live-plot"), {
      times: this.#samples.map(({ at }) => at / 1_000),
      time: (second) => timeOfDay(second * 1_000),
      series: [
        {
          label: "Redis, a second",
          colour: "good",
          values: rates.map((each) => each?.redis ?? null),
        },
        { label: "store", colour: "warn", values: rates.map((each) => each?.store ?? null) },
        { label: "refused", colour: "bad", values: rates.map((each) => each?.refused ?? null) },
        { label: "dials", colour: "other", values: rates.map((each) => each?.dials ?? null) },
      ],
      about: `Commands a second over the last ${duration(total)}.`,
    });
  }

  /** The last incident that was seen, with where Redis is. */
  incident() {
    const last = this.#samples.findLast(({ status }) => status.incident !== null);
    return last === undefined
      ? null
      : { endpoint: last.status.endpoint, incident: last.status.incident };
  }

  #countDown(status, now) {
    cancelAnimationFrame(this.#countdown);
    const figure = byId("live-next");
    const tick = () => {
      const left = status.next_retry_in - (Date.now() - now) / 1_000;
      figure.textContent = left <= 0 ? "now" : `in ${left.toFixed(1)} s`;
      if (left > 0) this.#countdown = requestAnimationFrame(tick);
    };
    if (status.next_retry_in !== null) tick();
    else figure.textContent = status.redis_connected ? "none needed" : "none planned";
  }
}

function showMode(status) {
  const { mode, profile, endpoint } = status;
  const figure = byId("live-mode");
  // Told by a screen reader only when it changes.
  if (figure.textContent !== mode) figure.textContent = mode;
  byId("live-mode-card").dataset.mode = mode;
  byId("live-endpoint").textContent = `${endpoint}, ${profile}`;
  const failed =
    status.last_failure_type === null ? "" : `; last failure ${status.last_failure_type}`;
  byId("live-breaker").textContent =
    `breaker ${status.circuit_breaker_state}; ${counted(status.dials, "dial")}${failed}`;
}

function showServed(samples) {
  const { status } = samples.at(-1);
  const now = rate(samples.at(-1), samples.at(-2));
  const row = (name, is, sum, each) => [
    { text: name, is },
    count(sum),
    each === undefined ? "–" : count(Math.round(each)),
  ];
  fillRows(byId("live-served"), [
    row("Redis", "client good", status.served_by_redis, now?.redis),
    row("store", "client warn", status.served_by_store, now?.store),
    row("refused", "client bad", status.refused, now?.refused),
  ]);
}

/** How many a second since the sample before. */
function rate(sample, before) {
  if (before === undefined) return undefined;
  const seconds = Math.max((sample.at - before.at) / 1_000, 0.001);
  const each = (field) => Math.max(0, sample.status[field] - before.status[field]) / seconds;
  return {
    redis: each("served_by_redis"),
    store: each("served_by_store"),
    refused: each("refused"),
    dials: each("dials"),
  };
}

function showIncident(incident, now) {
  const words = byId("live-incident");
  if (incident === null) {
    words.textContent = "None goes on.";
    fillRows(byId("live-causes"), []);
    return;
  }
  const { number, opened_at_ms: opened, recovered_at_ms: recovered, flaps, counts } = incident;
  const lasted = duration((recovered ?? now) - opened);
  const state =
    recovered === null
      ? `goes on since ${timeOfDay(opened)}, ${lasted}`
      : `${timeOfDay(opened)} to ${timeOfDay(recovered)}, ${lasted}`;
  words.textContent =
    `Number ${number}, ${state}. ${counted(counts.dials_failed, "dial")} failed, ` +
    `${counted(counts.served_locally, "command")} served from memory, ${count(counts.refused)} refused, ` +
    `${counted(flaps, "flap")}, ${counted(incident.replayed, "key")} written back.`;
  const rows = incident.causes.map(({ kind, first_at_ms, count: times }) => [
    kind,
    timeOfDay(first_at_ms),
    count(times),
  ]);
  if (recovered !== null) rows.push(["back on Redis", timeOfDay(recovered), count(flaps + 1)]);
  fillRows(byId("live-causes"), rows);
}

function showLines(status, lines) {
  const suppressed = counted(status.failures_since_log, "failure");
  byId("live-suppressed").textContent =
    lines === null
      ? `This service does not tell its lines. ${suppressed} since the last one.`
      : `${suppressed} since the last line, without a line of their own.`;
  const rows = (lines ?? [])
    .slice(-LINES_MAX)
    .reverse()
    .map(({ at_ms: at, record }) => {
      const { dials_failed: dials = 0, served_locally: served = 0 } = record?.fields ?? {};
      return [
        { text: timeOfDay(at), is: "nowrap" },
        { text: String(record?.level), is: `nowrap ${record?.level}` },
        String(record?.message),
        dials + served === 0 ? "–" : `${counted(dials, "dial")}, ${counted(served, "command")}`,
      ];
    });
  fillRows(byId("live-lines"), rows);
}

function merged(spans) {
  const result = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last?.name === span.name) last.until = span.until;
    else result.push({ ...span });
  }
  return result;
}

const micros = (us) => (us < 1_000 ? `${us} µs` : `${(us / 1_000).toFixed(1)} ms`);
