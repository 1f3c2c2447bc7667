/**
 * Libraries that keep sessions and count requests: they do on `outlast serve` what they do on a real
 * redis-server, with the scripts that they ship.
 */

import { RedisStore as SessionStore } from "connect-redis";
import { Redis as Peer } from "ioredis";
import { RedisStore as HitStore } from "rate-limit-redis";
import {
  BurstyRateLimiter,
  RateLimiterRedis,
  RateLimiterRedisNonAtomic,
  RateLimiterRes,
} from "rate-limiter-flexible";
import { createClient } from "redis";
import { expect, test } from "vitest";

import { about, compare } from "./compare.ts";

const HOUR_S = 3_600;

const nodeRedis = (port: number) => createClient({ url: `redis://127.0.0.1:${port}` });

/** Runs steps with a client of the package `redis`. */
async function withNodeRedis<T>(
  port: number,
  steps: (redis: ReturnType<typeof nodeRedis>) => Promise<T>,
): Promise<T> {
  const redis = nodeRedis(port);
  await redis.connect();
  try {
    return await steps(redis);
  } finally {
    await redis.close();
  }
}

/** Runs steps with a client of the package `ioredis`. */
async function withIoredis<T>(port: number, steps: (redis: Peer) => Promise<T>): Promise<T> {
  const redis = new Peer(port);
  try {
    return await steps(redis);
  } finally {
    redis.disconnect();
  }
}

/** What a limiter answers, be it yes or no. */
async function limited(call: Promise<unknown>): Promise<unknown> {
  const answer = await call.catch((refusal: unknown) => refusal);
  if (!(answer instanceof RateLimiterRes)) return answer;
  const { consumedPoints, remainingPoints, isFirstInDuration, msBeforeNext } = answer;
  return [consumedPoints, remainingPoints, isFirstInDuration, about(msBeforeNext)];
}

/** All that one limiter can do, in one order. */
async function limit(storeClient: unknown, options: object): Promise<unknown[]> {
  const answers: unknown[] = [];
  const common = { storeClient, points: 3, duration: HOUR_S, ...options };
  for (const Limiter of [RateLimiterRedis, RateLimiterRedisNonAtomic]) {
    const limiter = new Limiter({ ...common, keyPrefix: Limiter.name, blockDuration: 2 * HOUR_S });
    for (const points of [1, 2, 1, 1]) answers.push(await limited(limiter.consume("a", points)));
    answers.push(await limited(limiter.get("a")), await limited(limiter.get("nobody")));
    answers.push(await limited(limiter.penalty("b", 2)), await limited(limiter.reward("b", 1)));
    answers.push(await limited(limiter.block("c", HOUR_S)), await limited(limiter.consume("c")));
    answers.push(await limited(limiter.set("d", 2, HOUR_S)), await limiter.delete("d"));
    answers.push(await limiter.delete("d"), await limited(limiter.set("e", 1, 0)));
  }
  const bursty = new BurstyRateLimiter(
    new RateLimiterRedis({ ...common, points: 1, keyPrefix: "steady" }),
    new RateLimiterRedis({ ...common, points: 2, keyPrefix: "burst" }),
  );
  for (let call = 0; call < 4; call += 1) answers.push(await limited(bursty.consume("a")));
  return answers;
}

test("rate-limiter-flexible counts alike with ioredis", async () => {
  const answers = await compare((port) => withIoredis(port, (redis) => limit(redis, {})));
  expect(answers[2]).toEqual([4, 0, false, about(2 * HOUR_S * 1_000)]);
});

test("rate-limiter-flexible counts alike with node-redis", async () => {
  const options = { useRedisPackage: true };
  await compare((port) => withNodeRedis(port, (redis) => limit(redis, options)));
});

test("rate-limiter-flexible lets in again when the time is over", async () => {
  const again = (port: number): Promise<unknown> =>
    withIoredis(port, async (storeClient) => {
      const limiter = new RateLimiterRedis({ storeClient, points: 1, duration: 1 });
      await limiter.consume("a");
      const refused = await limited(limiter.consume("a"));
      const consumed = (): Promise<boolean> =>
        limiter.consume("a").then(
          () => true,
          () => false,
        );
      while (!(await consumed()));
      return refused;
    });
  await compare(again, () => "their rest of life is short");
});

test("rate-limit-redis counts alike, and sends its scripts again when they were forgotten", async () => {
  const count = (port: number): Promise<unknown> =>
    withNodeRedis(port, async (redis) => {
      const store = new HitStore({ sendCommand: (...args: string[]) => redis.sendCommand(args) });
      // The other options are those of the middleware.
      await store.init({ windowMs: HOUR_S * 1_000 } as Parameters<HitStore["init"]>[0]);
      const told = (hits: Awaited<ReturnType<HitStore["get"]>>): unknown =>
        hits && [hits.totalHits, about((hits.resetTime?.getTime() ?? 0) - Date.now())];
      const answers = [told(await store.increment("a")), told(await store.increment("a"))];
      await redis.scriptFlush();
      answers.push(told(await store.increment("a")), told(await store.get("a")));
      await store.decrement("a");
      answers.push(told(await store.get("a")));
      await store.increment("b");
      await store.resetKey("b");
      return answers;
    });
  const answers = await compare(count);
  expect((answers as unknown[][]).map(([hits]) => hits)).toEqual([1, 2, 3, 3, 2]);
});

test("connect-redis keeps sessions alike", async () => {
  const began = Date.now();
  const keep = (port: number): Promise<unknown> =>
    withNodeRedis(port, async (client) => {
      const store = new SessionStore({ client, ttl: HOUR_S });
      const session = (user: number, expires?: Date): any => ({
        user,
        cookie: expires ? { expires } : {},
      });
      const byId = (one: { id: string }, other: { id: string }): number =>
        one.id < other.id ? -1 : 1;
      const sessions = Array.from({ length: 250 }, (_, user) => user);
      await Promise.all(sessions.map((user) => store.set(`s${user}`, session(user))));
      await store.set("soon", session(1, new Date(began + 600_000)));
      await store.set("over", session(2, new Date(began - 1_000)));
      await store.touch("s1", session(1, new Date(began + 7_200_000)));
      await store.touch("nobody", session(0));
      await store.destroy("s2");
      await client.set("other", "stays");
      const answers = [await store.get("s3"), await store.get("s2"), await store.get("over")];
      answers.push(await store.length(), ((await store.ids()) as string[]).sort());
      answers.push(((await store.all()) as { id: string }[]).sort(byId).length);
      const other = new SessionStore({ client, prefix: "other-sessions:", disableTTL: true });
      await other.set("kept", session(5));
      await other.clear();
      await other.set("kept", session(6));
      return answers;
    });
  const answers = (await compare(keep)) as unknown[];
  expect(answers[3]).toBe(250);
});
