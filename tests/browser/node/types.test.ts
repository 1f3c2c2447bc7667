import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as outlast from "outlast-wasm";
import type { Engine, FailureKind, Input, Output, PolicyOptions, Reply } from "outlast-wasm";
import { expect, test } from "vitest";
import { Shapes } from "./shapes.ts";

const shapes = new Shapes(new URL("../../../bindings-wasm/dist/types.d.ts", import.meta.url));

function expectShape(type: string, value: unknown): void {
  expect(shapes.faults(type, value)).toEqual([]);
}

/** What Rust says that it would have accepted instead. */
function accepted(call: () => unknown): string[] {
  let message = "";
  try {
    call();
  } catch (error) {
    message = (error as Error).message;
  }
  return [...message.matchAll(/`([^`]*)`/g)].map(([, name]) => name!).slice(1);
}

/** What no caller of the types may write, to see Rust refuse it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

test("a value that is not of its type is told, in either direction", () => {
  const right = { dials_failed: 1, commands_failed: 0, served_locally: 0, refused: 0 };
  expectShape("Counts", right);
  expect(shapes.faults("Counts", { ...right, more: 1 })).toEqual(["Counts.more: not in the type"]);
  expect(shapes.faults("Counts", { ...right, refused: "0" })).toEqual([
    'Counts.refused: "0" is no number',
  ]);
  expect(shapes.faults("Counts", {})).toHaveLength(4);
  expect(shapes.faults("Reply", { nil: false })).not.toEqual([]);
  expect(shapes.faults("Verdict", "perhaps")).not.toEqual([]);
  expectShape("Reply", { array: [{ integer: 5n }, { bulk: "x" }] });
});

test("failure kinds are the same in Rust and in the types", () => {
  const kinds = outlast.failureKinds();
  expect(kinds.map(({ kind }) => kind).sort()).toEqual(shapes.words("FailureKind").sort());
  for (const kind of kinds) expectShape("Classification", kind);
  for (const [type, field] of [
    ["Verdict", "verdict"],
    ["Schedule", "schedule"],
  ] as const) {
    expect([...new Set(kinds.map((kind) => kind[field]))].sort()).toEqual(
      shapes.words(type).sort(),
    );
  }
});

test("policies and knobs", () => {
  for (const profile of shapes.words("Profile")) {
    expectShape("Policy", outlast.policy({ profile } as PolicyOptions));
  }
  const knobs = outlast.knobs();
  expect(knobs.map(({ name }) => name)).toEqual(
    shapes.fields("Policy").filter((name) => name !== "profile" && name !== "rules"),
  );
  for (const knob of knobs) expectShape("Knob", knob);
});

test("rules, what they make of keys and commands, and an object of them in its order", () => {
  const options: PolicyOptions = {
    profile: "production",
    rules: { "z:*": "lock", "a:*": ["session", "delete_wins"], "*": "counter" },
  };
  const policy = outlast.policy(options);
  expectShape("Policy", policy);
  expect(policy.rules.map(({ pattern }) => pattern)).toEqual(["z:*", "a:*", "*"]);
  expect(policy.rules[1]).toEqual({ pattern: "a:*", class: "session", policy: "delete_wins" });
  expect(outlast.policy({ rules: policy.rules }).rules).toEqual(policy.rules);
  expectShape("KeyTreatment", outlast.classOf(options, "a:1"));
  expectShape("KeyTreatment", outlast.classOf({}, "a:1"));
  expectShape("CommandTreatment", outlast.decide(options, ["GET", "z:1"]));
  expectShape("CommandTreatment", outlast.decide(options, ["GET", "a:1"]));
  const known = accepted(() => outlast.parseStatus(JSON.stringify({ rules: [{ class: "x" }] })));
  expect(known).toEqual(shapes.words("KeyClass"));
});

test("cached values and rate limits", () => {
  const kinds = new Set<string>();
  for (const left_ms of [null, 50, 5_000]) {
    for (const is_down of [false, true]) {
      kinds.add(outlast.freshness({ left_ms, stale_ms: 100, cost_ms: 1_000, is_down }));
    }
  }
  expect([...kinds].sort()).toEqual(shapes.words("Freshness").sort());
  const verdicts = outlast.rateLimits({ limit: 1, window_ms: 10 }, [{ at_ms: 0, key: "k" }]);
  expectShape("LimitVerdict", verdicts[0]);
});

test("schedules, traces and statuses", () => {
  for (const delay of outlast.backoffSchedule({}, 5, 1)) expectShape("Delay", delay);
  for (const kind of outlast.failureKinds()) {
    const trace = outlast.simulate({ profile: "production" }, { kind: kind.kind });
    expectShape("Trace", trace);
    const { status } = trace.status.at(-1)!;
    expect(outlast.parseStatus(JSON.stringify(status))).toEqual(status);
  }
});

test("a scenario has the fields that Rust knows", () => {
  const known = accepted(() => outlast.simulate({}, untyped({ nope: 1 })));
  expect(known.sort()).toEqual(shapes.fields("Scenario").sort());
});

test("an engine asks for all that the types name, and for nothing else", () => {
  const seen: Output[] = [];
  const told = new Set<string>();
  const tell = (engine: Engine, atMs: number, input: Input): void => {
    told.add(input.type);
    seen.push(...engine.handle(atMs, input));
    expectShape("Status", engine.status(atMs));
  };
  const refused = { kind: "connection_refused", text: "nobody listens", errno: 111 } as const;
  const engine = new outlast.Engine(
    { profile: "production", startupAttemptsMax: 1, incidentMergeMs: 10 },
    "redis://cache:6379",
    7,
  );
  tell(engine, 0, { type: "start" });
  tell(engine, 5, { type: "dial_failed", dial: 1, failure: refused });
  tell(engine, 60_000, { type: "timer" });
  tell(engine, 60_001, { type: "dial_succeeded", dial: 2 });
  tell(engine, 60_002, { type: "replay_progressed", epoch: 1, replayed: 3, refused: 1 });
  tell(engine, 60_003, { type: "reconciled", epoch: 1 });
  tell(engine, 60_004, { type: "tally", finished: 10, served_locally: 2 });
  tell(engine, 60_005, { type: "command_slow", epoch: 1, took_ms: 600 });
  tell(engine, 60_006, { type: "redial" });
  tell(engine, 90_000, { type: "timer" });
  const lost = { kind: "connection_lost", text: "reset" } as const;
  tell(engine, 95_000, { type: "command_failed", epoch: 1, failure: lost, write: true });
  tell(engine, 99_000, { type: "timer" });
  tell(engine, 99_000, { type: "dial_held", dial: 3, in_ms: 500, attempts: 1 });
  tell(engine, 99_500, { type: "timer" });
  tell(engine, 99_501, { type: "dial_succeeded", dial: 3 });
  tell(engine, 99_502, { type: "connection_lost", epoch: 2, failure: lost });
  tell(engine, 99_503, { type: "moved", endpoint: "redis://other:6379" });
  tell(engine, 99_504, { type: "close" });

  for (const output of seen) expectShape("Output", output);
  const asked = [...new Set(seen.map(({ type }) => type))].sort();
  expect(asked).toEqual(shapes.words("Output", "type").sort());
  expect([...told].sort()).toEqual(shapes.words("Input", "type").sort());
  const known = accepted(() => engine.handle(0, untyped({ type: "nope" })));
  expect(known.sort()).toEqual(shapes.words("Input", "type").sort());
});

test("a throttle and a store", () => {
  const throttle = new outlast.Throttle(1_000);
  throttle.count({ dials_failed: 2 });
  expectShape("Counts", throttle.sinceLine());
  expect(throttle.due()).toBe(null);
  const line = throttle.failure(5, "dns_error");
  expectShape("Counts", line);
  expect(line?.dials_failed).toBe(2);
  expect(throttle.due()).toBe(1_005);
  expect(throttle.summary(6)).toBe(null);

  const store = new outlast.Store(1_024);
  const replies: Reply[] = [
    ["GET", "a"],
    ["SET", "a", "1"],
    ["INCR", "a"],
    ["MGET", "a", "b"],
    ["INCR"],
    ["SET", "b", "x".repeat(1_024)],
    ["DUMP"],
  ].map((args) => store.execute(0, args));
  for (const reply of replies) expectShape("Reply", reply);
  expect(replies).toEqual([
    { nil: true },
    { simple: "OK" },
    { integer: 2 },
    { array: [{ bulk: "2" }, { nil: true }] },
    { error: "ERR wrong number of arguments for 'incr' command" },
    { refused: "full" },
    { refused: "unsupported" },
  ]);
  store.free();
  throttle.free();
});

test("the types accept what is right and refuse what is not", () => {
  const compiler = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
  const project = fileURLToPath(new URL("..", import.meta.url));
  // The faults expected in `misuse` below are part of what is compiled.
  expect(execFileSync(process.execPath, [compiler, "--project", project]).toString()).toBe("");
});

export function misuse(engine: Engine): FailureKind {
  outlast.policy({ commandTimeoutMs: 5, store_bytes_max: 10n, lazyConnect: "true" });
  outlast.policy({
    rules: [
      ["a:*", "lock"],
      ["b:*", "cache", "discard"],
    ],
  });
  outlast.policy({ rules: "a:*=lock" });
  // @ts-expect-error: no such class
  outlast.policy({ rules: [["a:*", "locks"]] });
  // @ts-expect-error: no such option
  outlast.policy({ commandTimeout: 5 });
  // @ts-expect-error: no such profile
  outlast.policy({ profile: "prod" });
  // @ts-expect-error: a text where a number belongs
  outlast.simulate({}, { fromMs: "soon" });
  // @ts-expect-error: a dial has a number
  engine.handle(0, { type: "dial_succeeded" });
  const [first] = engine.handle(0, { type: "timer" });
  // @ts-expect-error: not every output has a record
  void first?.record;
  if (first?.type === "log") void first.record.fields.kind;
  const { kind } = outlast.classify(new Error("x"));
  return kind;
}
