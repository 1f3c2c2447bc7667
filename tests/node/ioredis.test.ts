/** `outlast` in place of `ioredis`: the same steps on both, on the same server, with the same answers. */

import { once } from "node:events";

import { Redis as Stock } from "ioredis";
import { Redis } from "outlast";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, eventually, freePort, rejection } from "./helpers.ts";

/** Its types allow less than it takes. */
type Untyped = Record<string, (...args: unknown[]) => Promise<unknown>>;

type Steps = (redis: Stock) => Promise<unknown>;

const untyped = (redis: unknown): Untyped => redis as Untyped;

/** An error as its message; the rest as it is. */
function shown(value: unknown): unknown {
  if (value instanceof Error) return { error: value.message };
  if (Array.isArray(value)) return value.map(shown);
  return value;
}

const STEPS: Record<string, Steps> = {
  "flat and nested arguments": async (redis) => [
    await redis.mset("a", 1, "b", 2),
    await redis.mset({ c: 3, d: "4" }),
    await redis.mset(new Map<string, number>([["e", 5]])),
    await untyped(redis)["mget"]?.(["a", "b", "c"], "none"),
    await redis.hset("h", { f: 1, g: "x" }),
    await redis.hset("h", "i", 2),
    await redis.hgetall("h"),
    await redis.hgetall("none"),
    await untyped(redis)["sadd"]?.("s", ["x", "y"], "z"),
    (await redis.smembers("s")).sort(),
    await untyped(redis)["zadd"]?.("z", 1.5, "a", 2, "b"),
    await redis.zrange("z", "0", "-1", "WITHSCORES"),
    await untyped(redis)["del"]?.(["a", "b"], "c"),
  ],
  "null, booleans and dates": async (redis) => [
    await redis.call("set", "null", null as unknown as string),
    await redis.get("null"),
    await redis.call("set", "flag", true as unknown as string),
    await redis.get("flag"),
    await redis.call("set", "date", new Date(0) as unknown as string),
    await redis.get("date"),
  ],
  buffers: async (redis) => [
    await redis.set("b", Buffer.from([0, 255])),
    await redis.getBuffer("b"),
    await redis.hset("hb", "f", Buffer.from([1])),
    await redis.hgetallBuffer("hb"),
    await redis.callBuffer("GET", "b"),
    await redis.lrangeBuffer("none", 0, -1),
    await redis.pipeline().getBuffer("b").get("b").exec(),
  ],
  "a pipeline": async (redis) => [
    await redis.pipeline().set("p", 1).incr("p").get("p").lpush("p", 1).hgetall("none").exec(),
    await redis
      .pipeline([
        ["set", "q", 1],
        ["get", "q"],
      ])
      .exec(),
    await redis.pipeline().exec(),
    redis.pipeline().get("x").length,
  ],
  transactions: async (redis) => [
    await redis.multi().set("t", 1).incr("t").hset("th", { a: 1 }).hgetall("th").exec(),
    await redis.multi().set("t", 1).lpush("t", 1).getBuffer("t").exec(),
    await rejection(redis.multi().call("set", "t").get("t").exec()).then(
      ({ message, previousErrors }) => [message, previousErrors],
    ),
    await redis.multi({ pipeline: false }),
    await redis.set("t", 5),
    await redis.get("t"),
    await redis.exec(),
    await redis.multi({ pipeline: false }),
    await redis.incr("t"),
    await redis.discard(),
    await redis.get("t"),
    await redis.multi([["get", "t"]]).exec(),
    await redis.watch("t"),
    await redis.multi().get("t").exec(),
  ],
  scripts: async (redis) => {
    redis.defineCommand("both", { numberOfKeys: 1, lua: "return {KEYS[1], ARGV[1]}" });
    redis.defineCommand("many", { lua: "return #KEYS" });
    const defined = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const answers = [
      await defined["both"]?.("k", "v"),
      await defined["bothBuffer"]?.("k", "v"),
      await defined["many"]?.(2, "a", "b"),
    ];
    const piped = redis.pipeline() as unknown as Record<string, (...args: unknown[]) => unknown>;
    piped["both"]?.("k", "v");
    answers.push(await piped["exec"]?.());
    await redis.script("FLUSH");
    answers.push(await defined["both"]?.("k", "again"));
    answers.push(await redis.eval("return redis.error_reply('ERR mine')", 0).catch((e) => e));
    return answers;
  },
  scans: async (redis) => {
    await redis.sadd("scanned", ...Array.from({ length: 300 }, (_, n) => `m${n}`));
    const members = new Set<string>();
    for await (const found of redis.sscanStream("scanned", { count: 20 })) {
      for (const member of found as string[]) members.add(member);
    }
    const keys: string[] = [];
    for await (const found of redis.scanStream({ match: "scanne*" })) keys.push(...found);
    return [members.size, keys];
  },
  "blocking commands, XREAD and SELECT": async (redis) => {
    const other = redis.duplicate();
    const popped = redis.blpop("list", 0);
    await other.rpush("list", "one");
    const answers: unknown[] = [await popped, await redis.brpop("none", 0.01)];
    await redis.xadd("stream", "1-1", "f", "v");
    answers.push(await redis.xread("BLOCK", 1, "STREAMS", "stream", "0"));
    answers.push(await redis.xread("STREAMS", "stream", "0"), await redis.select(3));
    answers.push(await redis.get("stream"), await redis.set("in3", 1), await redis.keys("*"));
    await other.quit();
    return answers;
  },
  "error replies": async (redis) => [
    await rejection(redis.call("nonsense", "x")),
    await rejection(redis.set("k", "v", "EX", "soon")),
    await rejection(redis.evalsha("0".repeat(40), 0)),
  ],
};

