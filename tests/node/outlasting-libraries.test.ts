/** Real libraries on a client of outlast, over a redis-server that is killed and started again. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import KeyvRedis from "@keyv/redis";
import { Queue, Worker } from "bullmq";
import { RedisStore as SessionStore } from "connect-redis";
import express from "express";
import { rateLimit } from "express-rate-limit";
import session from "express-session";
import Keyv from "keyv";
import { createClient } from "outlast/node-redis";
import type { Client, NodeRedisOptions } from "outlast/node-redis";
import { RedisStore as HitStore } from "rate-limit-redis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, eventually } from "./helpers.ts";

async function nodeRedis(url: string, options: NodeRedisOptions = {}): Promise<Client> {
  const redis = createClient({ url, profile: "production", logger: false, ...options });
  onTestFinished(() => redis.destroy());
  await redis.connect();
  return redis;
}

/** Serves the application for the length of the test. */
async function served(app: express.Express): Promise<string> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("sessions of connect-redis with express-session go on, and are there afterwards", async () => {
  const server = await Server.start();
  const redis = await nodeRedis(server.url, { rules: { "sess:*": "session" } });
  const app = express();
  app.use(
    session({
      store: new SessionStore({ client: redis }),
      secret: "of the test",
      resave: false,
      saveUninitialized: false,
    }),
  );
  app.get("/", (request, response) => {
    const kept = request.session as unknown as { visits?: number };
    kept.visits = (kept.visits ?? 0) + 1;
    response.json(kept.visits);
  });
  const url = await served(app);
  let cookie = "";
  const visit = async (): Promise<unknown> => {
    const response = await fetch(url, { headers: { cookie } });
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return response.json();
  };
  expect(await visit()).toBe(1);
  expect(await visit()).toBe(2);
  await server.kill();
  // Known from before the outage, and kept in it.
  expect(await visit()).toBe(3);
  expect(await visit()).toBe(4);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await visit()).toBe(5);
  const [key] = (await server.cli("KEYS", "sess:*")).split("\n");
  expect(JSON.parse(await server.cli("GET", key ?? ""))).toMatchObject({ visits: 5 });
});

test("express-rate-limit with rate-limit-redis goes on counting, and refuses as before", async () => {
  const server = await Server.start();
  const redis = await nodeRedis(server.url, { rules: { "rl:*": "counter" } });
  const app = express();
  app.use(
    rateLimit({
      windowMs: 60_000,
      limit: 4,
      store: new HitStore({ sendCommand: (...args: string[]) => redis.sendCommand(args) as never }),
    }),
  );
  app.get("/", (_, response) => void response.send("ok"));
  const url = await served(app);
  const visit = async (): Promise<number> => (await fetch(url)).status;
  expect([await visit(), await visit()]).toEqual([200, 200]);
  await server.kill();
  const inOutage: number[] = [];
  for (let call = 0; call < 5; call += 1) inOutage.push(await visit());
  expect(inOutage.filter((status) => status === 500)).toEqual([]);
  expect(inOutage.at(-1)).toBe(429);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await visit()).toBe(429);
});

test("rate-limiter-flexible goes on counting from memory, and on Redis with that count", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { rules: { "rlflx:*": "counter" } });
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 5, duration: 3_600 });
  const consume = async (): Promise<number> => (await limiter.consume("a")).consumedPoints;
  expect(await consume()).toBe(1);
  await server.kill();
  const inOutage = await consume();
  expect(await consume()).toBe(inOutage + 1);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await consume()).toBeGreaterThan(inOutage + 1);
});

test("keyv keeps, clears and lists values through an outage", async () => {
  const server = await Server.start();
  const redis = await nodeRedis(server.url);
  const keyv = new Keyv({ store: new KeyvRedis(redis as never), useKeyPrefix: false });
  await keyv.set("before", { n: 1 }, 60_000);
  expect(await keyv.get("before")).toEqual({ n: 1 });
  await server.kill();
  expect(await keyv.set("during", [1, 2], 60_000)).toBe(true);
  expect(await keyv.get("during")).toEqual([1, 2]);
  expect(await keyv.get("before")).toEqual({ n: 1 });
  expect(await keyv.delete("before")).toBe(true);
  expect(await keyv.getMany(["during", "before"])).toEqual([[1, 2], undefined]);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await keyv.get("during")).toEqual([1, 2]);
  expect(await keyv.get("before")).toBeUndefined();
});

test("node-redis' multi is all or nothing, from memory as well", async () => {
  const server = await Server.start();
  const redis = await nodeRedis(server.url);
  const steps = async (): Promise<unknown[]> => [
    await redis.multi().set("k", "1").incr("k").hSet("h", { a: 1, b: "x" }).hGetAll("h").exec(),
    await redis.hGetAll("h"),
    await redis.zAdd("z", [{ value: "m", score: 1.5 }]),
    await redis.zRangeWithScores("z", 0, -1),
    await redis.set("nx", "v", { condition: "NX" }).catch((error: Error) => error.name),
    await redis
      .multi()
      .set("k", "1")
      .lPush("k", "x")
      .exec()
      .catch((error: Error) => error.name),
  ];
  const expected = [
    ["OK", 2, 2, { a: "1", b: "x" }],
    { a: "1", b: "x" },
    1,
    [{ value: "m", score: 1.5 }],
  ];
  expect(await steps()).toEqual([...expected, "OK", "CommandError"]);
  await redis.flushAll();
  await server.kill();
  expect(await steps()).toEqual([...expected, "RedisUnavailable", "CommandError"]);
});

test("BullMQ's jobs are neither lost nor doubled by a restart", async () => {
  const server = await Server.start();
  const options = { maxRetriesPerRequest: null, rules: { "bull:*": "queue" } } as const;
  const { redis: adding } = client(server.url, options);
  const { redis: working } = client(server.url, options);
  const queue = new Queue("jobs", { connection: adding as never });
  const done: number[] = [];
  const worker = new Worker("jobs", async ({ data }) => void done.push(data as number), {
    connection: working as never,
    // How long it waits where it has no connection; 15 s unless told otherwise.
    runRetryDelay: 100,
  });
  queue.on("error", () => undefined);
  worker.on("error", () => undefined);
  onTestFinished(async () => {
    await worker.close(true);
    await queue.close();
  });
  await queue.add("job", 1);
  await eventually("the first job is done", () => done.includes(1));
  await server.kill();
  // A queue is not answered from memory: its script is refused at once, so the caller knows.
  await expect(queue.add("job", 2)).rejects.toThrow(/rule "bull:\*"|unavailable|not served/);
  await server.restart();
  await eventually("back on Redis", () => adding.getStatus().redis_connected);
  for (const job of [3, 4, 5]) await queue.add("job", job);
  await eventually("the rest is done", () => done.length >= 4);
  expect(done).toEqual([1, 3, 4, 5]);
}, 60_000);
