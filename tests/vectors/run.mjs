/**
 * The vectors, run in any JavaScript: a page or Node. README.md beside this file describes them.
 *
 * Nothing is imported here. `api` is what `outlast` or `outlast-wasm` offers, and `load(name)`
 * answers the parsed content of a file of this folder, or a promise of it.
 */

/** The files that hold vectors. */
export const FILES = [
  "classify.json",
  "policy.json",
  "rules.json",
  "backoff.json",
  "throttle.json",
  "freshness.json",
  "rate_limit.json",
  "engine.json",
  "store.json",
  "simulate.json",
  "status.json",
  "log.json",
];

/** Runs every vector. Answers a list of `{name, ok, message}`; `message` is empty where it is ok. */
export async function runVectors(api, load) {
  const context = { api, schema: await load("status.schema.json"), answers: new Map() };
  const results = [];
  for (const file of FILES) {
    const vectors = await load(file);
    results.push(...runFile(context, file, vectors));
  }
  return results;
}

function runFile(context, file, vectors) {
  const results = [];
  const names = new Set();
  for (const [section, cases] of Object.entries(vectors)) {
    if (section === "about") continue;
    const check = SECTIONS[`${file}/${section}`];
    cases.forEach((vector, place) => {
      const own = file === "classify.json" ? `${section}[${place}]` : vector.name;
      const name = `${file}: ${own}`;
      const message = outcome(() => {
        if (check === undefined) throw new Error(`unknown section ${section}`);
        if (typeof own !== "string") throw new Error(`${section}[${place}] has no name`);
        if (names.has(own)) throw new Error("the name is there twice");
        names.add(own);
        check(context, vector);
      });
      results.push({ name, ok: message === "", message });
    });
  }
  if (results.length === 0) results.push({ name: file, ok: false, message: "it holds no case" });
  return results;
}

/** What went wrong, or nothing. */
function outcome(check) {
  try {
    check();
    return "";
  } catch (error) {
    return String(error?.message ?? error);
  }
}

/** What each section of each file is checked with. A check throws at the first difference. */
const SECTIONS = {
  "classify.json/text": ({ api, answers }, { text, kind }) =>
    checkKind(answers, kind, api.classify(text)),
  "classify.json/reply": ({ api, answers }, { reply, kind }) =>
    checkKind(answers, kind, api.classifyReply(reply)),
  "classify.json/errno": ({ api, answers }, { errno, phase, kind }) =>
    checkKind(answers, kind ?? "unknown_error", api.classify({ errno, phase })),
  "classify.json/evidence": ({ api, answers }, { evidence, kind }) =>
    checkKind(answers, kind, api.classify(evidence)),
  "policy.json/defaults": ({ api }, vector) => checkCall(vector, () => api.policy(vector.options)),
  "policy.json/allowed": ({ api }, vector) =>
    same(vector.expect, api.policy(vector.options), "expect", true),
  "policy.json/refused": ({ api }, vector) => checkCall(vector, () => api.policy(vector.options)),
  "policy.json/knobs": ({ api }, vector) => checkKnobs(vector, api.knobs()),
  "rules.json/refused": ({ api }, vector) => checkCall(vector, () => api.policy(vector.options)),
  "rules.json/allowed": ({ api }, vector) =>
    same(vector.expect, api.policy(vector.options), "expect", true),
  "rules.json/classes": ({ api }, vector) =>
    eachRow(vector, "keys", ({ key, expect }) =>
      same(expect, api.classOf(vector.options, key), "expect"),
    ),
  "rules.json/decisions": ({ api }, vector) =>
    eachRow(vector, "commands", ({ args, expect }) =>
      same(expect, api.decide(vector.options, args), "expect"),
    ),
  "backoff.json/schedules": ({ api }, vector) => checkSchedule(api, vector),
  "throttle.json/scripts": ({ api }, vector) => {
    const throttle = new api.Throttle(vector.interval_ms);
    eachStep(vector, (step) => checkThrottle(throttle, step));
  },
  "freshness.json/values": ({ api }, vector) =>
    checkCall(vector, () => api.freshness(vector.found)),
  "rate_limit.json/scripts": ({ api }, vector) =>
    checkCall(vector, () => api.rateLimits(vector.limit, vector.requests)),
  "engine.json/scripts": (context, vector) => {
    const engine = new context.api.Engine(vector.options, vector.endpoint, vector.seed);
    const host = { engine, timeout: null, schema: context.schema };
    eachStep(vector, (step) => checkEngine(host, step));
  },
  "store.json/scripts": ({ api }, vector) => {
    const store = new api.Store(vector.bytes_max);
    eachStep(vector, ({ at_ms, args, journalled, expect }) => {
      const reply =
        journalled === undefined
          ? store.execute(at_ms, args)
          : store.execute(at_ms, args, journalled);
      same(expect, reply, "expect");
    });
  },
  "simulate.json/cases": (context, vector) => checkSimulation(context, vector),
  "simulate.json/fleets": ({ api }, vector) =>
    checkCall(vector, () => api.simulateFleet(vector.options, vector.scenario, vector.clients)),
  "status.json/valid": (context, vector) => checkStatus(context, vector),
  "status.json/broken": (context, vector) => checkStatus(context, vector),
  "log.json/entries": ({ api }, { incident, endpoint, service, expect }) => {
    const entry = api.logEntry(incident, endpoint, service);
    same(expect, entry.split("\n"), "expect");
    same([], api.checkLog(entry).faults, "faults");
    same(entry, api.checkLog(entry).corrected, "corrected");
  },
  "log.json/checks": ({ api }, { text, expect }) => {
    const { corrected, ...found } = api.checkLog(text.join("\n"));
    same(expect, { ...found, corrected: corrected.split("\n") }, "expect");
  },
};

