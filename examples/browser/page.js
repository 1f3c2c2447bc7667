// Puts outlast on the console and fills the page. The page never dials: all of it is computed here.

import { load } from "../../bindings-wasm/dist/index.js";

/** When the simulated outage begins, and how long the client is watched after it. */
const OUTAGE_FROM_MS = 10_000;
const WATCHED_AFTER_MS = 600_000;
/** A table of more rows tells nobody more. */
const ROWS_MAX = 200;

const element = (id) => document.getElementById(id);

function classify(outlast) {
  const text = element("evidence").value.trim();
  const verdict = element("verdict");
  verdict.hidden = text === "";
  if (verdict.hidden) return;
  const found = outlast.classify(text);
  verdict.replaceChildren(
    ...["kind", "verdict", "schedule", "words"].flatMap((name) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: found[name] }),
    ]),
  );
}

function simulate(outlast) {
  const outcome = element("outcome");
  const trace = element("trace");
  const untilMs = OUTAGE_FROM_MS + element("minutes").valueAsNumber * 60_000;
  try {
    const { dials, lines, return_ms } = outlast.simulate(
      { profile: element("profile").value },
      {
        kind: element("kind").value,
        fromMs: OUTAGE_FROM_MS,
        untilMs,
        durationMs: untilMs + WATCHED_AFTER_MS,
      },
    );
    outcome.textContent = [
      return_ms === null ? "Not away, or not back." : `Back ${seconds(return_ms)} after Redis.`,
      `${dials.length} dials, ${lines.length} log lines.`,
    ].join(" ");
    rows("lines", lines, ({ at_ms, record }) => [clock(at_ms), record.level, record.message]);
    rows("dials", dials, ({ at_ms, took_ms, failure }) => [
      clock(at_ms),
      seconds(took_ms),
      failure ?? "connected",
    ]);
    trace.hidden = false;
  } catch (error) {
    outcome.textContent = error.message;
    trace.hidden = true;
  }
}

/** Fills a table's body; text only, so that nothing in a message becomes markup. */
function rows(id, items, cells) {
  const shown = items.slice(0, ROWS_MAX).map((item) => row(cells(item)));
  if (items.length > ROWS_MAX) shown.push(row([`and ${items.length - ROWS_MAX} more`]));
  element(id).replaceChildren(...shown);
}

function row(texts) {
  const row = document.createElement("tr");
  for (const text of texts) row.insertCell().textContent = text;
  return row;
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(ms < 1_000 ? 3 : 1)} s`;
}

function clock(ms) {
  const whole = Math.floor(ms / 1_000);
  const parts = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

const outlast = await load().catch((error) => {
  element("ready").textContent = `outlast could not be loaded: ${error.message}`;
  throw error;
});
globalThis.outlast = outlast;

for (const { kind, words } of outlast.failureKinds()) {
  element("kind").append(new Option(`${kind}: ${words}`, kind));
}
element("kind").value = "connection_refused";
element("evidence").addEventListener("input", () => classify(outlast));
element("simulate").addEventListener("submit", (event) => {
  event.preventDefault();
  simulate(outlast);
});
for (const control of document.querySelectorAll("[disabled]")) control.disabled = false;
element("ready").textContent =
  `Version ${outlast.version()} is on the console as outlast: try outlast.classify("READONLY …").`;
