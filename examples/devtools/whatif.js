// What would a client do? A policy, an outage, and beside outlast three others.

import { inBackground, latestOf } from "./background.js";
import { writeAddress } from "./address.js";
import { byId, fillRows } from "./element.js";
import { textOf } from "./field.js";
import { naiveFleet } from "./fleet.js";
import { naive, nodeWrapper, pythonWrapper } from "./legacy.js";
import { makeOutage } from "./outage.js";
import { aligned, drawPlot, drawStrip } from "./plot.js";
import { makePolicy } from "./policy.js";
import { RECORDING_CHARS_MAX } from "./recording.js";
import { bytes, clock, count, counted, duration } from "./words.js";

/** Rows of the log that are shown. */
const LINES_MAX = 300;
/** Points of one line of a plot; more are thinned out. */
const POINTS_MAX = 3_000;
/** The fewest seconds that the plot of a fleet shows. */
const FLEET_SECONDS_MIN = 30;
/** By then every schedule has come to its longest wait. */
const ATTEMPTS = 100;

export function makeWhatIf(outlast, given) {
  const run = latestOf("simulate");
  const runFleet = latestOf("fleet");
  let shown;
  let shownFleet;
  let isVisible = false;
  /** The policy that a recording took the place of. */
  let before;

  const update = async () => {
    if (shown?.recorded) {
      outage.showRecorded();
      byId("recording-outcome").textContent = "";
      byId("recording-clear").disabled = true;
    }
    if (isVisible) writeAddress("whatif", settings());
    const input = { options: readPolicy(), scenario: outage.scenario() };
    try {
      outlast.policy(input.options);
      byId("policy-fault").textContent = "";
    } catch (error) {
      byId("policy-fault").textContent = error.message;
      return;
    }
    try {
      const trace = await run(input);
      byId("whatif-fault").textContent = "";
      if (trace === undefined) return;
      shown = { ...input, trace, clients: compared(trace, input.scenario) };
      show(outlast, shown);
    } catch (error) {
      byId("whatif-fault").textContent = error.message;
    }
  };
  const { read: readPolicy, show: showPolicy } = makePolicy(outlast, given, () => update());
  const outage = makeOutage(given, () => update());
  const settings = () => ({ ...readPolicy(), ...outage.settings() });

  const replay = async (file) => {
    const outcome = byId("recording-outcome");
    try {
      const text = await textOf(file, RECORDING_CHARS_MAX, bytes);
      const { told, ...simulation } = await inBackground("replay", text);
      const { trace, scenario } = simulation;
      before = shown?.recorded ? before : outlast.policy(readPolicy());
      shown = { ...simulation, clients: compared(trace, scenario, true), recorded: true };
      showPolicy(simulation.options);
      outage.showRecorded(scenario);
      byId("whatif-fault").textContent = "";
      byId("recording-clear").disabled = false;
      byId("recording-bar").open = true;
      show(outlast, shown);
      outcome.textContent = `${file.name}: ${told}`;
    } catch (error) {
      outcome.textContent = `${file.name}: ${error.message}`;
    }
  };
  takeFiles(byId("recording"), byId("whatif"), replay);
  byId("recording-clear").addEventListener("click", () => {
    showPolicy(before);
    update();
  });

  byId("fleet").addEventListener("submit", async (event) => {
    event.preventDefault();
    const clients = byId("fleet-clients").valueAsNumber;
    const scenario = outage.scenario();
    const outcome = byId("fleet-outcome");
    try {
      const input = { options: readPolicy(), scenario, clients };
      const found = await runFleet(input, ({ client }) => {
        outcome.textContent = `Simulating: ${count(client)} of ${counted(clients, "client")}.`;
      });
      if (found === undefined) return;
      shownFleet = { ...found, clients, scenario };
      showFleet(shownFleet);
    } catch (error) {
      outcome.textContent = error.message;
    }
  });

  return {
    settings,
    show: () => {
      isVisible = true;
      if (shown?.recorded) show(outlast, shown);
      else update();
    },
    repaint: () => {
      if (shown !== undefined && !byId("whatif").hidden) show(outlast, shown);
      if (shownFleet !== undefined && !byId("whatif").hidden) showFleet(shownFleet);
    },
    /** The last incident of the simulated client, if there was one. */
    incident: () => {
      const statuses = shown?.trace.status.map(({ status }) => status) ?? [];
      const last = statuses.findLast(({ incident }) => incident !== null);
      if (last === undefined) return null;
      if (!shown.recorded) return inReality(last.incident);
      return { endpoint: last.endpoint, incident: last.incident };
    },
  };
}