function checkKind(answers, kind, answer) {
  for (const field of ["verdict", "schedule", "words"]) {
    if (typeof answer[field] !== "string" || answer[field] === "") {
      throw new Error(`${field}: expected a text, got ${shown(answer[field])}`);
    }
  }
  same(kind, answer.kind, "kind");
  if (!answers.has(kind)) answers.set(kind, answer);
  same(answers.get(kind), answer, "expect");
}

function checkKnobs(vector, knobs) {
  const bare = knobs.map(({ meaning, ...knob }) => {
    if (typeof meaning !== "string" || meaning === "") {
      throw new Error(`${knob.name} has no meaning`);
    }
    return knob;
  });
  same(vector.expect, bare, "expect");
}

function checkSchedule(api, vector) {
  const { options, attempts, seed, schedule, expect_delays_ms: delays } = vector;
  const call = () => api.backoffSchedule(options, attempts, seed, schedule);
  if (delays === undefined) {
    checkCall(vector, call);
    return;
  }
  const rows = call();
  same(
    delays,
    rows.map((row) => row.delay_ms),
    "expect_delays_ms",
  );
  rows.forEach((row, place) => {
    const inside = row.low_ms <= row.jittered_ms && row.jittered_ms <= row.high_ms;
    if (row.attempt !== place + 1 || !inside) throw new Error(`rows[${place}]: ${shown(row)}`);
  });
}

function checkThrottle(throttle, step) {
  if ("every_ms" in step) {
    checkThrottleRun(throttle, step);
  } else if ("count" in step) {
    throttle.count(step.count);
  } else if ("failure" in step) {
    same(step.expect, throttle.failure(step.at_ms, step.failure), "expect");
  } else if ("summary" in step) {
    same(step.expect, throttle.summary(step.at_ms), "expect");
  } else if ("due" in step) {
    same(step.due, throttle.due(), "due");
  } else if ("since_line" in step) {
    same(step.since_line, throttle.sinceLine(), "since_line");
  } else {
    throw new Error(`unknown step ${shown(step)}`);
  }
}

/** The same failure again and again, with a line now and then. */
function checkThrottleRun(throttle, step) {
  const told = { dials_failed: 0, commands_failed: 0, served_locally: 0, refused: 0 };
  const times = [];
  for (let now = step.at_ms; now < step.until_ms; now += step.every_ms) {
    throttle.count(step.each);
    const counts = throttle.failure(now, step.failure);
    if (counts === null) continue;
    times.push(now);
    for (const field of Object.keys(told)) told[field] += counts[field];
  }
  const [first, last] = [times[0] ?? null, times[times.length - 1] ?? null];
  const actual = { lines: times.length, told, first_ms: first, last_ms: last };
  same(step.expect, actual, "expect");
}

