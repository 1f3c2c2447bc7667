import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { performance } from "node:perf_hooks";

import { RedisUnavailable, UnsupportedLocally } from "outlast";
import type { RedisOptions, RulesOption } from "outlast";
import { expect, onTestFinished, test } from "vitest";

import {
  Server,
  client,
  codes,
  eventually,
  freePort,
  rejection,
  thrown,
  timed,
} from "./helpers.ts";

const SHORT: RedisOptions = { commandTimeoutMs: 200, connectTimeoutMs: 400 };

test("a killed server is outlasted and written back", async () => {
  const server = await Server.start();
  const recorded = client(server.url);
  const { redis } = recorded;
  await redis.set("before", "1");
  await redis.incrby("counter", 5);
  await server.kill();
  expect(await timed(1_000, () => redis.set("during", "2"))).toBe("OK");
  expect(await timed(1_000, () => redis.get("during"))).toBe("2");
  expect(await timed(1_000, () => redis.incrby("counter", 2))).toBe(7);
  expect(await timed(1_000, () => redis.setex("session", 60, "s"))).toBe("OK");
  await timed(1_000, () => redis.del("before"));
  expect(redis.getStatus()).toMatchObject({ mode: "degraded", fallback_mode: true });
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await server.cli("GET", "during")).toBe("2");
  expect(await server.cli("GET", "counter")).toBe("7");
  expect(await server.cli("GET", "session")).toBe("s");
  expect(Number(await server.cli("TTL", "session"))).toBeGreaterThan(40);
  expect(await server.cli("EXISTS", "before")).toBe("0");
  expect(await redis.get("during")).toBe("2");
  await eventually("the recovery is told", () => codes(recorded).includes("redis_recovered"));
  const recoveries = codes(recorded).filter((code) => code === "redis_recovered");
  expect(recoveries).toHaveLength(1);
  expect(redis.getStatus().replayed).toBeGreaterThanOrEqual(4);
});

test("every call of an outage ends within its deadline, and none rejects", async () => {
  const server = await Server.start();
  const { redis, records } = client(server.url, SHORT);
  await redis.set("k", "v");
  const all = { calls: 0, stop: false };
  const caller = async (name: string) => {
    while (!all.stop) {
      all.calls++;
      await timed(200, () => redis.set(name, "v"));
      await timed(200, () => redis.get(name));
      await timed(200, () => redis.expire(name, 100));
      await new Promise(setImmediate);
    }
  };
  const callers = ["a", "b", "c"].map(caller);
  const stages: [string, () => Promise<void> | void, boolean][] = [
    ["killed", () => server.kill(), false],
    ["started", () => server.restart(), true],
    ["frozen", () => server.freeze(), false],
    ["thawed", () => server.thaw(), true],
  ];
  for (const [stage, enter, connected] of stages) {
    await enter();
    await eventually(stage, () => redis.getStatus().redis_connected === connected);
    const calls = all.calls;
    await eventually(`calls while ${stage}`, () => all.calls > calls + 100);
  }
  all.stop = true;
  await Promise.all(callers);
  expect(await server.cli("GET", "a")).toBe("v");
  expect(records.filter(({ code }) => code === "redis_recovered").length).toBeLessThanOrEqual(2);
});

test("degraded calls take under a millisecond, and need no turn of the loop", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.set("k", "v");
  await server.kill();
  await redis.set("k", "v");
  let turns = 0;
  const counting = setImmediate(function count() {
    turns++;
    setImmediate(count);
  });
  const took: number[] = [];
  for (let call = 0; call < 1_000; call++) {
    const began = performance.now();
    await redis.get("k");
    took.push(performance.now() - began);
  }
  expect(turns).toBe(0);
  clearImmediate(counting);
  took.sort((a, b) => a - b);
  expect(took[990]).toBeLessThan(1);
});

test("a server that swallows everything costs one deadline at most", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, SHORT);
  await redis.set("k", "v");
  server.freeze();
  const began = performance.now();
  expect(await timed(200, () => redis.set("k", "w"))).toBe("OK");
  expect(performance.now() - began).toBeGreaterThan(190);
  expect(redis.getStatus().mode).toBe("degraded");
  expect(await timed(1, () => redis.get("k"))).toBe("w");
  server.thaw();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await server.cli("GET", "k")).toBe("w");
});

test("a late reply reaches nobody else", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { ...SHORT, breakerFailuresMin: 1_000 });
  const keys = Array.from({ length: 20 }, (_, n) => `key:${n}`);
  await Promise.all(keys.map((key) => redis.set(key, `value of ${key}`)));
  server.freeze();
  const late = await Promise.all(keys.slice(0, 10).map((key) => redis.get(key)));
  expect(late).toEqual(keys.slice(0, 10).map((key) => `value of ${key}`));
  expect(redis.getStatus().mode).toBe("connected");
  const waiting = keys.slice(10).map((key) => redis.get(key));
  server.thaw();
  expect(await Promise.all(waiting)).toEqual(keys.slice(10).map((key) => `value of ${key}`));
  for (const key of keys) expect(await redis.get(key)).toBe(`value of ${key}`);
  expect(redis.getStatus()).toMatchObject({ mode: "connected", dials: 1 });
});

