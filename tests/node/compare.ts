/** The same steps on `outlast serve` and on a real redis-server. */

import { Redis as Peer } from "ioredis";
import { expect } from "vitest";

import { port, run } from "./front.ts";
import { Server } from "./helpers.ts";

/** A time that both sides tell, a few seconds apart at most, for one runs after the other. */
export interface About {
  aboutMs: number;
}

export const about = (ms: number): About => ({ aboutMs: ms });

/** Digits before the point that may differ: five seconds. */
const DIGITS_APART = -4;

/** What must be found where this was: the same, and times about the same. */
function near(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(near);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) =>
      name === "aboutMs" ? [name, expect.closeTo(part, DIGITS_APART)] : [name, near(part)],
    ),
  );
}

type Kept = Record<string, unknown>;

/** Every key with its type, what it holds, and its rest of life. */
async function keyspace(peer: Peer): Promise<Kept> {
  const kept: Kept = {};
  for (const key of (await peer.keys("*")).sort()) {
    const type = await peer.type(key);
    const read: Record<string, () => Promise<unknown>> = {
      string: () => peer.get(key),
      list: () => peer.lrange(key, 0, -1),
      set: async () => (await peer.smembers(key)).sort(),
      zset: () => peer.zrange(key, "0", "-1", "WITHSCORES"),
      hash: () => peer.hgetall(key),
      stream: () => peer.xlen(key),
    };
    kept[key] = { type, value: await read[type]?.(), rest: about(await peer.pttl(key)) };
  }
  return kept;
}

/** Runs steps, given a port, on both sides, and compares answers and keys; the answers. */
export async function compare<T>(
  steps: (port: number) => Promise<T>,
  forget: (kept: Kept) => unknown = (kept) => kept,
): Promise<T> {
  const server = await Server.start();
  const sides = [server.port, await port(run(["serve", "--port", "0"]))];
  const found: { answers: T; kept: unknown }[] = [];
  for (const side of sides) {
    const peer = new Peer(side, { maxRetriesPerRequest: 1 });
    try {
      found.push({ answers: await steps(side), kept: forget(await keyspace(peer)) });
    } finally {
      peer.disconnect();
    }
  }
  const [real, front] = found as [(typeof found)[0], (typeof found)[0]];
  expect(front).toEqual(near(real));
  return real.answers;
}
