// The outage of What if: faults on an axis of time, drawn with the pointer or typed.

import { byId, make } from "./element.js";
import { clock } from "./words.js";

/** What may be drawn, with the kind that the simulator knows it by. */
const KINDS = [
  ["connection_refused", "refused"],
  ["dns_error", "DNS gone"],
  ["connect_timeout", "swallowed"],
  ["response_timeout", "slow: no reply in time"],
  ["network_unreachable", "network unreachable"],
  ["auth_failed", "login refused"],
  ["tls_error", "TLS fails"],
  ["loading", "loading"],
  ["read_only", "read-only"],
  ["out_of_memory", "out of memory"],
  ["quota_exceeded", "quota exceeded"],
];
const FLAP_SECONDS = 30;
const FAULTS_MAX = 500;
/** Rows to type in; of a flapping Redis the first. */
const ROWS_MAX = 12;

/** Builds the editor. Answers how to read the faults and how to tell them in the address. */
export function makeOutage(settings, onChange) {
  const duration = byId("duration");
  let faults = readFaults(settings.get("faults")) ?? [
    { kind: "connection_refused", from: 60, until: 660 },
  ];
  if ([...duration.options].some(({ value }) => value === settings.get("duration"))) {
    duration.value = settings.get("duration");
  }
  for (const name of ["calls", "seed"])
    if (settings.has(name)) byId(name).value = settings.get(name);

  const total = () => Number(duration.value);
  const changed = () => {
    faults.sort((left, right) => left.from - right.from);
    drawRows(faults, changed);
    drawLane(faults, total());
    onChange();
  };
  byId("fault-add").addEventListener("click", () => {
    const from = Math.min((faults.at(-1)?.until ?? 0) + 60, total() - 1);
    faults.push({ kind: "connection_refused", from, until: Math.min(from + 120, total()) });
    changed();
  });
  byId("fault-flap").addEventListener("click", () => {
    faults = flapping(faults);
    changed();
  });
  duration.addEventListener("change", changed);
  byId("outage").addEventListener("input", onChange);
  byId("outage").addEventListener("submit", (event) => event.preventDefault());
  drawWithPointer(byId("lane"), total, (from, until) => {
    faults = withoutSpan(faults, from, until);
    faults.push({
      kind: byId("faults").querySelector("select")?.value ?? KINDS[0][0],
      from,
      until,
    });
    changed();
  });
  drawRows(faults, changed);
  drawLane(faults, total());

  return {
    scenario: () => ({
      faults: faults.map(({ kind, from, until }) => ({
        kind,
        from_ms: Math.round(from * 1_000),
        until_ms: Math.round(until * 1_000),
      })),
      duration_ms: total() * 1_000,
      calls_per_second: byId("calls").valueAsNumber,
      seed: byId("seed").valueAsNumber,
    }),
    settings: () => ({
      duration: duration.value,
      calls: byId("calls").value,
      seed: byId("seed").value,
      faults: faults.map(({ kind, from, until }) => `${kind}:${from}-${until}`).join(","),
    }),
    /** Shows what was recorded in place of what may be changed, or that again. */
    showRecorded: (scenario) => {
      const isRecorded = scenario !== undefined;
      for (const id of ["outage", "faults", "outage-how"]) byId(id).hidden = isRecorded;
      byId("lane").inert = isRecorded;
      if (!isRecorded) drawLane(faults, total());
      else drawLane(inSeconds(scenario.faults), scenario.duration_ms / 1_000);
    },
  };
}

function inSeconds(faults) {
  return faults.map(({ kind, from_ms: from, until_ms: until }) => ({
    kind,
    from: from / 1_000,
    until: until / 1_000,
  }));
}