test.each(Object.entries(STEPS))("as ioredis: %s", async (_, steps) => {
  const server = await Server.start();
  const stock = new Stock(server.port, { protocol: 2 });
  onTestFinished(() => stock.disconnect());
  const expected = await steps(stock);
  await stock.flushall();
  await stock.script("FLUSH");
  const { redis } = client(server.url);
  expect(shown(await steps(redis))).toEqual(shown(expected));
});

test("it is the class of ioredis, and the module is the class", async () => {
  const { createRequire } = await import("node:module");
  const Required = createRequire(import.meta.url)("outlast") as typeof Redis & {
    Redis: typeof Redis;
    Cluster: unknown;
    ReplyError: new () => Error;
  };
  expect(Required).toBe(Redis);
  expect(Required.Redis).toBe(Redis);
  expect(Required.Cluster.prototype).toBeInstanceOf(Stock.Cluster);
  const server = await Server.start();
  const redis = new Required(server.port, { logger: false });
  onTestFinished(() => redis.disconnect());
  expect(redis).toBeInstanceOf(Stock);
  const error = await rejection(redis.call("SET", "k"));
  expect(error).toBeInstanceOf(Required.ReplyError);
  expect(error["command"]).toBeUndefined();
});

test("callbacks are told what promises are", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const told: unknown[] = [];
  redis.set("k", "v", (error, reply) => told.push([error, reply]));
  redis.get("k", (error, reply) => told.push([error, reply]));
  redis.lpush("k", "v", (error) => told.push(error?.message));
  redis.call("GET", "k", (error: unknown, reply: unknown) => told.push([error, reply]));
  redis
    .pipeline()
    .get("k")
    .exec((error, replies) => told.push([error, replies]));
  await eventually("all are told", () => told.length === 5);
  const wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
  expect(told.map(String).sort()).toEqual(
    [[null, "OK"], [null, "v"], wrong, [null, "v"], [null, [[null, "v"]]]].map(String).sort(),
  );
});

test("prefixes of keys, numbers as text, scripts as an option, and duplicates of all that", async () => {
  const server = await Server.start();
  const scripts = { prefixed: { lua: "return KEYS[1]", numberOfKeys: 1 } };
  const { redis: first } = client(server.url, { keyPrefix: "p:", stringNumbers: true, scripts });
  for (const redis of [first, first.duplicate()]) {
    onTestFinished(() => redis.disconnect());
    await redis.set("n", 1);
    expect(await redis.incr("n")).toBe("2");
    expect(await redis.mget("n", "none")).toEqual(["2", null]);
    expect(await redis.prefixed("k")).toBe("p:k");
    expect(await redis.keys("*")).toEqual(["p:n"]);
  }
});

test("messages come over a connection of the client's own, and come again after an outage", async () => {
  const server = await Server.start();
  const { redis: listener } = client(server.url);
  const { redis } = client(server.url);
  const heard: string[] = [];
  listener.on("message", (channel, message) => heard.push(`${channel} ${message}`));
  listener.on("pmessage", (pattern, channel) => heard.push(`${pattern} ${channel}`));
  expect(await listener.subscribe("news")).toBe(1);
  expect(await listener.psubscribe("n*")).toBe(2);
  await redis.publish("news", "one");
  await eventually("it is heard", () => heard.length === 2);
  expect(heard).toEqual(["news one", "n* news"]);
  await server.kill();
  expect(await listener.set("k", "in the outage")).toBe("OK");
  await server.restart();
  await eventually("both listen again", async () => {
    return (await server.cli("PUBLISH", "news", "two")) === "2";
  });
  await eventually("it is heard again", () => heard.includes("news two"));
  expect(await listener.unsubscribe("news")).toBe(1);
});

