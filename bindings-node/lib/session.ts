/**
 * A connection of a client's own, for what no shared one can carry: subscriptions, blocking
 * commands, WATCH, a database chosen later. It is one of ioredis; Redis being away, its commands
 * wait for Redis as they do there.
 */

import { Redis as Stock } from "ioredis";
import type { Command, RedisOptions } from "ioredis";

const MESSAGES = [
  "message",
  "messageBuffer",
  "pmessage",
  "pmessageBuffer",
  "smessage",
  "smessageBuffer",
] as const;

export class Session {
  readonly #redis: Stock;

  constructor(options: RedisOptions, emit: (event: string, ...values: unknown[]) => void) {
    const own: RedisOptions = {
      ...options,
      // The command that comes here has its prefix, and its pipeline.
      keyPrefix: "",
      scripts: undefined,
      enableAutoPipelining: false,
      lazyConnect: true,
    };
    this.#redis = new Stock(...([own] as unknown as []));
    // The client's own events tell of an outage, once for each cause.
    this.#redis.on("error", () => undefined);
    for (const name of MESSAGES) this.#redis.on(name, (...values) => emit(name, ...values));
    this.#redis.on("select", (database) => emit("select", database));
  }

  get condition(): Stock["condition"] {
    return this.#redis.condition;
  }

  /** Whether only commands about subscriptions may be sent. */
  get isSubscriber(): boolean {
    return this.#redis.mode === "subscriber";
  }

  send(command: Command): unknown {
    return this.#redis.sendCommand(command);
  }

  quit(): Promise<unknown> {
    return this.#redis.status === "ready" ? this.#redis.quit() : Promise.resolve(this.close());
  }

  close(): void {
    this.#redis.disconnect();
  }
}
