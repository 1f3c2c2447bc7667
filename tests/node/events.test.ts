import { inspect } from "node:util";

import { Redis, RedisUnavailable } from "outlast";
import type { Incident, LogRecord, Status } from "outlast";
import { expect, test, vi } from "vitest";

import { Server, client, codes, eventually, freePort, rejection } from "./helpers.ts";

test("an outage from its first to its last event", async () => {
  const server = await Server.start();
  const recorded = client(server.url, { incidentMergeMs: 0 });
  const { redis, events } = recorded;
  const told: { degraded: Status[]; recovered: Status[]; incidents: Incident[] } = {
    degraded: [],
    recovered: [],
    incidents: [],
  };
  redis.on("degraded", (status) => told.degraded.push(status));
  redis.on("recovered", (status) => told.recovered.push(status));
  redis.on("incident", (incident) => told.incidents.push(incident));
  await redis.connect();
  await server.kill();
  await eventually("a dial has failed", () => codes(recorded).includes("redis_unavailable"));
  await server.restart();
  await eventually("it is over", () => told.incidents.length === 2);
  await redis.quit();
  const reconnecting = events.filter((event) => event === "reconnecting number");
  expect(reconnecting.length).toBeGreaterThan(1);
  // Each dial that fails closes, and is followed by another, as in ioredis.
  const dials = events.filter((event) => event !== "reconnecting number");
  expect(dials.filter((event, place) => event !== "close" || dials[place - 1] !== event)).toEqual([
    "connect",
    "ready",
    "close",
    "degraded",
    "close",
    "error connection_refused",
    "connect",
    "ready",
    "recovered",
    "close",
    "end",
  ]);
  expect(told.degraded).toMatchObject([{ mode: "degraded", last_failure_type: "connection_lost" }]);
  expect(told.recovered).toMatchObject([{ mode: "connected" }]);
  expect(told.incidents[0]).toMatchObject({ number: 1, recovered_at_ms: null });
  expect(told.incidents[1]).toMatchObject({ number: 1, recovered_at_ms: expect.any(Number) });
  expect(codes(recorded)).toEqual(["redis_unavailable", "redis_recovered"]);
});

test("an error event comes once for a cause, however many calls there are", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const { redis, events } = client(url, { profile: "development" });
  await Promise.all(Array.from({ length: 1_000 }, () => redis.get("k")));
  await eventually("more dials have failed", () => redis.getStatus().dials >= 5);
  expect(events.filter((event) => event.startsWith("error"))).toEqual(["error connection_refused"]);
});

test("an error event holds an error of ours, with kind and time of the next dial", async () => {
  const { redis } = client(`redis://127.0.0.1:${await freePort()}`, { profile: "development" });
  const errors: RedisUnavailable[] = [];
  redis.on("error", (error) => errors.push(error));
  await redis.ping();
  await eventually("it is told", () => errors.length > 0);
  expect(errors[0]).toBeInstanceOf(RedisUnavailable);
  expect(errors[0]).toMatchObject({ code: "redis_unavailable", failure: "connection_refused" });
  expect(errors[0]?.nextDialInMs).toBeTypeOf("number");
});

test("a listener that throws keeps nobody from hearing the rest", async () => {
  const server = await Server.start();
  const { redis, events } = client(server.url);
  const uncaught: unknown[] = [];
  const known = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error));
  try {
    redis.prependListener("connect", () => {
      throw new Error("a listener's own");
    });
    expect(await redis.set("k", "v")).toBe("OK");
    await eventually("the rest is heard", () => events.includes("ready"));
    await eventually("the error is not lost", () => uncaught.length > 0);
    expect(uncaught).toMatchObject([{ message: "a listener's own" }]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of known) process.on("uncaughtException", listener);
  }
});

test("records go to the console, to a logger, or nowhere", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const lines: string[] = [];
  const keep = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const logger = { info: keep("info"), warn: keep("warn"), error: keep("error") };
  const clients = [undefined, logger, false as const].map((logger) => {
    const options = { profile: "staging" as const, ...(logger === undefined ? {} : { logger }) };
    return new Redis(url, options);
  });
  try {
    const failures = await Promise.all(clients.map((redis) => rejection(redis.connect())));
    for (const failure of failures) expect(failure).toBeInstanceOf(RedisUnavailable);
    await eventually("both have told", () => lines.length === 2 && error.mock.calls.length === 1);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^outlast: Redis unavailable: connection refused/);
    expect(lines[0]).toMatch(/^warn: outlast: Redis unavailable: connection refused/);
    expect(lines[1]).toMatch(/^error: outlast: Redis is required and was not reached in 3 dials/);
  } finally {
    for (const redis of clients) redis.disconnect();
    warn.mockRestore();
    error.mockRestore();
  }
});

test("a planted password is nowhere to be seen", async () => {
  const server = await Server.start("--requirepass", "other");
  const seen: unknown[] = [];
  const spies = (["info", "warn", "error"] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((...values) => void seen.push(values)),
  );
  const closed = await freePort();
  const clients: ConstructorParameters<typeof Redis>[] = [
    [`redis://planted-user:planted@127.0.0.1:${server.port}`, { profile: "staging" }],
    [`redis://127.0.0.1:${closed}`, { profile: "staging", password: "planted" }],
    [{ port: closed, password: "planted", profile: "staging" }],
  ];
  for (const given of clients) {
    const redis = new Redis(...given);
    redis.on("error", (error) => seen.push(error, { ...error }, error.stack));
    const told: string[] = [];
    redis.on("log", (record: LogRecord) => seen.push(record) && told.push(record.code));
    redis.on("incident", (incident) => seen.push(incident));
    redis.on("degraded", (status) => seen.push(status));
    for (const call of [redis.connect(), redis.get("k"), redis.set("k", "v", "NX")]) {
      const error = await rejection(call);
      seen.push(error, error.stack, { ...error }, String(error));
    }
    await eventually("all is told", () => told.includes("startup_failed"));
    seen.push(redis, redis.getStatus(), String(redis));
    seen.push(inspect(redis, { depth: 9, showHidden: true }));
    redis.disconnect();
  }
  for (const url of ["redis://u:planted@h:port", "http://u:planted@h", "redis://u:pla/nted@h"]) {
    try {
      new Redis(url);
    } catch (error) {
      seen.push(error, String((error as Error).stack).replaceAll(/^ +at .*$/gm, ""));
    }
  }
  for (const spy of spies) spy.mockRestore();
  const shown = `${inspect(seen, { depth: 9, showHidden: true })} ${JSON.stringify(seen)}`;
  expect(shown).toContain("auth_failed");
  expect(shown).not.toMatch(/planted|pla\/nted/);
});
