import * as outlast from "outlast";
import { errorKinds, failureKinds, knobs, policy } from "outlast";
import type { ErrorCode, FailureKind, Policy } from "outlast";
import { expect, test } from "vitest";

import { client, thrown } from "./helpers.ts";

// Objects of these types have every name: what the core gains must be added here, and there.
const CODES: Record<ErrorCode, keyof typeof outlast> = {
  invalid_option: "InvalidOption",
  invalid_argument: "InvalidArgument",
  closed: "Closed",
  redis_unavailable: "RedisUnavailable",
  maybe_applied: "MaybeApplied",
  unsupported_locally: "UnsupportedLocally",
  limit_reached: "LimitReached",
  command_error: "CommandError",
  no_script: "NoScript",
  permission_denied: "PermissionDenied",
};

const FAILURES: Record<FailureKind, ErrorCode> = {
  dns_error: "redis_unavailable",
  network_unreachable: "redis_unavailable",
  host_unreachable: "redis_unavailable",
  tls_error: "redis_unavailable",
  auth_failed: "redis_unavailable",
  connection_refused: "redis_unavailable",
  connect_timeout: "redis_unavailable",
  connection_lost: "redis_unavailable",
  response_timeout: "redis_unavailable",
  loading: "redis_unavailable",
  master_down: "redis_unavailable",
  cluster_down: "redis_unavailable",
  max_clients: "redis_unavailable",
  protocol_error: "redis_unavailable",
  unknown_error: "redis_unavailable",
  read_only: "redis_unavailable",
  out_of_memory: "redis_unavailable",
  disk_error: "redis_unavailable",
  no_replicas: "redis_unavailable",
  quota_exceeded: "redis_unavailable",
  busy_script: "redis_unavailable",
  try_again: "redis_unavailable",
  command_error: "command_error",
  no_script: "no_script",
  permission_denied: "permission_denied",
};

type ErrorClass = new (info: { name: string; code: string; message: string }) => Error;

test("every kind of error is one class, under one base", () => {
  expect(
    errorKinds()
      .map(({ code }) => code)
      .sort(),
  ).toEqual(Object.keys(CODES).sort());
  const classes = new Set();
  for (const { code, name } of errorKinds()) {
    expect(name).toBe(CODES[code]);
    const Class = outlast[name as keyof typeof outlast] as unknown as ErrorClass;
    const error = new Class({ name, code, message: "m" });
    expect(error).toBeInstanceOf(outlast.OutlastError);
    expect(error).toMatchObject({ name, code, message: "m" });
    expect(String(error.stack)).toMatch(new RegExp(`^${name}: m\n`));
    classes.add(Class);
  }
  expect(classes.size).toBe(errorKinds().length);
});