/** Hands on a file that is chosen, or dropped anywhere in `area`. */
function takeFiles(input, area, onFile) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file === undefined) return;
    onFile(file);
    // The same file may be read again once it has grown.
    input.value = "";
  });
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (file === undefined) return;
    event.preventDefault();
    onFile(file);
  });
}

/** The simulation begins at 0; an entry of 1970 would look wrong, so it began an hour ago. */
function inReality(incident) {
  const start = Date.now() - 3_600_000;
  return {
    ...incident,
    opened_at_ms: incident.opened_at_ms + start,
    recovered_at_ms: incident.recovered_at_ms === null ? null : incident.recovered_at_ms + start,
    causes: incident.causes.map((cause) => ({ ...cause, first_at_ms: cause.first_at_ms + start })),
  };
}

/** What each client does, in one form: dials `[at_ms, wait_ms]`, lines `[at_ms, count]`. */
function compared(trace, scenario, recorded = false) {
  const returned = scenario.faults.at(-1)?.until_ms ?? 0;
  const own = {
    name: "outlast",
    colour: "good",
    dials: ownDials(trace, scenario),
    lines: trace.lines.map(({ at_ms }) => [at_ms, 1]),
    backAfter: trace.return_ms,
    recorded,
    rule: "the policy on the left; a line a cause, a summary an interval, one on recovery",
  };
  const other = (name, colour, { dials, lines, backAt }, rule) => ({
    name,
    colour,
    dials,
    lines,
    backAfter: backAt === null ? null : Math.max(0, backAt - returned),
    rule,
  });
  return [
    own,
    other("naive", "bad", naive(scenario), "dials every 5 s, logs each failure"),
    other(
      "Python wrapper",
      "warn",
      pythonWrapper(scenario),
      "120, 240, 300 s and up to 20% more; logs each failure; stays on memory for good",
    ),
    other(
      "Node wrapper",
      "other",
      nodeWrapper(scenario),
      "3 retries in 0.3 s, then ended for good; logs each command",
    ),
  ];
}

/** Each dial of the outage with the wait before it: since the failure that it follows. */
function ownDials({ dials }, { faults }) {
  return dials.slice(1).map(({ at_ms }, place) => {
    const before = dials[place];
    const struck = faults.findLast(({ from_ms }) => from_ms <= at_ms)?.from_ms ?? 0;
    const since = before.failure === null ? struck : before.at_ms + before.took_ms;
    return [at_ms, at_ms - since];
  });
}

const total = (lines) => Math.round(lines.reduce((sum, [, lineCount]) => sum + lineCount, 0));

function show(outlast, { options, trace, scenario, clients, recorded = false }) {
  const [own, naiveOne] = clients;
  const [ownLines, naiveLines] = [total(own.lines), total(naiveOne.lines)];
  const back = recorded
    ? "As it was recorded"
    : own.backAfter === null
      ? "It was not away, or is not back"
      : `It is on Redis again ${duration(own.backAfter)} after the end`;
  const fewer =
    ownLines < naiveLines
      ? `, ${fewerThan(ownLines, naiveLines)} fewer log lines than the naive client`
      : "";
  byId("whatif-outcome").textContent =
    `${back}: ${counted(own.dials.length, "dial")}, ${counted(ownLines, "log line")}${fewer}.`;
  fillRows(
    byId("compared"),
    clients.map(({ name, dials, lines, backAfter, rule, recorded: own = false }, place) => [
      { text: name, is: `nowrap client ${clients[place].colour}` },
      count(dials.length),
      count(total(lines)),
      place === 1 || total(lines) >= naiveLines ? "–" : fewerThan(total(lines), naiveLines),
      own ? "recorded" : backAfter === null ? "never" : duration(backAfter),
      { text: rule, is: "quiet" },
    ]),
  );
  showModes(trace, scenario.duration_ms);
  showDials(outlast, { options, trace, scenario, clients });
  showLines(clients, scenario);
  const rows = trace.lines
    .slice(0, LINES_MAX)
    .map(({ at_ms, record }) => [
      { text: clock(at_ms), is: "nowrap" },
      { text: record.level, is: `nowrap ${record.level}` },
      record.message,
    ]);
  if (trace.lines.length > LINES_MAX)
    rows.push(["", "", `and ${count(trace.lines.length - LINES_MAX)} more`]);
  fillRows(byId("said"), rows);
}

function fewerThan(few, many) {
  return `${(Math.floor((1 - few / many) * 1_000) / 10).toFixed(1)}%`;
}

function showModes(trace, end) {
  const spans = trace.status.map(({ at_ms, status }, place) => {
    const until = trace.status[place + 1]?.at_ms ?? end;
    return {
      from: at_ms,
      until,
      name: status.mode,
      title: `${status.mode} from ${clock(at_ms)} to ${clock(until)}`,
    };
  });
  const told = spans.filter(({ from, until }) => until - from >= 1_000).slice(0, 20);
  drawStrip(byId("whatif-strip"), spans, end, told.map(({ title }) => title).join("; "));
}

