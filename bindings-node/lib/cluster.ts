/** The cluster client of ioredis, over a client of the whole cluster that goes on answering. */

import { inspect } from "node:util";

import { Cluster as Stock, Redis as StockRedis } from "ioredis";
import type { Callback, ChainableCommander, ClusterNode, Command, ScanStream } from "ioredis";

import { abortable } from "./abort.js";
import type { CachedOptions, RateLimitOptions } from "./caching.js";
import { redisOptionsOf } from "./cluster-options.js";
import type { ClusterOptions, StartupNode } from "./cluster-options.js";
import { RedisUnavailable } from "./errors.js";
import type { DeadLetter } from "./dead-letters.js";
import type { Link } from "./link.js";
import { nodeify } from "./promises.js";
import { CHANGED, Redis, linkOf } from "./redis.js";
import type { LogRecord, RateLimited, Status } from "./types.js";

type Method = (this: Cluster, ...args: unknown[]) => unknown;

/** Events that this class has of itself. */
const OWN = new Set<string | symbol>([
  "newListener",
  "removeListener",
  "+node",
  "-node",
  "node error",
]);

/** What ioredis keeps in a cluster client. */
interface Inside {
  connectionPool: { reset(nodes: { host: string; port: number; readOnly: boolean }[]): void };
  options: Stock["options"];
  defineCommand: Stock["defineCommand"];
}

/** The link of a client, for what else belongs to this package. */
export function linkOfAny(client: Redis | Cluster): Link | undefined {
  return linkOf(client instanceof Cluster ? Cluster.redisOf(client) : client);
}

/**
 * The cluster client of ioredis. Commands are routed, sent and, where their shard is away, answered from
 * memory natively: what one shard's outage touches is that shard's keys.
 */
export class Cluster extends Stock {
  readonly #redis: Redis;
  readonly #given: ClusterOptions;
  readonly #startupNodes: readonly StartupNode[];
  readonly #heard = new Set<string | symbol>();

