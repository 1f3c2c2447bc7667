/** Pipelines of any length and any size, with errors in them, with Redis and without. */

import { Redis as Peer } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

import { client, eventually, Server } from "./helpers.ts";

type Piped = [error: Error | null, reply?: unknown][] | null;

/** What can be compared. */
const shown = (piped: Piped) =>
  piped?.map(([error, reply]) => (error === null ? [null, reply] : [error.message]));

test("a pipeline of any length and any size answers in its order", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const long = "x".repeat(1_000);
  for (const count of [1, 126, 127, 128, 511, 512, 513, 2_000]) {
    const pipeline = redis.pipeline();
    for (let at = 0; at < count; at += 1) pipeline.set(`k${at}`, `${long}${at}`);
    expect(await pipeline.exec()).toEqual(new Array(count).fill([null, "OK"]));
    const asked = redis.pipeline();
    for (let at = 0; at < count; at += 1) asked.get(`k${at}`);
    const expected = Array.from({ length: count }, (_, at) => [null, `${long}${at}`]);
    expect(await asked.exec()).toEqual(expected);
  }
});

test("errors, bytes and other commands among them are in their places, as in ioredis", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const peer = new Peer(server.port, "127.0.0.1");
  onTestFinished(() => peer.disconnect());
  const steps = async (one: Peer | typeof redis) => {
    const pipeline = one.pipeline().flushall().set("k", "ü").get("k").getBuffer("k").lpush("k", 1);
    for (let at = 0; at < 600; at += 1) pipeline.incr("n");
    return shown((await pipeline.lpush("k", 1).get("none").exec()) as Piped);
  };
  const [ours, theirs] = [await steps(redis), await steps(peer)];
  expect(ours).toEqual(theirs);
  expect(ours?.[3]).toEqual([null, Buffer.from("ü")]);
});

test("pipelines and commands of one tick keep their order", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const all = [
    redis.incr("n"),
    redis.pipeline().incr("n").incr("n").exec(),
    redis.incr("n"),
    redis.pipeline().incr("n").exec(),
  ];
  expect(await Promise.all(all)).toEqual([
    1,
    [
      [null, 2],
      [null, 3],
    ],
    4,
    [[null, 5]],
  ]);
  const next = await redis
    .pipeline()
    .incr("n")
    .exec(() => void redis.incr("told"));
  expect(next).toEqual([[null, 6]]);
  await eventually(
    "what was asked when it was told",
    async () => (await redis.get("told")) === "1",
  );
});

test("a pipeline is answered from memory, and what is refused says why", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.set("k", "v");
  await server.kill();
  await eventually("Redis is away", () => redis.getStatus().mode === "degraded");
  const replies = await redis.pipeline().get("k").setnx("lock", 1).incr("n").getBuffer("k").exec();
  expect(replies?.map(([error]) => error?.name)).toEqual([
    undefined,
    "RedisUnavailable",
    undefined,
    undefined,
  ]);
  expect([replies?.[0]?.[1], replies?.[2]?.[1]]).toEqual(["v", 1]);
  expect(replies?.[3]?.[1]).toEqual(Buffer.from("v"));
});

test("each command of a pipeline that is beyond in_flight_max is refused alone", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { inFlightMax: 3 });
  await redis.ping();
  const pipeline = redis.pipeline();
  for (let at = 0; at < 5; at += 1) pipeline.incr("n");
  const replies = await pipeline.exec();
  expect(replies?.slice(0, 3)).toEqual([1, 2, 3].map((number) => [null, number]));
  expect(replies?.slice(3).map(([error]) => error?.name)).toEqual(["LimitReached", "LimitReached"]);
  expect(await redis.get("n")).toBe("3");
});