test("an increment in doubt is not repeated", async () => {
  const server = await Server.start();
  for (const onAmbiguous of ["error", "local"] as const) {
    const { redis } = client(server.url, { ...SHORT, onAmbiguous });
    await redis.connect();
    server.freeze();
    const reply = timed(200, () => redis.incr(onAmbiguous));
    if (onAmbiguous === "local") expect(await reply).toBe(1);
    else expect(await rejection(reply)).toMatchObject({ code: "maybe_applied" });
    server.thaw();
    await eventually("back on Redis", () => redis.getStatus().redis_connected);
    await eventually("done once", async () => (await server.cli("GET", onAmbiguous)) === "1");
  }
});

test("what must not be served from memory is refused at once, with a reason", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.ping();
  await server.kill();
  const lock = await rejection(redis.set("lock", "me", "EX", 5, "NX"));
  expect(lock).toBeInstanceOf(RedisUnavailable);
  const push = await rejection(redis.call("MIGRATE", "host", 6379, "key", 0, 1));
  expect(push).toBeInstanceOf(UnsupportedLocally);
  expect(push["nextDialInMs"]).toBeTypeOf("number");
  expect(push.message).toMatch(/MIGRATE .*127\.0\.0\.1:\d+ is unavailable/);
});

test("an idle connection that dies is noticed without a call", async () => {
  const server = await Server.start();
  const recorded = client(server.url);
  await recorded.redis.connect();
  await server.kill();
  await eventually("it is told", () => recorded.records.length > 0);
  expect(recorded.redis.getStatus().mode).toBe("degraded");
  expect(recorded.events.slice(0, 5)).toEqual([
    "connect",
    "ready",
    "close",
    "degraded",
    "reconnecting number",
  ]);
});

test.each(["connection refused", "unresolvable name"])(
  "an optional startup serves from memory: %s",
  async (what) => {
    const port = await freePort();
    const host = what === "connection refused" ? "127.0.0.1" : "no-such-host.invalid";
    // No later dial wakes the loop: what waits for the startup hears of its end, or is late.
    const recorded = client(`redis://${host}:${port}`, {
      profile: "development",
      serverDelayMs: 60_000,
      serverDelayMsMax: 60_000,
    });
    const { redis } = recorded;
    // Three dials that are refused take a fifth of a second; nobody waits longer than for them.
    const waitMs = what === "connection refused" ? 500 : 1_000;
    expect(await timed(waitMs, () => redis.set("k", "v"))).toBe("OK");
    expect(await timed(waitMs, () => redis.get("k"))).toBe("v");
    await expect(redis.connect()).resolves.toBeUndefined();
    expect(redis.getStatus().mode).toBe("degraded");
    await eventually("it is told", () => recorded.events.includes("degraded"));
    expect(codes(recorded)).toEqual(["redis_unavailable"]);
  },
);

test("a required startup fails with a clear error, and commands fail at once", async () => {
  const port = await freePort();
  const recorded = client(`redis://user:planted@127.0.0.1:${port}`);
  const { redis } = recorded;
  const error = await rejection(redis.connect());
  expect(error).toBeInstanceOf(RedisUnavailable);
  expect(error).toMatchObject({ code: "redis_unavailable", failure: "connection_refused" });
  const start = `Redis is required and was not reached in 3 dials (redis://127.0.0.1:${port})`;
  expect(error.message).toContain(`${start}: connection_refused: Connection refused`);
  expect(await rejection(timed(1, () => redis.get("k")))).toBeInstanceOf(RedisUnavailable);
  await eventually("it is told", () => recorded.events.includes("degraded"));
  expect(codes(recorded)).toEqual(["redis_unavailable", "startup_failed"]);
});

test("a required startup that failed is no end: Redis may return", async () => {
  const server = await Server.start();
  await server.kill();
  const { redis } = client(server.url);
  expect(await rejection(redis.connect())).toBeInstanceOf(RedisUnavailable);
  await server.restart();
  await eventually("on Redis", () => redis.getStatus().redis_connected);
  expect(await redis.set("k", "v")).toBe("OK");
  await expect(redis.connect()).resolves.toBeUndefined();
});

test("a profile that never redials stays degraded, and says so", async () => {
  const recorded = client(`redis://127.0.0.1:${await freePort()}`, { profile: "test" });
  expect(await recorded.redis.set("k", "v")).toBe("OK");
  expect(recorded.redis.getStatus()).toMatchObject({
    mode: "degraded",
    dials: 1,
    next_retry_in: null,
  });
  await eventually("it is told", () => recorded.records.length > 0);
  expect(recorded.records[0]?.message).toContain("no further dial is planned");
});

test("a connection that is closed while idle costs no doubt", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, SHORT);
  expect(await redis.incr("n")).toBe(1);
  await server.cli("CLIENT", "KILL", "TYPE", "normal");
  await eventually("it is noticed", () => redis.getStatus().failure_count > 0);
  expect(await redis.incr("n")).toBe(2);
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await server.cli("GET", "n")).toBe("2");
});

