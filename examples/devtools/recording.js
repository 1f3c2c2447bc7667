// What a client recorded, in the form in which What if shows a simulation.

import { clock, count, counted, duration, timeOfDay } from "./words.js";

/** Recordings that are read at once. */
export const RECORDING_CHARS_MAX = 32 * 1_024 * 1_024;

/** Policy, trace and scenario, in milliseconds from the start of the recording. */
export function asSimulation(replayed) {
  const { from_ms: from, until_ms: until, policy, trace, incidents } = replayed;
  const moved = (row) => ({ ...row, at_ms: row.at_ms - from });
  const last = trace.status.at(-1)?.status;
  const all = [...incidents];
  if (last?.incident && !all.some(({ number }) => number === last.incident.number)) {
    all.push(last.incident);
  }
  const faults = all.map(({ causes, opened_at_ms: opened, recovered_at_ms: recovered }) => ({
    kind: (causes.find(({ kind }) => kind !== "connection_lost") ?? causes[0])?.kind,
    from_ms: Math.max(0, opened - from),
    until_ms: (recovered ?? until) - from,
  }));
  const duration_ms = Math.max(1, until - from);
  return {
    options: policy,
    trace: {
      dials: trace.dials.map(moved),
      lines: trace.lines.map(moved),
      status: trace.status.map(moved),
      // Nobody knows when Redis could have been reached again; here it is when it was.
      return_ms: faults.length > 0 && all.at(-1).recovered_at_ms !== null ? 0 : null,
    },
    scenario: {
      faults,
      duration_ms,
      calls_per_second: callsPerSecond(trace, duration_ms),
      seed: 1,
    },
  };
}

function callsPerSecond({ status }, duration_ms) {
  const sum = ({ status: each }) => each.served_by_redis + each.served_by_store + each.refused;
  const calls = status.length === 0 ? 0 : sum(status.at(-1)) - sum(status[0]);
  return Math.max(0, Math.round((calls * 1_000) / duration_ms));
}

/** What there is to say of a recording. */
export function toldOf(replayed, name) {
  const { endpoint, from_ms: from, until_ms: until, inputs, version } = replayed;
  const same =
    replayed.differs_at_line === null
      ? "each was decided the same again"
      : `from line ${count(replayed.differs_at_line)} on, this version decides otherwise`;
  const cut = replayed.is_cut ? " Its last line is cut off, and left out." : "";
  const day = new Date(from).toISOString().slice(0, 10);
  return (
    `${name}: ${endpoint}, ${day} from ${timeOfDay(from)} to ${timeOfDay(until)} (${duration(until - from)}), ` +
    `by version ${version}. ${counted(inputs, "input")}; ${same}.${cut} The axis begins at ${clock(0)} with the recording.`
  );
}
