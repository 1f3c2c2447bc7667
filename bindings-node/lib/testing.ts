/**
 * Outages on demand, for the tests of an application: its client behaves as if Redis were away, in the
 * way that is asked for, and no server has to be stopped.
 *
 * ```js
 * await using outage = await causeOutage(redis, "refused");
 * ```
 */

import { linkOfAny } from "./cluster.js";
import type { Cluster } from "./cluster.js";
import { invalidArgument } from "./errors.js";
import type { Redis } from "./redis.js";
import type { FailureKind } from "./types.js";

/** How Redis is away: short words for what is asked for most, or the code of a failure. */
export type Cause = "refused" | "lost" | "timeout" | "dns" | "tls" | FailureKind;

/** An outage that lasts until it is ended, or its scope is left (`await using`). */
export class Outage implements AsyncDisposable {
  readonly #redis: Redis | Cluster;
  #isOver = false;

  /** @ignore */
  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
  }

  /** Ends it: Redis is dialled at once. Resolves when that dial has ended. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await linkOfAny(this.#redis)?.endOutage();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/**
 * Ends the client's connection and has its dials fail in this way. Resolves when commands are no longer
 * sent to Redis; a client that has not dialled yet fails when it does.
 */
export async function causeOutage(
  redis: Redis | Cluster,
  cause: Cause = "refused",
): Promise<Outage> {
  const link = linkOfAny(redis);
  if (link === undefined) {
    const message = "a connection of ioredis alone has no outage on demand";
    throw invalidArgument(message);
  }
  await link.causeOutage(cause);
  return new Outage(redis);
}
