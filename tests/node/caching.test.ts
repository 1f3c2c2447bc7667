/** Cached values and rate limits, on Redis, without it, and with it again. */

import { expect, test } from "vitest";

import { Server, client, eventually, rejection } from "./helpers.ts";

/** A loader that counts, and gives its count once it is let. */
function counting(): { load: () => Promise<number>; calls: () => number } {
  let calls = 0;
  return { load: async () => (calls += 1), calls: () => calls };
}

test("a value is loaded by one caller for all, and kept", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const { load, calls } = counting();
  const asked = Array.from({ length: 50 }, () => redis.cached("k", 60, load));
  expect(new Set(await Promise.all(asked))).toEqual(new Set([1]));
  expect(await redis.cached("k", 60, load)).toBe(1);
  expect(calls()).toBe(1);
  expect(await server.cli("GET", "k")).toMatch(/^\d+ 1$/);
  expect(Number(await server.cli("PTTL", "k"))).toBeGreaterThan(110_000);
});

test("what a loader throws reaches all who asked, and is not kept", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const fail = (): never => {
    throw new Error("the database is away, too");
  };
  const asked = [redis.cached("k", 60, fail), redis.cached("k", 60, fail)];
  for (const one of asked) expect((await rejection(one)).message).toMatch(/database/);
  expect(await server.cli("EXISTS", "k")).toBe("0");
  expect(await redis.cached("k", 60, () => ({ a: [1, null] }))).toEqual({ a: [1, null] });
  expect(await redis.cached("k", 60, fail)).toEqual({ a: [1, null] });
});

test("a value beyond its time is loaded, and used where that fails", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const { load } = counting();
  const once = (loader: () => unknown): Promise<unknown> =>
    redis.cached("k", 0.05, loader, { staleFor: 60, beta: 0 });
  expect(await once(load)).toBe(1);
  await eventually("its time is over", async () => Number(await server.cli("PTTL", "k")) < 60_000);
  const fail = (): never => {
    throw new Error("away");
  };
  expect(await once(fail)).toBe(1);
  expect(await once(load)).toBe(2);
});

test("a value is loaded before its time is over, by one caller, and nobody waits for it", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const { load, calls } = counting();
  // It took 1000 s to load, so every draw is early.
  await server.cli("SET", "k", '1000000 "old"', "PX", "90000");
  const asked = Array.from({ length: 20 }, () =>
    redis.cached<unknown>("k", 60, load, { staleFor: 30, beta: 100 }),
  );
  expect(new Set(await Promise.all(asked))).toEqual(new Set(["old"]));
  await eventually("it was loaded", async () => (await server.cli("GET", "k")).endsWith(" 1"));
  expect(calls()).toBe(1);
});

test("while Redis is away values are served beyond their time, and loaded meanwhile", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { profile: "production" });
  const { load, calls } = counting();
  const ask = (): Promise<number> => redis.cached("k", 0.05, load, { staleFor: 60, beta: 0 });
  expect(await ask()).toBe(1);
  await server.kill();
  await eventually("its time is over", async () => (await redis.pttl("k")) < 60_000);
  expect(await ask()).toBe(1);
  await eventually("it was loaded", () => calls() === 2);
  expect(await ask()).toBe(2);
  // What was never known is loaded by whoever asks.
  expect(await redis.cached("other", 60, () => "new")).toBe("new");
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await server.cli("GET", "other")).toMatch(/^\d+ "new"$/);
});

test("a key of another type is the program's mistake, a value of another shape is loaded anew", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.lpush("list", 1);
  await redis.set("text", "hello");
  expect((await rejection(redis.cached("list", 60, () => 1))).message).toMatch(/^WRONGTYPE/);
  expect(await redis.cached("text", 60, () => 1)).toBe(1);
  expect(await rejection(redis.cached("k", 0, () => 1))).toMatchObject({ code: "invalid_option" });
});

test("a limit holds for all clients together, whatever the window", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const { redis: other } = client(server.url);
  for (const window of ["sliding", "fixed"] as const) {
    const asked = Array.from({ length: 20 }, (_, n) =>
      (n % 2 === 0 ? redis : other).rateLimited(`rl:${window}`, 7, 3_600, { window }),
    );
    const verdicts = await Promise.all(asked);
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(7);
    expect(new Set(verdicts.map(({ counted_by }) => counted_by))).toEqual(new Set(["redis"]));
    const { retry_after_ms, reset_ms } = verdicts.at(-1)!;
    expect(retry_after_ms).toBeGreaterThanOrEqual(reset_ms);
    expect(await redis.pttl(`rl:${window}`)).toBeGreaterThan(7_100_000);
  }
});

test("while Redis is away a process allows its share, and Redis counts again afterwards", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const ask = (): ReturnType<typeof redis.rateLimited> =>
    redis.rateLimited("rl", 8, 3_600, { share: 0.25 });
  expect(await ask()).toMatchObject({ allowed: true, remaining: 7, counted_by: "redis" });
  await server.kill();
  await eventually("it is degraded", async () => {
    await redis.get("k").catch(() => undefined);
    return !redis.getStatus().redis_connected;
  });
  const verdicts = [await ask(), await ask(), await ask()];
  expect(verdicts.map(({ allowed }) => allowed)).toEqual([true, true, false]);
  expect(new Set(verdicts.map(({ counted_by }) => counted_by))).toEqual(new Set(["process"]));
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await ask()).toMatchObject({ allowed: true, remaining: 6, counted_by: "redis" });
  expect(await rejection(redis.rateLimited("rl", 1, 60, { cost: 2 }))).toMatchObject({
    code: "invalid_option",
  });
});