function showDials(outlast, { options, trace, scenario, clients }) {
  const { duration_ms: end } = scenario;
  const span = [
    [0, null],
    [end / 1_000, null],
  ];
  const points = clients.map(({ dials }) =>
    thinned(dials).map(([at, wait]) => [at / 1_000, wait / 1_000]),
  );
  const bounds = thinned(jitterBounds(outlast, options, trace, scenario));
  const [high, low] = ["high_ms", "low_ms"].map((field) =>
    bounds.map((bound) => [bound.at / 1_000, bound[field] / 1_000]),
  );
  const own = aligned([points[0], high, low, span]);
  const told = `outlast dials ${count(clients[0].dials.length)} times`;
  drawPlot(byId("plot-own"), {
    times: own.times,
    series: [
      { label: "outlast", colour: "good", dots: true, values: own.values[0] },
      { label: "longest", colour: "band", hidden: true, values: own.values[1] },
      { label: "shortest", colour: "band", hidden: true, values: own.values[2] },
    ],
    bands: [{ upper: 1, lower: 2, fill: "band" }],
    about: `Waits of outlast before each dial; ${told}.`,
  });
  const all = aligned([...points, span]);
  drawPlot(byId("plot-dials"), {
    times: all.times,
    scale: { distr: 3 },
    series: clients.map(({ name, colour }, place) => ({
      label: name,
      colour,
      dots: true,
      values: all.values[place],
    })),
    about: `Waits of four clients over ${duration(end)}; ${told}.`,
  });
}

/** Between which bounds jitter may have put each dial: those of the failure before it. */
function jitterBounds(outlast, options, { dials }, { faults }) {
  const kinds = new Map(outlast.failureKinds().map(({ kind, schedule }) => [kind, schedule]));
  const schedules = new Map();
  const bounds = (schedule, failures) => {
    if (!schedules.has(schedule)) {
      schedules.set(schedule, outlast.backoffSchedule(options, ATTEMPTS, 1, schedule));
    }
    return schedules.get(schedule)[Math.min(failures, ATTEMPTS) - 1];
  };
  let failures = 1;
  return dials.slice(1).flatMap(({ at_ms: at }, place) => {
    const { failure } = dials[place];
    failures = failure === null ? 1 : failures + 1;
    const schedule = failure === null ? "server" : kinds.get(failure);
    // A connection that was lost while Redis was away is the first failure.
    return faults.some(({ from_ms }) => from_ms <= at)
      ? [{ at, ...bounds(schedule, failures) }]
      : [];
  });
}

function showLines(clients, { duration_ms: end }) {
  const sums = clients.map(({ lines }) => {
    let sum = 0;
    const points = lines.map(([at, lineCount]) => [at / 1_000, (sum += lineCount)]);
    return thinned([...points, [end / 1_000, sum]].filter(([, value]) => value > 0));
  });
  const { times, values } = aligned([
    ...sums,
    [
      [0, null],
      [end / 1_000, null],
    ],
  ]);
  drawPlot(byId("plot-lines"), {
    times,
    scale: { distr: 3 },
    series: clients.map(({ name, colour }, place) => ({
      label: name,
      colour,
      steps: true,
      values: values[place],
    })),
    about: `Log lines so far: ${clients.map(({ name, lines }) => `${name} ${count(total(lines))}`).join(", ")}.`,
  });
}

function showFleet({ first, dials: all, lastBack, notBack, clients, scenario }) {
  const last = all.findLastIndex((each) => each > 0);
  const dials = all.slice(0, Math.max(last + 6, FLEET_SECONDS_MIN));
  const others = naiveFleet(scenario, clients, first, dials.length);
  const most = Math.max(...dials);
  const missing = notBack === 0 ? "" : `; ${count(notBack)} not back in the time shown`;
  byId("fleet-outcome").textContent =
    `At most ${count(most)} dials a second, where naive clients come to ${count(Math.max(...others))}; the last of ` +
    `${counted(clients, "client")} is on Redis again ${duration(lastBack)} after its return${missing}.`;
  const container = byId("plot-fleet");
  container.hidden = false;
  drawPlot(container, {
    times: dials.map((_, place) => first + place),
    series: [
      { label: "outlast", colour: "good", steps: true, values: dials },
      { label: "naive", colour: "bad", steps: true, values: others },
    ],
    about: byId("fleet-outcome").textContent,
  });
}

function thinned(points) {
  const step = Math.ceil(points.length / POINTS_MAX);
  return step <= 1
    ? points
    : points.filter((_, place) => place % step === 0 || place === points.length - 1);
}