test("a server that talks no RESP is left at once", async () => {
  // It answers the dial's two names, its question who it is, and its PING, and nonsense from then on.
  const sockets = new Set<Socket>();
  let closed = 0;
  const server = createServer((socket) => {
    sockets.add(socket.once("close", () => closed++));
    socket.once("data", () => {
      socket.write("+OK\r\n+OK\r\n-ERR unknown\r\n+PONG\r\n");
      socket.once("data", () => socket.write("nonsense\r\n"));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { redis } = client(`redis://127.0.0.1:${port}`, {
    ...SHORT,
    serverDelayMs: 60_000,
    serverDelayMsMax: 60_000,
  });
  await redis.connect();
  expect(await timed(200, () => redis.get("k"))).toBeNull();
  expect(redis.getStatus()).toMatchObject({
    mode: "degraded",
    last_failure_type: "protocol_error",
  });
  await eventually("its connection is closed", () => closed === 1);
});

test("connections that come and go leave nothing behind", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { serverDelayMs: 1, serverDelayMsMax: 1 });
  await redis.ping();
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"));
  const before = sockets().length;
  for (let round = 1; round <= 20; round++) {
    await server.cli("CLIENT", "KILL", "TYPE", "normal");
    await eventually("it is noticed and over", () => {
      const { dials, redis_connected } = redis.getStatus();
      return redis_connected && dials > round;
    });
    expect(await redis.set("k", round)).toBe("OK");
  }
  expect(await redis.get("k")).toBe("20");
  await eventually("old sockets are closed", () => sockets().length === before);
  expect((await server.cli("CLIENT", "LIST")).split("\n")).toHaveLength(2);
});

const RULES: RulesOption = [
  ["session:*", "session"],
  ["lock:*", "lock"],
  ["queue:*", "queue"],
];
const RULES_TEXT = "session:*=session,lock:*=lock,queue:*=queue";

test.each<[string, RulesOption | undefined, string]>([
  ["a list", RULES, ""],
  ["an object", { "session:*": "session", "lock:*": "lock", "queue:*": "queue" }, ""],
  ["a text", RULES_TEXT, ""],
  ["the URL", undefined, `?rules=${RULES_TEXT}`],
])("rules of %s say what is served while Redis is away", async (_, rules, query) => {
  const server = await Server.start();
  const { redis } = client(server.url + query, { startup: "optional", rules });
  expect(await redis.call("SET", "lock:1", "me", "NX")).toBe("OK");
  await server.kill();
  await redis.get("session:1");
  const refused = async (message: string, ...command: [string, ...string[]]) => {
    const error = await timed(0, () => rejection(redis.call(...command)));
    expect(error).toBeInstanceOf(RedisUnavailable);
    expect(error.message).toContain(message);
    expect(error.message.split(";")[0]).not.toContain(":1");
  };
  await refused('GET is not served from memory (rule "lock:*": class lock)', "GET", "lock:1");
  await refused("class lock", "SET", "lock:1", "me", "NX");
  expect(await redis.call("RPUSH", "queue:1", "job")).toBe(1);
  await refused("class queue", "LPOP", "queue:1");
  await refused("on_guarded: no rule", "SET", "other", "me", "NX");
  expect(await redis.call("SET", "session:1", "me", "NX")).toBe("OK");
  expect(await redis.get("session:1")).toBe("me");
  expect(redis.getStatus().rules.map((rule) => rule.class)).toEqual(["session", "lock", "queue"]);
});

test("rules that are wrong are told before anything is dialled", () => {
  const message = (rules: unknown) =>
    thrown(() => client("redis://h", { rules } as RedisOptions)).message;
  expect(message([["a:*", "lock", "merge"]])).toBe(
    'invalid rules[0].policy "merge": allowed is only discard for the class lock',
  );
  expect(message({ "*": "cache", "a:*": ["session", "replay"] })).toMatch(
    /^invalid rules\[1\]\.pattern "a:\*": allowed is a pattern that no earlier rule covers/,
  );
  expect(message({ "a:*": 5 })).toMatch(/^invalid rules\[0\] .*allowed is \[pattern, class\]/);
});

test("a program that asks again and again, or tries again at once, never keeps the loop", async () => {
  const { redis } = client(`redis://127.0.0.1:${await freePort()}`, {
    profile: "development",
    onGuarded: "refuse",
    rules: { "lock:*": "lock" },
  });
  await redis.get("k");
  const calls = { answered: 0, refused: 0 };
  let isOver = false;
  const asks = async (): Promise<void> => {
    for (; !isOver; calls.answered += 1) await redis.get("k");
  };
  const tries = async (): Promise<void> => {
    for (; !isOver; calls.refused += 1) await rejection(redis.get("lock:k"));
  };
  for (const loop of [asks, tries]) {
    isOver = false;
    setTimeout(() => (isOver = true), 20);
    await loop();
  }
  expect(calls.answered).toBeGreaterThan(1_000);
  expect(calls.refused).toBeGreaterThan(0);
  const error = await rejection(redis.get("lock:k"));
  // What libraries look for before they wait.
  expect(error.message).toContain("ECONNREFUSED");
});
