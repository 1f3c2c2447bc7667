// The production log: entries from incidents, and a log checked against its template.

import { latestOf } from "./background.js";
import { byId, fillPairs, fillRows } from "./element.js";
import { takeText } from "./field.js";
import { count, counted, duration } from "./words.js";

/** What is read at once; a log of this size is no log that people read. */
const CHARS_MAX = 10 * 1_024 * 1_024;
/** An incident is much shorter. */
const INCIDENT_CHARS_MAX = 100_000;
/** Rows of faults that are shown. */
const FAULTS_MAX = 300;

export function makeLog(outlast, incidents) {
  const takeIncident = takeText(byId("incident"), (text) => {
    byId("incident-fault").textContent = "";
    byId("entry").value = "";
    if (text.trim() === "") return;
    try {
      byId("entry").value = entryOf(outlast, text);
    } catch (error) {
      byId("incident-fault").textContent = error.message;
    }
  });
  const take = (found, missing) => {
    takeIncident(found === null ? "" : JSON.stringify(found, null, 2));
    if (found === null) byId("incident-fault").textContent = missing;
  };
  byId("entry-simulated").addEventListener("click", () => {
    take(incidents.simulated(), "What if has no incident: draw an outage there first.");
  });
  byId("entry-live").addEventListener("click", () => {
    take(incidents.live(), "Live has seen no incident.");
  });
  const run = latestOf("log");
  let corrected = new Blob();
  takeText(byId("journal"), async (text) => {
    const outcome = byId("journal-outcome");
    corrected = new Blob();
    try {
      if (text.length > CHARS_MAX) {
        throw new Error(
          `${counted(text.length, "character")} are more than the ${count(CHARS_MAX)} that are read.`,
        );
      }
      const checked = /\S/.test(text) ? await run(text) : null;
      if (checked === undefined) return;
      corrected = checked?.corrected ?? corrected;
      showChecked(checked);
    } catch (error) {
      showChecked(null);
      outcome.textContent = error.message;
    }
  });
  copies("entry-copy", () => byId("entry").value, "entry");
  copies("corrected-copy", () => corrected.text(), "corrected");
  return {};
}

/** The entry of an incident, or of a status that holds one. */
function entryOf(outlast, text) {
  let given;
  if (text.length > INCIDENT_CHARS_MAX) {
    throw new Error(`An incident has at most ${counted(INCIDENT_CHARS_MAX, "character")}.`);
  }
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}`);
  }
  const status = [given?.redis, given?.status, given].find(
    (part) => typeof part?.endpoint === "string",
  );
  if (status !== undefined && status.incident === null)
    throw new Error("This status holds no incident.");
  return outlast.logEntry(status?.incident ?? given, status?.endpoint ?? "Redis");
}

/** Shows what was found in a log, or that there is none. */
function showChecked(checked) {
  const outcome = byId("journal-outcome");
  if (checked === null) {
    outcome.textContent = "";
    byId("corrected").value = "";
    byId("journal-faults").hidden = true;
    byId("journal-figures").replaceChildren();
    return;
  }
  const { faults, statistics, shown } = checked;
  const { entries, resolved, mitigated, open } = statistics;
  outcome.textContent =
    faults.length === 0 ? "As the template has it." : `${counted(faults.length, "fault")}.`;
  const time = (ms) => (ms === null ? "not told" : duration(ms));
  fillPairs(byId("journal-figures"), [
    ["entries", counted(entries, "entry").replace("entrys", "entries")],
    ["✅ resolved", resolved],
    ["🟡 mitigated", mitigated],
    ["🔴 open", open],
    [
      "time to recover",
      `median ${time(statistics.recovered_after_ms_median)}, longest ${time(statistics.recovered_after_ms_max)}`,
    ],
    ...statistics.kinds.map(({ kind, entries: of, ...times }) => [
      kind ?? "no kind",
      `${count(of)}, median ${time(times.recovered_after_ms_median)}, longest ${time(times.recovered_after_ms_max)}`,
    ]),
  ]);
  byId("journal-faults").hidden = faults.length === 0;
  const rows = faults.slice(0, FAULTS_MAX).map(({ line, message }) => [String(line), message]);
  if (faults.length > FAULTS_MAX) rows.push(["", `and ${count(faults.length - FAULTS_MAX)} more`]);
  fillRows(byId("journal-faults"), rows);
  byId("corrected").value = shown;
}

function copies(button, textOf, source) {
  byId(button).addEventListener("click", async () => {
    const text = await textOf();
    try {
      await navigator.clipboard.writeText(text);
      byId(button).textContent = "Copied";
    } catch {
      // Without leave to write there, the text is selected, and the keyboard copies it.
      byId(source).select();
      byId(button).textContent = "Selected: press Ctrl+C";
    }
  });
}
