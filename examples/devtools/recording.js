// What a client recorded, in the form in which What if shows a simulation.

import { count, counted, duration, timeOfDay } from "./words.js";

/** Recordings that are read at once. */
export const RECORDING_CHARS_MAX = 32 * 1_024 * 1_024;

/** What is drawn of a long recording: its end. */
const INCIDENTS_MAX = 100;
const ROWS_MAX = 2_000;
const STATUSES_MAX = 500;

/** Policy, trace and scenario, in milliseconds from where the drawing begins, and what there is to say. */
export function asSimulation(replayed) {
  const { until_ms: until, policy, trace } = replayed;
  const last = trace.status.at(-1)?.status;
  const all = [...replayed.incidents];
  if (last?.incident && !all.some(({ number }) => number === last.incident.number)) {
    all.push(last.incident);
  }
  const incidents = all.slice(-INCIDENTS_MAX);
  const from = incidents.length < all.length ? incidents[0].opened_at_ms : replayed.from_ms;
  const moved = (rows, most) =>
    rows
      .filter(({ at_ms }) => at_ms >= from)
      .slice(-most)
      .map((row) => ({ ...row, at_ms: row.at_ms - from }));
  const faults = incidents.map(({ causes, opened_at_ms: opened, recovered_at_ms: recovered }) => ({
    kind: (causes.find(({ kind }) => kind !== "connection_lost") ?? causes[0])?.kind,
    from_ms: Math.max(0, opened - from),
    until_ms: (recovered ?? until) - from,
  }));
  const duration_ms = Math.max(1, until - from);
  const shown = {
    dials: moved(trace.dials, ROWS_MAX),
    lines: moved(trace.lines, ROWS_MAX),
    status: moved(trace.status, STATUSES_MAX),
    // Nobody knows when Redis could have been reached again; here it is when it was.
    return_ms: (incidents.at(-1)?.recovered_at_ms ?? null) === null ? null : 0,
  };
  const calls_per_second = callsPerSecond(shown, duration_ms);
  return {
    options: policy,
    trace: shown,
    scenario: { faults, duration_ms, calls_per_second, seed: 1 },
    told: toldOf(replayed, from, all.length),
  };
}

function callsPerSecond({ status }, duration_ms) {
  const sum = ({ status: each }) => each.served_by_redis + each.served_by_store + each.refused;
  const calls = status.length === 0 ? 0 : sum(status.at(-1)) - sum(status[0]);
  return Math.max(0, Math.round((calls * 1_000) / duration_ms));
}

function toldOf(replayed, from, outages) {
  const { endpoint, from_ms: begun, until_ms: until, inputs, version } = replayed;
  const same =
    replayed.differs_at_line === null
      ? "each was decided the same again"
      : `from line ${count(replayed.differs_at_line)} on, this version decides otherwise`;
  const cut = replayed.is_cut ? " Its last line is cut off, and left out." : "";
  const day = new Date(begun).toISOString().slice(0, 10);
  const drawn =
    from === begun
      ? "The axis begins with it."
      : `Drawn are the last ${INCIDENTS_MAX} of ${count(outages)} outages, from ${timeOfDay(from)}.`;
  return (
    `${endpoint}, ${day} from ${timeOfDay(begun)} to ${timeOfDay(until)} (${duration(until - begun)}), ` +
    `by version ${version}. ${counted(inputs, "input")}; ${same}.${cut} ${drawn}`
  );
}