test("MONITOR has a client of its own", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const monitor = await redis.monitor();
  onTestFinished(() => monitor.disconnect());
  const seen = once(monitor, "monitor");
  await server.cli("SET", "seen", "1");
  expect((await seen)[1]).toEqual(["SET", "seen", "1"]);
});

test("the status has the words of ioredis, and a listener for ready has a lazy client dial", async () => {
  const server = await Server.start();
  const redis = new Redis(server.port, { profile: "development", logger: false });
  onTestFinished(() => redis.disconnect());
  expect(redis.status).toBe("wait");
  const states: string[] = [];
  for (const name of ["connecting", "connect", "ready", "close", "end"] as const) {
    redis.on(name, () => states.push(`${name} ${redis.status}`));
  }
  await eventually("it is ready", () => redis.status === "ready");
  await redis.quit();
  await eventually("it has ended", () => redis.status === "end");
  expect(states).toEqual([
    "connecting connecting",
    "connect connect",
    "ready ready",
    "close close",
    "end end",
  ]);
  await redis.connect();
  expect(await redis.ping()).toBe("PONG");
});

test("a retryStrategy that gives no number ends the client", async () => {
  const asked: number[] = [];
  const retryStrategy = (times: number): number | null => {
    asked.push(times);
    return times < 3 ? 1 : null;
  };
  const { redis } = client(`redis://127.0.0.1:${await freePort()}`, {
    profile: "development",
    retryStrategy,
    serverDelayMs: 1,
  });
  expect(await redis.get("k")).toBeNull();
  await eventually("it has ended", () => redis.status === "end");
  expect(asked).toEqual([1, 2, 3]);
  expect((await rejection(redis.get("k"))).message).toBe("Connection is closed.");
});

test("pipelines and transactions are answered from memory, and written back once", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { rules: { "lock:*": "lock" } });
  await redis.set("n", 5);
  await server.kill();
  await redis.get("other");
  expect(
    await redis.pipeline().incr("n").set("p", "v").get("p").lpush("p", 1).exec(),
  ).toMatchObject(
    [[null, 6], [null, "OK"], [null, "v"], [{ message: /WRONGTYPE/ }]].map((row) =>
      row.map((one) => (one !== null && typeof one === "object" ? expect.any(Error) : one)),
    ),
  );
  const done = await redis
    .multi()
    .incrby("n", 10)
    .hset("h", { a: 1 })
    .hgetall("h")
    .getBuffer("p")
    .exec();
  expect(done).toEqual([
    [null, 16],
    [null, 1],
    [null, { a: "1" }],
    [null, Buffer.from("v")],
  ]);
  await redis.multi({ pipeline: false });
  expect(await redis.incr("n")).toBe("QUEUED");
  expect(await redis.exec()).toEqual([[null, 17]]);
  // All or nothing: one of its keys is a lock.
  const refused = await rejection(redis.multi().incr("n").set("lock:a", 1).exec());
  expect(refused).toMatchObject({ code: "redis_unavailable" });
  expect(await redis.get("n")).toBe("17");
  const broken = await rejection(redis.multi().incr("n").call("SET", "x").exec());
  expect(broken.message).toMatch(/^EXECABORT/);
  expect(await redis.get("n")).toBe("17");
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await server.cli("GET", "n")).toBe("17");
  expect(await server.cli("HGET", "h", "a")).toBe("1");
});

test("a transaction that was sent and not answered is in doubt as a whole", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { commandTimeoutMs: 200 });
  await redis.set("n", 1);
  server.freeze();
  const doubtful = redis.multi().incr("n").set("k", "v").exec();
  const idempotent = redis.multi().set("k", "w").get("k").exec();
  expect(await rejection(doubtful)).toMatchObject({ code: "maybe_applied" });
  expect(await idempotent).toEqual([
    [null, "OK"],
    [null, "w"],
  ]);
  server.thaw();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  // Replies of the past reach nobody.
  expect(await redis.get("k")).toBe("w");
  expect(await redis.incr("n")).toBeLessThanOrEqual(3);
});

test("a thousand transactions and plain commands of one tick keep their order", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const calls = Array.from({ length: 1_000 }, async (_, n) => {
    const transaction = redis.multi().incr("n").incr("m").exec();
    return [await redis.incr("n"), (await transaction)?.map(([, value]) => value), n];
  });
  for (const [single, pair, n] of await Promise.all(calls)) {
    expect([single, pair]).toEqual([
      2 * (n as number) + 2,
      [2 * (n as number) + 1, (n as number) + 1],
    ]);
  }
});