function readFaults(text) {
  if (text === null) return undefined;
  const read = text
    .split(",")
    .slice(0, FAULTS_MAX)
    .map((part) => {
      const match = /^([a-z_]+):(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(part);
      if (match === null || !KINDS.some(([kind]) => kind === match[1])) return undefined;
      return { kind: match[1], from: Number(match[2]), until: Number(match[3]) };
    });
  return read.includes(undefined) ? undefined : read;
}

/** Each fault cut into pieces, with as long between them. */
function flapping(faults) {
  const pieces = faults.flatMap(({ kind, from, until }) => {
    const cuts = [];
    for (let at = from; at < until; at += 2 * FLAP_SECONDS) {
      cuts.push({ kind, from: at, until: Math.min(at + FLAP_SECONDS, until) });
    }
    return cuts;
  });
  return pieces.slice(0, FAULTS_MAX);
}

function withoutSpan(faults, from, until) {
  return faults.flatMap((fault) => [
    ...(fault.from < from ? [{ ...fault, until: Math.min(fault.until, from) }] : []),
    ...(fault.until > until ? [{ ...fault, from: Math.max(fault.from, until) }] : []),
  ]);
}

function drawRows(faults, changed) {
  const rows = faults.slice(0, ROWS_MAX).map((fault, place) => {
    const name = (what) => `Fault ${place + 1}: ${what}`;
    const options = KINDS.map(([kind, words]) => make("option", { value: kind }, words));
    const kind = make("select", { ariaLabel: name("how Redis fails") }, ...options);
    kind.value = fault.kind;
    kind.addEventListener("change", () => {
      fault.kind = kind.value;
      changed();
    });
    const time = (field, what) => {
      const input = make("input", {
        type: "number",
        min: 0,
        step: 1,
        value: fault[field],
        ariaLabel: name(what),
      });
      input.addEventListener("change", () => {
        fault[field] = input.valueAsNumber;
        changed();
      });
      return input;
    };
    const remove = make("button", { type: "button", ariaLabel: name("remove") }, "×");
    remove.addEventListener("click", () => {
      faults.splice(place, 1);
      changed();
    });
    return make(
      "div",
      { className: "fault" },
      kind,
      " from ",
      time("from", "from, in seconds"),
      " until ",
      time("until", "until, in seconds"),
      " s ",
      remove,
    );
  });
  if (faults.length > ROWS_MAX) {
    rows.push(make("p", { className: "quiet" }, `and ${faults.length - ROWS_MAX} more`));
  }
  byId("faults").replaceChildren(...rows);
}

function drawLane(faults, total) {
  const lane = byId("lane");
  lane.replaceChildren(
    ...faults.map(({ kind, from, until }) => {
      const span = make("div", { className: "span out", title: kind });
      span.style.left = `${(from / total) * 100}%`;
      span.style.width = `${((Math.min(until, total) - from) / total) * 100}%`;
      span.append(KINDS.find(([name]) => name === kind)?.[1] ?? kind);
      return span;
    }),
  );
  const told = faults
    .slice(0, ROWS_MAX)
    .map(({ kind, from, until }) => `${kind} from ${from} to ${until} s`);
  lane.setAttribute("aria-label", told.length === 0 ? "No fault" : told.join(", "));
  const ticks = Array.from({ length: 7 }, (_, place) => {
    const tick = make("span", {}, clock((total * 1_000 * place) / 6));
    tick.style.left = `${(place / 6) * 100}%`;
    return tick;
  });
  byId("ticks").replaceChildren(...ticks);
}

/** Tells of each span that is drawn, in whole seconds. */
function drawWithPointer(lane, total, onDrawn) {
  let start;
  let ghost;
  const second = ({ clientX }) => {
    const { left, width } = lane.getBoundingClientRect();
    return Math.round(Math.min(Math.max((clientX - left) / width, 0), 1) * total());
  };
  lane.addEventListener("pointerdown", (event) => {
    start = second(event);
    ghost = make("div", { className: "span ghost" });
    lane.append(ghost);
    lane.setPointerCapture(event.pointerId);
  });
  lane.addEventListener("pointermove", (event) => {
    if (ghost === undefined) return;
    const ends = [start, second(event)].sort((left, right) => left - right);
    ghost.style.left = `${(ends[0] / total()) * 100}%`;
    ghost.style.width = `${((ends[1] - ends[0]) / total()) * 100}%`;
  });
  const end = (event) => {
    if (ghost === undefined) return;
    ghost.remove();
    ghost = undefined;
    const [from, until] = [start, second(event)].sort((left, right) => left - right);
    if (event.type === "pointerup" && until > from) onDrawn(from, until);
  };
  lane.addEventListener("pointerup", end);
  lane.addEventListener("pointercancel", end);
}
