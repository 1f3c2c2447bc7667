// The production log: entries from incidents, and a log checked against its template.

import { byId, fillPairs, fillRows } from "./element.js";
import { counted, duration } from "./words.js";

/** What is read at once; a log of this size is no log that people read. */
const CHARS_MAX = 1_000_000;

export function makeLog(outlast, incidents) {
  const incident = byId("incident");
  const write = () => {
    byId("incident-fault").textContent = "";
    byId("entry").value = "";
    if (incident.value.trim() === "") return;
    try {
      byId("entry").value = entryOf(outlast, incident.value);
    } catch (error) {
      byId("incident-fault").textContent = error.message;
    }
  };
  const take = (found, missing) => {
    incident.value = found === null ? "" : JSON.stringify(found, null, 2);
    write();
    if (found === null) byId("incident-fault").textContent = missing;
  };
  incident.addEventListener("input", write);
  byId("entry-simulated").addEventListener("click", () => {
    take(inReality(incidents.simulated()), "What if has no incident: draw an outage there first.");
  });
  byId("entry-live").addEventListener("click", () => {
    take(incidents.live(), "Live has seen no incident.");
  });
  byId("journal").addEventListener("input", () => check(outlast, byId("journal").value));
  copies("entry-copy", "entry");
  copies("corrected-copy", "corrected");
  return {};
}

/** The simulation begins at 0; an entry of 1970 would look wrong, so it began an hour ago. */
function inReality(incident) {
  if (incident === null) return null;
  const start = Date.now() - 3_600_000;
  return {
    ...incident,
    opened_at_ms: incident.opened_at_ms + start,
    recovered_at_ms: incident.recovered_at_ms === null ? null : incident.recovered_at_ms + start,
    causes: incident.causes.map((cause) => ({ ...cause, first_at_ms: cause.first_at_ms + start })),
  };
}

/** The entry of an incident, or of a status that holds one. */
function entryOf(outlast, text) {
  let given;
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

function check(outlast, text) {
  const outcome = byId("journal-outcome");
  const isEmpty = text.trim() === "";
  const tooLong = text.length > CHARS_MAX;
  if (isEmpty || tooLong) {
    outcome.textContent = tooLong
      ? `${counted(text.length, "character")} are more than the ${CHARS_MAX.toLocaleString("en-US")} that are read.`
      : "";
    byId("corrected").value = "";
    byId("journal-faults").hidden = true;
    byId("journal-figures").replaceChildren();
    return;
  }
  const { faults, statistics, corrected } = outlast.checkLog(text);
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
  ]);
  byId("journal-faults").hidden = faults.length === 0;
  fillRows(
    byId("journal-faults"),
    faults.map(({ line, message }) => [String(line), message]),
  );
  byId("corrected").value = corrected;
}

function copies(button, source) {
  byId(button).addEventListener("click", async () => {
    const text = byId(source).value;
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
