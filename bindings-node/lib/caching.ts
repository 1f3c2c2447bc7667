/** Cached values that are loaded once, and rate limits: `redis.cached`, `redis.rateLimited`. */

import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";

import { ReplyError } from "ioredis";

import * as native from "../index.js";
import { InvalidOption, OutlastError, guarded } from "./errors.js";
import type { Link } from "./link.js";
import { ignore } from "./promises.js";
import type { RateLimited } from "./types.js";

/** How a value is cached. */
export interface CachedOptions {
  /**
   * Seconds that a value is kept beyond its time, for when Redis is away or the loader fails; as long
   * as its time unless told otherwise.
   */
  staleFor?: number;
  /** How eagerly it is loaded before its time is over: 0 never; 1 unless told otherwise. */
  beta?: number;
}

/** How requests are counted. */
export interface RateLimitOptions {
  /** What the request counts; 1 unless told otherwise. */
  cost?: number;
  /** `sliding` unless told otherwise; `fixed` windows allow up to twice the limit around their ends. */
  window?: "sliding" | "fixed";
  /** The share of the limit that this process allows while Redis is away, above 0 to 1 (1). */
  share?: number;
}

/** What is asked of the client. */
interface Asked {
  readonly options: { keyPrefix?: string | undefined };
  get(key: string): Promise<string | null>;
  pttl(key: string): Promise<number>;
  set(key: string, value: string, px: "PX", milliseconds: number): Promise<unknown>;
  call(name: string, ...args: (string | number)[]): Promise<unknown>;
}

type Found = { freshness: string; json: string } | undefined;

const script = native.rateLimitScript();
const digest = createHash("sha1").update(script).digest("hex");

export class Caching {
  readonly #redis: Asked;
  readonly #link: () => Link | undefined;
  /** What is being loaded: whoever asks meanwhile gets the same. */
  readonly #loads = new Map<string, Promise<unknown>>();

  constructor(redis: Asked, link: () => Link | undefined) {
    this.#redis = redis;
    this.#link = link;
  }

  async cached<T>(
    key: string,
    ttl: number,
    loader: () => T | Promise<T>,
    { staleFor = ttl, beta = 1 }: CachedOptions,
  ): Promise<T> {
    const [ttlMs, staleMs] = [milliseconds("ttl", ttl), milliseconds("staleFor", staleFor)];
    const load = (): Promise<T> => this.#load(key, ttlMs, staleMs, loader);
    const found = await this.#find(key, staleMs, Math.round(beta * 1_000));
    if (found === undefined) return load();
    const { freshness, json } = found;
    if (freshness === "stale") return load().catch(() => JSON.parse(json) as T);
    if (freshness !== "fresh") load().catch(ignore);
    return JSON.parse(json) as T;
  }

  async rateLimit(
    key: string,
    limit: number,
    window: number,
    { cost = 1, window: kind = "sliding", share = 1 }: RateLimitOptions,
  ): Promise<RateLimited> {
    const windowMs = milliseconds("window", window);
    const rule = guarded(
      () => new native.RateLimit(limit, windowMs, cost, kind, Math.round(share * 1_000)),
    );
    const counted = (await this.#count(key, rule)) ?? this.#link()?.limitLocally(rule, key);
    if (counted === undefined || counted === null) throw unexpected();
    return JSON.parse(counted) as RateLimited;
  }

  async #find(key: string, staleMs: number, betaPermille: number): Promise<Found> {
    const asked = Promise.all([this.#redis.get(key), this.#redis.pttl(key)]);
    const [entry, leftMs] = await asked.catch(unlessCommand(() => [null, 0] as const));
    if (entry === null) return undefined;
    const isDown = this.#isAway(key);
    const random = Math.floor(Math.random() * 2 ** 32);
    const told = native.cached(entry, leftMs, staleMs, betaPermille, isDown, random);
    if (told === null) return undefined;
    const [freshness, json] = told;
    return { freshness, json };
  }

  #load<T>(key: string, ttlMs: number, staleMs: number, loader: () => T | Promise<T>): Promise<T> {
    const under = this.#loads.get(key);
    if (under !== undefined) return under as Promise<T>;
    const load = async (): Promise<T> => {
      const began = performance.now();
      const value = await loader();
      const costMs = performance.now() - began;
      const json = JSON.stringify(value) as string | undefined;
      if (json !== undefined) {
        const [entry, keptMs] = native.cacheEntry(json, costMs, ttlMs, staleMs);
        // That it cannot be kept is no reason not to use it.
        await this.#redis.set(key, entry, "PX", keptMs).catch(unlessCommand(ignore));
      }
      return value;
    };
    const loading = load().finally(() => this.#loads.delete(key));
    this.#loads.set(key, loading);
    return loading;
  }

  #isAway(key: string): boolean {
    return this.#link()?.isAwayFor(`${this.#redis.options.keyPrefix ?? ""}${key}`) === true;
  }

  /** What Redis counts; nothing while it is away. */
  async #count(key: string, rule: native.RateLimit): Promise<string | null | undefined> {
    const isAway = (): boolean => this.#isAway(key);
    if (isAway()) return undefined;
    const counting = this.#redis.call("EVALSHA", digest, 1, key, ...rule.arguments());
    const answer = await counting
      .catch((error: unknown) => {
        if (!(error instanceof Error) || !/^NOSCRIPT/.test(error.message)) throw error;
        return isAway() ? undefined : this.#redis.call("EVAL", script, 1, key, ...rule.arguments());
      })
      .catch(unlessCommand(() => undefined));
    return answer === undefined ? undefined : rule.answered(answer as number[]);
  }
}

/** Redis being away is answered for; what is wrong with a command is the program's affair. */
function unlessCommand<T>(otherwise: () => T): (error: unknown) => T {
  return (error) => {
    if (!(error instanceof OutlastError) || error instanceof ReplyError) throw error;
    return otherwise();
  };
}

function milliseconds(name: string, seconds: number): number {
  if (!Number.isFinite(seconds) || seconds < 0 || (name !== "staleFor" && seconds < 0.001)) {
    const message = `invalid ${name} ${String(seconds)}: allowed is a number of seconds`;
    throw new InvalidOption({ name: "InvalidOption", code: "invalid_option", message });
  }
  return Math.round(seconds * 1_000);
}

function unexpected(): Error {
  const message = "the rate limit's script gave an unexpected answer";
  return new OutlastError({ name: "InvalidArgument", code: "invalid_argument", message });
}