function checkEngine(host, step) {
  if ("drive" in step) {
    checkDrive(host, step);
  } else if ("status" in step) {
    const status = host.engine.status(step.at_ms);
    validate(host.schema, host.schema, status, "status");
    same(step.status, status, "status", true);
  } else if ("input" in step) {
    same(step.expect, handle(host, step.at_ms, step.input), "expect");
  } else {
    throw new Error(`unknown step ${shown(step)}`);
  }
}

/** Hands in one input and keeps the timeout, the last output. */
function handle(host, atMs, input) {
  const outputs = host.engine.handle(atMs, input);
  const last = outputs[outputs.length - 1];
  if (last?.type !== "timeout") throw new Error(`the last output is ${shown(last)}`);
  host.timeout = last.at_ms;
  return outputs;
}

/** Plays a host whose dials all fail. */
function checkDrive(host, step) {
  const { until_ms: until, dial_takes_ms: takes, failure } = step.drive;
  const [dials, others] = [[], []];
  let [ends, dial] = [null, 0];
  for (;;) {
    const dialEnds = ends !== null && (host.timeout === null || ends <= host.timeout);
    const now = dialEnds ? ends : host.timeout;
    if (now === null || now > until) break;
    const input = dialEnds ? { type: "dial_failed", dial, failure } : { type: "timer" };
    if (dialEnds) ends = null;
    for (const output of handle(host, now, input)) {
      if (output.type === "dial") {
        dials.push(now);
        [ends, dial] = [now + takes, output.dial];
      } else if (output.type !== "timeout") {
        others.push({ at_ms: now, output });
      }
    }
  }
  same(step.expect_dials_ms, dials, "expect_dials_ms");
  same(step.expect, others, "expect");
}

function checkSimulation({ api, schema }, vector) {
  const call = () => api.simulate(vector.options, vector.scenario);
  if (vector.expect === undefined) {
    checkCall(vector, call);
    return;
  }
  const trace = call();
  for (const { status } of trace.status) validate(schema, schema, status, "status");
  for (const [field, expected] of Object.entries(vector.expect)) {
    if (!(field in FIGURES)) throw new Error(`unknown figure ${field}`);
    same(expected, FIGURES[field](trace, expected), field, field === "last_status");
  }
}

/** What a trace says under each name. */
const FIGURES = {
  dials: ({ dials }) => dials.length,
  dials_failed: ({ dials }) => dials.filter((dial) => dial.failure !== null).length,
  dial_times_ms: ({ dials }) => dials.map((dial) => dial.at_ms),
  dials_from: ({ dials }, { at, rows }) => ({ at, rows: dials.slice(at, at + rows.length) }),
  lines: ({ lines }) => lines.map(({ at_ms, record: { level, code } }) => [at_ms, level, code]),
  warnings: ({ lines }) => lines.filter(({ record }) => record.level === "warning").length,
  messages: ({ lines }) => lines.map(({ record }) => record.message),
  modes: ({ status }) => status.map((snapshot) => [snapshot.at_ms, snapshot.status.mode]),
  return_ms: (trace) => trace.return_ms,
  last_status: ({ status }) => status[status.length - 1].status,
};

function checkStatus({ api, schema }, vector) {
  checkCall(vector, () => {
    const status = api.parseStatus(vector.text);
    validate(schema, schema, status, "status");
    return status;
  });
}

/** Runs the steps of a script up to the first that fails. */
function eachStep(vector, check) {
  eachRow(vector, "steps", check);
}

/** Checks the rows of a list up to the first that fails. */
function eachRow(vector, name, check) {
  vector[name].forEach((row, place) => {
    const message = outcome(() => check(row));
    if (message !== "") throw new Error(`${name}[${place}].${message}`);
  });
}

