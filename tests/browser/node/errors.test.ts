import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import * as vm from "node:vm";
import * as outlast from "outlast-wasm";
import type { OutlastError } from "outlast-wasm";
import { expect, test } from "vitest";

function thrown(call: () => unknown): OutlastError {
  try {
    call();
  } catch (error) {
    return error as OutlastError;
  }
  throw new Error("nothing was thrown");
}

const kindOf = (evidence: unknown): string => outlast.classify(evidence).kind;

/** Calls with what the types forbid. */
const loose = outlast as unknown as Record<string, (...args: unknown[]) => unknown>;
const loosely = (name: string, ...args: unknown[]) => thrown(() => loose[name]!(...args));

test("an error has a name, a stable code and the core's message", () => {
  const error = thrown(() => outlast.policy({ commandTimeoutMs: -5 }));
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("OutlastError");
  expect(error.code).toBe("invalid_option");
  expect(error.message).toBe(
    'invalid command_timeout_ms "-5": allowed is a whole number from 1 to 86400000 (ms)',
  );
  expect(String(error)).toBe(`OutlastError: ${error.message}`);
  expect(error.stack).toContain("errors.test.ts");
});

test("options are named in either way, and once", () => {
  expect(outlast.policy({ commandTimeoutMs: 7 })).toEqual(
    outlast.policy({ command_timeout_ms: 7 }),
  );
  expect(outlast.policy({ commandTimeoutMs: null })).toEqual(outlast.policy());
  expect(outlast.policy({ lazyConnect: false, profile: undefined }).lazy_connect).toBe(false);
  const twice = thrown(() => outlast.policy({ commandTimeoutMs: 7, command_timeout_ms: 8 }));
  expect(twice.message).toBe("not a set of options: command_timeout_ms is given twice");
  expect(loosely("policy", { commandTimoutMs: 1 }).message).toContain(
    "did you mean command_timeout_ms?",
  );
});

test.each([
  ["policy", ["production"], "invalid_argument"],
  ["policy", [[]], "invalid_argument"],
  ["policy", [{ stableMs: Number.NaN }], "invalid_option"],
  ["policy", [{ stableMs: Number.POSITIVE_INFINITY }], "invalid_option"],
  ["policy", [{ stableMs: () => 5 }], "invalid_argument"],
  ["policy", [{ stableMs: Symbol("5") }], "invalid_argument"],
  ["policy", [{ stableMs: 1.5 }], "invalid_option"],
  ["classify", [], "invalid_argument"],
  ["classify", [5], "invalid_argument"],
  ["classify", [null], "invalid_argument"],
  ["classifyReply", [], "invalid_argument"],
  ["classifyReply", [{}], "invalid_argument"],
  ["backoffSchedule", [{}, 3, 1, "sometimes"], "invalid_option"],
  ["backoffSchedule", [{}, 100_001, 1], "invalid_option"],
  ["backoffSchedule", [{}, 2 ** 33, 1], "invalid_option"],
  ["backoffSchedule", [{}, "3", 1], "invalid_option"],
  ["backoffSchedule", [{}, 3], "invalid_option"],
  ["simulate", [{}, { kind: "boredom" }], "invalid_argument"],
  ["simulate", [{}, { untilMs: 5 }], "invalid_option"],
  ["simulate", [{}, "soon"], "invalid_argument"],
  ["simulateFleet", [{}, {}, 0], "invalid_option"],
  ["simulateFleet", [{}, {}], "invalid_option"],
  ["simulateFleet", [{}, {}, "3"], "invalid_option"],
  ["parseStatus", ["{}"], "invalid_argument"],
  ["parseStatus", [{}], "invalid_argument"],
] as const)("%s(%j) is refused: %#", (name, args, code) => {
  const error = loosely(name, ...args);
  expect(error.name).toBe("OutlastError");
  expect(error.code).toBe(code);
  expect(error.message).not.toBe("");
});

test("what an engine refuses leaves it usable", () => {
  const engine = new outlast.Engine({}, "redis://cache:6379", 1);
  const circular: { self?: unknown; type: "timer" } = { type: "timer" };
  circular.self = circular;
  for (const call of [
    () => engine.handle(-1, { type: "start" }),
    () => engine.handle(Number.NaN, { type: "start" }),
    () => engine.handle(2 ** 53, { type: "start" }),
    () => engine.handle(0, undefined as never),
    () => engine.handle(0, circular as never),
    () => engine.status("now" as never),
  ]) {
    expect(thrown(call).name).toBe("OutlastError");
  }
  expect(engine.handle(0, { type: "start" })[0]).toEqual({
    type: "dial",
    dial: 1,
    timeout_ms: 5_000,
  });
});

test("real errors of Node are evidence", async () => {
  const refused = await new Promise((resolve) => {
    connect({ port: 1, host: "127.0.0.1" }).on("error", resolve);
  });
  expect(kindOf(refused)).toBe("connection_refused");
  const unresolved = await lookup("no-such-host.invalid").catch((error: unknown) => error);
  expect(kindOf(unresolved)).toBe("dns_error");
});

test("codes and causes that are not enumerable are read", () => {
  const coded = (code: string) => Object.assign(new Error("x"), { code });
  expect(kindOf(new Error("WRONGTYPE Operation against a key"))).toBe("command_error");
  expect(kindOf(coded("ECONNREFUSED"))).toBe("connection_refused");
  expect(kindOf(Object.assign(new Error("x"), { errno: -111 }))).toBe("connection_refused");
  expect(kindOf(new AggregateError([coded("ENETUNREACH"), coded("ECONNREFUSED")]))).toBe(
    "connection_refused",
  );
  expect(kindOf(new Error("no luck", { cause: coded("EHOSTUNREACH") }))).toBe("host_unreachable");
  expect(kindOf(new Error("no luck", { cause: "connect ECONNREFUSED 127.0.0.1:6379" }))).toBe(
    "connection_refused",
  );
  expect(kindOf({ message: "x", cause: { code: "ETIMEDOUT" }, phase: "dial" })).toBe(
    "connect_timeout",
  );
  expect(kindOf(vm.runInNewContext("Object.assign(new Error('x'), {code: 'ECONNREFUSED'})"))).toBe(
    "connection_refused",
  );
});

test("strange error objects are no trouble", () => {
  const circular = new AggregateError([], "x");
  circular.errors = Array.from({ length: 20 }, () => circular);
  circular.cause = circular;
  const guarded = new Error("x");
  Object.defineProperty(guarded, "code", {
    get: () => {
      throw new Error("not for you");
    },
  });
  const typed = Object.assign(new Error("x"), { code: 42, errno: "many", errors: 5, phase: "red" });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  for (const evidence of [circular, guarded, typed, {}, Object.create(null), new Map()]) {
    expect(kindOf(evidence)).toBe("unknown_error");
  }
  expect(() => kindOf(revoked.proxy)).toThrow();
  expect(kindOf("still there: ECONNREFUSED")).toBe("connection_refused");
});