  constructor(startupNodes: StartupNode[], options: ClusterOptions = {}) {
    const inner = redisOptionsOf(startupNodes, options);
    const { natMap: _none, scripts, ...others } = options;
    // This one opens no connection to the cluster: it keeps those that `nodes` gives.
    const shell = { ...others, lazyConnect: true, scaleReads: "master", shardedSubscribers: false };
    super(startupNodes as ClusterNode[], shell as object);
    this.#given = options;
    this.#startupNodes = startupNodes;
    this.#redis = new Redis(inner);
    Object.assign(this.options, { ...options, scaleReads: options.scaleReads ?? "master" });
    Object.defineProperties(this, {
      status: { configurable: true, get: () => this.#redis.status, set: () => undefined },
      slots: { configurable: true, get: () => this.#slots(), set: () => undefined },
    });
    this.on("newListener", (event: string | symbol) => this.#hear(event));
    this.#redis.on("log", (record) => this.#tellOfNode(record));
    // Whichever of these comes, nodes may have come or gone.
    for (const event of [CHANGED, "degraded", "recovered", "log"]) {
      this.#redis.on(event, () => this.#lookAtNodes());
    }
    for (const [name, script] of Object.entries(scripts ?? {})) this.defineCommand(name, script);
  }

  /** @ignore */
  static redisOf(cluster: Cluster): Redis {
    return cluster.#redis;
  }

  /** As `connect` of `Redis`. */
  override connect(): Promise<void> {
    return this.#redis.connect();
  }

  override quit(callback?: Callback<"OK">): Promise<"OK"> {
    this.#closeNodes();
    return this.#redis.quit(callback);
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#closeNodes();
    this.#redis.disconnect(reconnect);
  }

  override duplicate(
    startupNodes: StartupNode[] = [],
    override?: ClusterOptions | Parameters<Stock["duplicate"]>[1],
  ): any {
    const nodes = startupNodes.length > 0 ? startupNodes : [...this.#startupNodes];
    const redisOptions = { ...this.#given.redisOptions, ...override?.redisOptions };
    return new Cluster(nodes, { ...this.#given, ...override, redisOptions } as ClusterOptions);
  }

  /** Clients of ioredis for single nodes; nothing is answered from memory there. */
  override nodes(role?: Parameters<Stock["nodes"]>[0]): StockRedis[] {
    this.#lookAtNodes();
    return super.nodes(role);
  }

  /** Looks are taken natively, whenever there is reason to. @ignore */
  override refreshSlotsCache(callback?: Callback<void>): void {
    nodeify(Promise.resolve(), callback);
  }

  override defineCommand(...definition: Parameters<Stock["defineCommand"]>): void {
    const [name] = definition;
    this.#redis.defineCommand(...definition);
    const own = this as unknown as Record<string, unknown>;
    for (const method of [name, `${name}Buffer`]) own[method] = delegated(method).bind(this);
  }

  override pipeline(commands?: unknown[][]): ChainableCommander {
    return this.#redis.pipeline(commands);
  }

  /** Keys of all nodes, one node after the other. */
  scanStream(options?: Parameters<StockRedis["scanStream"]>[0]): ScanStream {
    return this.#redis.scanStream(options);
  }

  /** The same, as bytes. */
  scanBufferStream(options?: Parameters<StockRedis["scanStream"]>[0]): ScanStream {
    return this.#redis.scanBufferStream(options);
  }

  override get autoPipelineQueueSize(): number {
    return this.#redis.autoPipelineQueueSize;
  }

  /** @ignore */
  override sendCommand(command: Command): unknown {
    return this.#redis.sendCommand(command);
  }

  /** As of `Redis`. */
  getStatus(): Status {
    return this.#redis.getStatus();
  }

  /** As of `Redis`. */
  metrics(): string {
    return this.#redis.metrics();
  }

  /** As of `Redis`. */
  deadLetters(): DeadLetter[] {
    return this.#redis.deadLetters();
  }

  /** As of `Redis`. */
  cached<T>(
    key: string,
    ttl: number,
    loader: () => T | Promise<T>,
    options?: CachedOptions,
  ): Promise<T> {
    return this.#redis.cached(key, ttl, loader, options);
  }

  /** As of `Redis`. */
  rateLimited(
    key: string,
    limit: number,
    window: number,
    options?: RateLimitOptions,
  ): Promise<RateLimited> {
    return this.#redis.rateLimited(key, limit, window, options);
  }

  /** As of `Redis`. */
  withAbortSignal(signal: AbortSignal): this {
    return abortable(this, signal);
  }

  /** As of `Redis`. */
  unref(): this {
    this.#redis.unref();
    return this;
  }

  /** As of `Redis`. */
  ref(): this {
    this.#redis.ref();
    return this;
  }

  /** As `quit`, at the end of a scope. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closeNodes();
    await this.#redis[Symbol.asyncDispose]();
  }

  /** Where it leads and how it is, without anything secret. */
  toJSON(): { endpoint: string; mode: string } {
    return this.#redis.toJSON();
  }

  [inspect.custom](): string {
    const { endpoint, mode } = this.toJSON();
    return `Cluster { ${endpoint}, ${mode} }`;
  }

  /** Whoever listens for these hears them of the client behind. */
  #hear(event: string | symbol): void {
    if (OWN.has(event) || this.#heard.has(event)) return;
    this.#heard.add(event);
    this.#redis.on(event, (...values: unknown[]) => {
      if (this.listenerCount(event) > 0) this.emit(event, ...values);
    });
  }

  /** A shard that is away is one node's error. */
  #tellOfNode({ code, message, fields }: LogRecord): void {
    if (code !== "redis_unavailable") return;
    const failure = fields.kind === undefined ? {} : { failure: fields.kind };
    const error = new RedisUnavailable({ name: "RedisUnavailable", code, message, ...failure });
    this.emit("node error", error, keyOf(fields.endpoint));
  }

  /** Whose each slot is. */
  #slots(): string[][] {
    const slots: string[][] = [];
    for (const { endpoint, slots: ranges } of this.getStatus().shards) {
      for (const [first = 0, last = first] of ranges) {
        for (let slot = first; slot <= last; slot += 1) slots[slot] = [keyOf(endpoint)];
      }
    }
    return slots;
  }

  /** Has `nodes` be what is known, which tells of those that came and went. */
  #lookAtNodes(): void {
    const nodes = linkOf(this.#redis)?.nodes ?? [];
    const told = nodes.map(([host, port, isMaster]) => ({ host, port, readOnly: !isMaster }));
    if (told.length === 0 || this.status === "end") return;
    this.#inside.connectionPool.reset(told);
  }

  #closeNodes(): void {
    this.#inside.connectionPool.reset([]);
  }

  get #inside(): Inside {
    return this as unknown as Inside;
  }

  static {
    const methods = this.prototype as unknown as Record<string, unknown>;
    for (const name of Stock.prototype.getBuiltinCommands()) {
      if (name === "quit") continue;
      methods[name] = delegated(name);
      methods[`${name}Buffer`] = delegated(`${name}Buffer`);
    }
    for (const name of ["call", "callBuffer", "send_command"]) methods[name] = delegated(name);
    // What becomes of the connections that `nodes` gives is not what becomes of the client.
    Object.defineProperty(methods, "setStatus", { value: () => undefined });
  }
}

/** Host and port, as ioredis names nodes. */
function keyOf(endpoint: string): string {
  return endpoint.replace(/^rediss?:\/\//, "");
}

/** Calls the same method of the client behind. */
function delegated(name: string): Method {
  return function (this: Cluster, ...args: unknown[]) {
    const redis = Cluster.redisOf(this);
    const method = (redis as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
    return method?.apply(redis, args);
  };
}