test("every failure is seen as one kind of error", () => {
  expect(
    failureKinds()
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual(Object.keys(FAILURES).sort());
  for (const [failure, code] of Object.entries(FAILURES)) {
    const shown = errorKinds().filter(({ failures }) => failures.includes(failure as FailureKind));
    expect(shown.map((kind) => kind.code)).toEqual([code]);
  }
});

test("the types name every knob", () => {
  const named: Record<keyof Policy, true> = {
    profile: true,
    startup: true,
    startup_attempts_max: true,
    startup_delay_ms: true,
    startup_delay_ms_max: true,
    lazy_connect: true,
    connect_timeout_ms: true,
    command_timeout_ms: true,
    redial: true,
    server_delay_ms: true,
    server_delay_factor_percent: true,
    server_delay_ms_max: true,
    network_delay_ms: true,
    network_delay_factor_percent: true,
    network_delay_ms_max: true,
    quota_delay_ms: true,
    quota_delay_ms_max: true,
    jitter_percent: true,
    stable_ms: true,
    outage_path: true,
    log_interval_ms: true,
    incident_merge_ms: true,
    breaker_window_ms: true,
    breaker_failures_min: true,
    breaker_failure_percent: true,
    breaker_slow_call_ms: true,
    breaker_slow_calls_min: true,
    breaker_slow_call_percent: true,
    on_ambiguous: true,
    on_guarded: true,
    connections_max: true,
    in_flight_max: true,
    unsent_bytes_max: true,
    store_bytes_max: true,
    journal_bytes_max: true,
    journal_fsync: true,
    journal_fsync_interval_ms: true,
    retry_quota_percent: true,
    retry_quota_burst: true,
    shadow: true,
    stale_ms_max: true,
    reply_bytes_max: true,
    cluster_refresh_ms: true,
    cluster_redirects_max: true,
    cluster_read_from: true,
    log_path: true,
    record_path: true,
    record_bytes_max: true,
    rules: true,
  };
  expect(Object.keys(policy()).sort()).toEqual(Object.keys(named).sort());
  expect(["profile", "rules", ...knobs().map(({ name }) => name)].sort()).toEqual(
    Object.keys(named).sort(),
  );
});

test.each([
  [["http://h"], 'invalid URL scheme "http": allowed is one of redis, rediss, unix,'],
  [["rediss://h?tls_ca_file=/none"], 'invalid URL parameter tls_ca_file "/none": allowed is a'],
  [["redis://h:99999"], 'invalid port "99999": allowed is a whole number from 1 to 65535'],
  [["redis://h/abc"], 'invalid database "abc": allowed is'],
  [["redis://h?nope=1"], 'unknown URL parameter "nope": allowed is one of profile,'],
  [["localhost"], "allowed is redis://"],
  [[99999], 'invalid port "99999": allowed is a whole number from 1 to 65535'],
  [[{ port: 0 }], 'invalid port "0": allowed is a whole number from 1 to 65535'],
  [[{ port: "abc" }], 'invalid port "abc": allowed is a whole number from 1 to 65535'],
  [[{ db: -1 }], 'invalid database "-1": allowed is'],
  [[{ port: {} }], "invalid port: allowed is a string or a number"],
  [[{ username: "u" }], "without a password"],
  [
    [{ commandTimoutMs: 1 }],
    'unknown option "command_timout_ms": did you mean command_timeout_ms?',
  ],
  [[{ keyPrefx: "p" }], 'unknown option "key_prefx": allowed is one of profile,'],
  [[{ commandTimeoutMs: -5 }], 'invalid command_timeout_ms "-5": allowed is a whole number from 1'],
  [[{ commandTimeoutMs: 1.5 }], 'invalid command_timeout_ms "1.5": allowed is a whole number'],
  [[{ commandTimeoutMs: NaN }], 'invalid command_timeout_ms "NaN": allowed is a whole number'],
  [[{ serverDelayMsMax: 10 }], 'server_delay_ms_max "10": allowed is at least server_delay_ms'],
  [[{ profile: "prodction" }], 'invalid profile "prodction": allowed is one of development, test,'],
  [[{ startup: "maybe" }], 'invalid startup "maybe": allowed is one of optional, required'],
  [[{ redial: "perhaps" }], 'invalid redial "perhaps": allowed is one of true, false'],
  [[{ logger: {} }], "invalid logger: allowed is false, or an object with info, warn and error"],
  [["redis://h", { port: 1 }], "invalid port: allowed is in the URL or as an option, not both"],
  [["redis://h", 7], "invalid arguments: allowed is new Redis(url?, options?)"],
  [["redis://h", {}, {}], "invalid arguments: allowed is new Redis(url?, options?)"],
])("what is not allowed is named: %j", (given, message) => {
  const make = () => Reflect.construct(outlast.Redis, given as unknown[]);
  const error = thrown(make);
  expect(error.message).toContain(message);
  expect(error).toBeInstanceOf(outlast.OutlastError);
  expect(error["code"]).toBe("invalid_option");
});

test("options of either spelling count, and an option given twice does not", () => {
  const { redis } = client("redis://h", { profile: "staging", lazy_connect: true });
  expect(redis.getStatus().profile).toBe("staging");
  const twice = { lazyConnect: true, lazy_connect: true, profile: "test" } as const;
  expect(thrown(() => client("redis://h", twice)).message).toContain("lazy_connect is given twice");
});

test("the errors of a diagnosis are of the same classes", () => {
  const engine = new outlast.Engine({}, "redis://h", 1n);
  for (const [call, name] of [
    [() => policy({ jitterPercent: 101 }), "InvalidOption"],
    [() => outlast.parseStatus("{}"), "InvalidArgument"],
    [() => engine.status(-1), "InvalidOption"],
    [() => engine.handle(0, {} as never), "InvalidArgument"],
    [() => new outlast.Store(-1), "InvalidOption"],
    [() => new outlast.Throttle(0.5), "InvalidOption"],
    [() => outlast.classify(Symbol("s")), "InvalidArgument"],
  ] as [() => unknown, string][]) {
    expect(thrown(call)).toMatchObject({ name });
  }
});
