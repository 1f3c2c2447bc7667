/** Outages on demand, aborted calls, scopes, and what diagnostics channels tell. */

import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";

import { causeOutage } from "outlast/testing";
import type { Cause } from "outlast/testing";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, eventually, freePort, program, rejection } from "./helpers.ts";

const START = `import { Redis } from "outlast";`;

test.each([
  ["refused", "connection_refused"],
  ["lost", "connection_lost"],
  ["timeout", "response_timeout"],
  ["dns", "dns_error"],
  ["tls", "tls_error"],
  ["loading", "loading"],
] as [Cause, string][])("an outage on demand: %s", async (cause, kind) => {
  const server = await Server.start();
  const recorded = client(server.url);
  const { redis } = recorded;
  await redis.set("k", "before");
  const outage = await causeOutage(redis, cause);
  expect(redis.getStatus()).toMatchObject({ mode: "degraded", last_failure_type: kind });
  expect(await redis.get("k")).toBe("before");
  await redis.set("k", "during");
  expect(await server.cli("GET", "k")).toBe("before");
  expect((await rejection(redis.set("lock", "me", "NX"))).name).toBe("RedisUnavailable");
  await outage.end();
  expect(redis.getStatus().mode).not.toBe("degraded");
  await eventually("written back", async () => (await server.cli("GET", "k")) === "during");
  await outage.end();
});

test("dials fail while an outage lasts, and where none is planned the end dials", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { profile: "test" });
  await redis.ping();
  {
    await using outage = await causeOutage(redis);
    expect(outage).toBeDefined();
    expect(redis.getStatus()).toMatchObject({ mode: "degraded", next_retry_in: null });
  }
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  const { redis: impatient } = client(server.url, { serverDelayMs: 10 });
  await impatient.ping();
  const outage = await causeOutage(impatient);
  await eventually("dials failed", () => {
    return (impatient.getStatus().incident?.counts.dials_failed ?? 0) >= 2;
  });
  await outage.end();
  await eventually("back on Redis", () => impatient.getStatus().redis_connected);
});

test("what is sent when an outage is caused is in doubt, or answered from memory", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.ping();
  server.freeze();
  const [increment, read] = [redis.incr("n"), redis.get("k")];
  await causeOutage(redis);
  expect(await rejection(increment)).toMatchObject({ code: "maybe_applied" });
  expect(await read).toBeNull();
  server.thaw();
});

test("what ends no connection is no outage", async () => {
  const { redis } = client((await Server.start()).url);
  expect(await rejection(causeOutage(redis, "read_only"))).toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("refused, lost, timeout, dns, tls"),
  });
});

test("an aborted call rejects at once with the signal's reason", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.ping();
  server.freeze();
  const controller = new AbortController();
  const calls = redis.withAbortSignal(controller.signal);
  const asked = [calls.incr("n"), calls.call("GET", "k"), calls.pipeline().get("k").exec()];
  controller.abort();
  for (const one of asked) expect(await rejection(one)).toMatchObject({ name: "AbortError" });
  expect(await rejection(calls.get("k"))).toMatchObject({ name: "AbortError" });
  server.thaw();
  // Its reply goes to nobody else.
  expect(await redis.get("n")).toBe("1");
  const timeout = redis.withAbortSignal(AbortSignal.timeout(60_000));
  expect(await timeout.set("k", "v")).toBe("OK");
  expect(await timeout.multi().get("k").exec()).toEqual([[null, "v"]]);
  const reason = new Error("enough");
  expect(await rejection(redis.withAbortSignal(AbortSignal.abort(reason)).get("k"))).toBe(reason);
});

test("no listener is left on a signal", async () => {
  const server = await Server.start();
  const ended = await program(`${START}
    const redis = new Redis(${JSON.stringify(server.url)});
    const { signal } = new AbortController();
    const calls = redis.withAbortSignal(signal);
    for (let n = 0; n < 100; n += 1) await calls.get("k");
    const { getEventListeners } = await import("node:events");
    console.log(getEventListeners(signal, "abort").length);
    await redis.quit();`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "0\n", stderr: "" });
});

test("a client ends with its scope, and waits for its commands", async () => {
  const server = await Server.start();
  const { redis: other } = client(server.url);
  {
    await using redis = client(server.url).redis;
    void redis.set("k", "v");
  }
  expect(await other.get("k")).toBe("v");
});

test("a client that was let go ends no process early, and holds none", async () => {
  const server = await Server.start();
  const ended = await program(`${START}
    const redis = new Redis(${JSON.stringify(server.url)}).unref();
    console.log(await redis.set("k", "v"));
    redis.incr("n").then(async (n) => {
      console.log(n, await redis.get("k"));
    });`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "OK\n1 v\n", stderr: "" });
  const away = await program(`${START}
    const redis = new Redis(${await freePort()}, { profile: "development", logger: false }).unref();
    console.log(await redis.get("k"));`);
  expect(away).toEqual({ code: 0, signal: null, stdout: "null\n", stderr: "" });
});

test("commands are traced as those of ioredis are", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const told: unknown[] = [];
  const channel = tracingChannel<string, object>("ioredis:command");
  const listeners = {
    start: (context: object) => void told.push({ ...context }),
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: (context: object) => void told.push((context as { result: unknown }).result),
    error: (context: object) => void told.push((context as { error: Error }).error.name),
  };
  channel.subscribe(listeners);
  onTestFinished(() => channel.unsubscribe(listeners));
  await redis.set("secret", "hidden");
  await redis.get("secret");
  await rejection(redis.lpush("secret", "hidden"));
  channel.unsubscribe(listeners);
  await redis.get("secret");
  const place = { database: 0, serverAddress: "127.0.0.1", serverPort: server.port };
  expect(told.filter((one) => typeof one === "object")).toEqual([
    { command: "set", args: ["secret", "?"], ...place },
    { command: "get", args: ["secret"], ...place },
    { command: "lpush", args: ["secret", "?"], ...place },
  ]);
  expect(told).toContain("hidden");
  expect(told).toContain("CommandError");
});

test("outages are told on channels of their own", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.ping();
  const told: { endpoint: string; type: string }[] = [];
  const names = ["log", "mode", "dial_failed", "incident"].map((name) => `outlast:${name}`);
  const listener = (message: unknown): void => void told.push(message as (typeof told)[0]);
  for (const name of names) subscribe(name, listener);
  onTestFinished(() => names.forEach((name) => unsubscribe(name, listener)));
  const outage = await causeOutage(redis);
  await outage.end();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  await eventually("it is told", () => told.some(({ type }) => type === "incident"));
  const types = told.filter(({ endpoint }) => endpoint.includes(`${server.port}`));
  expect(new Set(types.map(({ type }) => type))).toContain("mode");
});