/** Compares an answer with `expect`, or an error with `error` or `error_contains`. */
function checkCall({ expect, error, error_contains: part }, call) {
  let answer;
  try {
    answer = call();
  } catch (thrown) {
    const message = String(thrown?.message ?? thrown);
    if (part !== undefined && message.includes(part)) return;
    if (part === undefined && error !== undefined) {
      same(error, message, "error");
      return;
    }
    throw thrown;
  }
  if (expect === undefined) {
    throw new Error(`expected the error ${shown(error ?? part)}, got ${shown(answer)}`);
  }
  same(expect, answer, "expect");
}

/** Throws at the first difference; with `subset`, fields that are not expected do not count. */
export function same(expected, actual, path, subset = false) {
  const [left, right] = [typeName(expected), typeName(actual)];
  if (left === "object" && right === "object") {
    const extra = Object.keys(actual).find((key) => !subset && !Object.hasOwn(expected, key));
    if (extra !== undefined) {
      throw new Error(`${path}.${extra}: not expected, got ${shown(actual[extra])}`);
    }
    for (const [key, value] of Object.entries(expected)) {
      if (!Object.hasOwn(actual, key)) {
        throw new Error(`${path}.${key}: expected ${shown(value)}, got nothing`);
      }
      same(value, actual[key], `${path}.${key}`, subset);
    }
  } else if (left === "array" && right === "array") {
    expected
      .slice(0, actual.length)
      .forEach((value, place) => same(value, actual[place], `${path}[${place}]`, subset));
    if (expected.length !== actual.length) {
      throw new Error(`${path}: expected ${expected.length} elements, got ${actual.length}`);
    }
  } else {
    const near = left === "number" && right === "number" && Math.abs(expected - actual) <= 1e-6;
    if (!near && !Object.is(expected, actual)) {
      throw new Error(`${path}: expected ${shown(expected)}, got ${shown(actual)}`);
    }
  }
}

/** Throws where a value breaks a schema, of the keywords that README.md lists. */
export function validate(root, schema, value, path) {
  for (const [keyword, rule] of Object.entries(schema)) {
    if (!Object.hasOwn(KEYWORDS, keyword)) throw new Error(`${path}: unknown keyword ${keyword}`);
    const fault = KEYWORDS[keyword](rule, value, { root, schema, path });
    if (fault) throw new Error(`${path}: ${fault}, got ${shown(value)}`);
  }
}

const nothing = () => "";

/** Each keyword answers what is wrong, or nothing. */
const KEYWORDS = {
  $schema: nothing,
  $defs: nothing,
  title: nothing,
  description: nothing,
  $ref: (rule, value, { root, path }) => {
    const target = rule.slice(2).split("/");
    validate(
      root,
      target.reduce((at, name) => at[name], root),
      value,
      path,
    );
  },
  type: (rule, value) => ([rule].flat().some((name) => isType(value, name)) ? "" : shown(rule)),
  enum: (rule, value) => (rule.includes(value) ? "" : shown(rule)),
  const: (rule, value) => (Object.is(rule, value) ? "" : shown(rule)),
  minimum: (rule, value) => (typeof value === "number" && value < rule ? `at least ${rule}` : ""),
  required: (rule, value) => {
    const missing = rule.find((name) => isType(value, "object") && !Object.hasOwn(value, name));
    return missing === undefined ? "" : `${missing} is required`;
  },
  properties: (rule, value, { root, path }) => {
    if (!isType(value, "object")) return;
    for (const [name, field] of Object.entries(value)) {
      if (Object.hasOwn(rule, name)) validate(root, rule[name], field, `${path}.${name}`);
    }
  },
  additionalProperties: (rule, value, { schema }) => {
    if (rule !== false) return "only false is known for additionalProperties";
    if (!isType(value, "object")) return "";
    const extra = Object.keys(value).find((name) => !Object.hasOwn(schema.properties, name));
    return extra === undefined ? "" : `${extra} is not known`;
  },
  items: (rule, value, { root, path }) => {
    if (!Array.isArray(value)) return;
    value.forEach((item, place) => validate(root, rule, item, `${path}[${place}]`));
  },
};

function isType(value, name) {
  if (name === "integer") return Number.isInteger(value);
  return typeName(value) === name;
}

function typeName(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function shown(value) {
  const text = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));
  return text === undefined ? String(value) : text;
}
