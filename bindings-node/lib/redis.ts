import { EventEmitter } from "node:events";
import { inspect } from "node:util";

import { Announcer } from "./events.js";
import type { RedisEvents } from "./events.js";
import { Link } from "./link.js";
import { settingsOf } from "./options.js";
import type { RedisArguments } from "./options.js";
import type { Status } from "./types.js";

/** A key. A lone surrogate in a string becomes U+FFFD, as everywhere in Node. */
export type Key = string | Uint8Array;

/** A value. Numbers are stored as JavaScript writes them. */
export type Value = string | Uint8Array | number | bigint;

/**
 * A client of one Redis that goes on answering while Redis is away.
 *
 * Each call ends within its deadline, in every mode. A rejection that nobody handles ends no
 * process. From its first dial until it is closed a client keeps the process alive.
 */
export class Redis extends EventEmitter<RedisEvents> {
  readonly #link: Link;

  constructor(...given: RedisArguments) {
    super();
    const { url, knobs, logger } = settingsOf(given);
    const announcer = new Announcer(this, logger, () => this.#link.status());
    this.#link = new Link(url, knobs, (happenings) => announcer.announce(happenings));
  }

  /**
   * Dials now, if that has not happened yet, and resolves when commands are served: by Redis, or
   * from memory where Redis is optional. Rejects with `RedisUnavailable` where it is required.
   */
  connect(): Promise<void> {
    return this.#link.connect();
  }

  get(key: Key): Promise<string | null> {
    return this.#call(["GET", key]) as Promise<string | null>;
  }

  /** As `get`, with the bytes as they are. */
  getBuffer(key: Key): Promise<Buffer | null> {
    return this.#link.submit(["GET", key], true) as Promise<Buffer | null>;
  }

  /** `set("k", "v", "EX", 5, "NX")`. Resolves with null where `NX` or `XX` kept it from setting. */
  set(key: Key, value: Value, ...options: (string | number | bigint)[]): Promise<string | null> {
    return this.#call(["SET", key, value, ...options]) as Promise<string | null>;
  }

  setex(key: Key, seconds: number | string, value: Value): Promise<"OK"> {
    return this.#call(["SETEX", key, seconds, value]) as Promise<"OK">;
  }

  /** A counter beyond 2^53 is a bigint. */
  incr(key: Key): Promise<number | bigint> {
    return this.#call(["INCR", key]) as Promise<number | bigint>;
  }

  /** A counter beyond 2^53 is a bigint. */
  incrby(key: Key, increment: number | bigint | string): Promise<number | bigint> {
    return this.#call(["INCRBY", key, increment]) as Promise<number | bigint>;
  }

  /** Deletes keys, one by one or as a list; how many there were. */
  del(...keys: (Key | readonly Key[])[]): Promise<number> {
    return this.#call(["DEL", ...keys.flat()]) as Promise<number>;
  }

  /** 1 if there is such a key. */
  expire(key: Key, seconds: number | string): Promise<number> {
    return this.#call(["EXPIRE", key, seconds]) as Promise<number>;
  }

  /** Seconds left; -1 without an expiry, -2 without such a key. */
  ttl(key: Key): Promise<number> {
    return this.#call(["TTL", key]) as Promise<number>;
  }

  ping(message?: Value): Promise<string> {
    const args = message === undefined ? ["PING"] : ["PING", message];
    return this.#call(args) as Promise<string>;
  }

  /**
   * Any command, by its name. Whole numbers are numbers, beyond 2^53 bigints; no value is null;
   * bytes are decoded as UTF-8.
   */
  call(name: string, ...args: Value[]): Promise<unknown> {
    return this.#call([name, ...args]);
  }

  /** As `call`, with bytes as they are. */
  callBuffer(name: string, ...args: Value[]): Promise<unknown> {
    return this.#link.submit([name, ...args], true);
  }

  /** The snapshot that an operator wants to see; times are in seconds. */
  status(): Status {
    return this.#link.status();
  }

  /** Closes once every command that waits has ended. No other is taken from now on. */
  async quit(): Promise<"OK"> {
    await this.#link.drain();
    return "OK";
  }

  /** Closes now: commands that wait are rejected with `Closed`. */
  disconnect(): void {
    this.#link.close();
  }

  #call(args: readonly unknown[]): Promise<unknown> {
    return this.#link.submit(args, false);
  }

  /** Where it leads and how it is, without anything secret. */
  toJSON(): { endpoint: string; mode: string } {
    const { endpoint, mode } = this.#link.status();
    return { endpoint, mode };
  }

  [inspect.custom](): string {
    const { endpoint, mode } = this.toJSON();
    return `Redis { ${endpoint}, ${mode} }`;
  }
}
