/**
 * `createClient()` and `createCluster()` for programs written for node-redis: its commands, arguments and replies, over the
 * client of outlast. What each command takes and gives is read from the package `@redis/client`,
 * which such programs have; it opens no connection.
 */

import { EventEmitter } from "node:events";
import { createRequire } from "node:module";

import type {
  createClient as createStock,
  createCluster as createStockCluster,
} from "@redis/client";

import { redisOptionsOf } from "./cluster-options.js";
import { invalidOption } from "./errors.js";
import type { RedisOptions } from "./options.js";
import { handled, ignore } from "./promises.js";
import { Redis } from "./redis.js";
import type { Status } from "./types.js";

type Argument = string | Uint8Array;
type Method = (...args: unknown[]) => unknown;
type Transform = (reply: unknown, preserve?: unknown) => unknown;

/** What node-redis knows of a command. */
interface Definition {
  parseCommand(parser: Parser, ...args: unknown[]): void;
  transformReply?: Transform | { 2: Transform | undefined } | undefined;
}

/** Gathers the arguments of a command. */
interface Parser {
  readonly redisArgs: readonly Argument[];
  readonly preserve: unknown;
}

const { commands, newParser } = loaded();

/** Where Redis is, as node-redis is told; and every option of outlast. */
export interface NodeRedisOptions extends Omit<RedisOptions, "port" | "host" | "path" | "db"> {
  url?: string;
  socket?: {
    host?: string;
    port?: number;
    path?: string;
    tls?: boolean;
    /** Milliseconds. */
    connectTimeout?: number;
    /** Whether to go on dialling is heard; delays are the policy's. */
    reconnectStrategy?: unknown;
  };
  name?: string;
  database?: number;
}

/** A client with the types of node-redis, and the operator's snapshot. */
export type Client = ReturnType<typeof createStock> & { getStatus(): Status };

/** A cluster, as node-redis is told of it; and every option of outlast in `defaults`. */
export interface NodeRedisClusterOptions {
  /** Some of its nodes, which tell of the others. */
  rootNodes: NodeRedisOptions[];
  /** Login, TLS and options of every node. */
  defaults?: NodeRedisOptions;
  maxCommandRedirections?: number;
  /** Whether replicas are read from. */
  useReplicas?: boolean;
  /** Connections are made natively, at first need. */
  minimizeConnections?: boolean;
}

/** A client of a cluster with the types of node-redis, and the operator's snapshot. */
export type ClusterClient = ReturnType<typeof createStockCluster> & { getStatus(): Status };

/** A client of a cluster that dials with `connect()`, or with its first command. */
export function createCluster(options: NodeRedisClusterOptions): ClusterClient {
  return new ThinCluster(options) as unknown as ClusterClient;
}

/** A client that dials with `connect()`, or with its first command. */
export function createClient(options: NodeRedisOptions = {}): Client {
  return new ThinClient(options) as unknown as Client;
}

/** @ignore */
export class ThinClient extends EventEmitter {
  readonly options: NodeRedisOptions;
  readonly #redis: Redis;
  #isOpen = false;

  constructor(options: NodeRedisOptions = {}, redis = redisOf(options)) {
    super();
    this.options = options;
    this.#redis = redis;
    for (const event of ["connect", "ready", "end", "degraded", "recovered"]) {
      this.#redis.on(event, (...values) => void this.emit(event, ...values));
    }
    this.#redis.on("reconnecting", () => void this.emit("reconnecting"));
    this.#redis.on("error", (error: Error) => {
      // An error that nobody hears would end the process.
      if (this.listenerCount("error") > 0) this.emit("error", error);
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether commands are answered, by Redis or from memory. */
  get isReady(): boolean {
    return this.#isOpen;
  }

  connect(): Promise<this> {
    this.#isOpen = true;
    return handled(this.#redis.connect().then(() => this));
  }

  /** Closes once every command that waits has ended. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#redis.quit();
  }

  async quit(): Promise<string> {
    await this.close();
    return "OK";
  }

  /** Closes now. */
  destroy(): void {
    this.#isOpen = false;
    this.#redis.disconnect();
  }

  async disconnect(): Promise<void> {
    this.destroy();
  }

  duplicate(overrides: NodeRedisOptions = {}): Client {
    return createClient({ ...this.options, ...overrides });
  }

  sendCommand(args: readonly Argument[]): Promise<unknown> {
    return this.#send(args);
  }

  #send(args: readonly Argument[]): Promise<unknown> {
    const [name, ...rest] = args as [string, ...string[]];
    return this.#redis.call(name, ...rest);
  }

  /** Commands that are done together (`exec`), or only sent together (`execAsPipeline`). */
  multi(): Multi {
    return new Multi(this.#redis);
  }

  async *scanIterator(options: { cursor?: string } = {}): AsyncGenerator<string[]> {
    const scan = (this as unknown as Record<string, Method>)["scan"] as Method;
    let cursor = options.cursor ?? "0";
    do {
      const found = (await scan.call(this, cursor, options)) as { cursor: string; keys: string[] };
      cursor = String(found.cursor);
      yield found.keys;
    } while (cursor !== "0");
  }

  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<void> {
    this.#redis.on("message", (from: string, message: string) => {
      if (from === channel) listener(message, from);
    });
    return handled(this.#redis.subscribe(channel).then(ignore));
  }

  unsubscribe(channel: string): Promise<void> {
    return handled(this.#redis.unsubscribe(channel).then(ignore));
  }

  /** The snapshot that an operator wants to see. */
  getStatus(): Status {
    return this.#redis.getStatus();
  }

  static {
    const methods = this.prototype as unknown as Record<string, Method>;
    for (const [name, definition] of Object.entries(commands)) {
      if (name in methods) continue;
      methods[name] = function (this: ThinClient, ...args) {
        const send = async (): Promise<unknown> => {
          const { redisArgs, preserve } = parsed(definition, args);
          return transformed(definition, await this.#send(redisArgs), preserve);
        };
        return handled(send());
      };
    }
  }
}

/** @ignore */
export class ThinCluster extends ThinClient {
  readonly #given: NodeRedisClusterOptions;

  constructor(options: NodeRedisClusterOptions) {
    super(options.defaults, redisOfCluster(options));
    this.#given = options;
  }

  override duplicate(overrides: object = {}): any {
    return createCluster({ ...this.#given, ...overrides });
  }

  /** As of node-redis, which is told of the key and whether the command only reads: both are known here. */
  override sendCommand(...given: unknown[]): Promise<unknown> {
    const args = given.find((one) => Array.isArray(one)) as readonly Argument[];
    return super.sendCommand(args);
  }
}

/** Commands that are gathered, and then sent. */
export class Multi {
  readonly #redis: Redis;
  readonly #calls: { args: readonly Argument[]; shape: Transform }[] = [];

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  addCommand(args: readonly Argument[], shape: Transform = (reply) => reply): this {
    this.#calls.push({ args, shape });
    return this;
  }

  /** All or nothing. Rejects with the first error reply; null where a watched key was changed. */
  exec(asPipeline = false): Promise<unknown[]> {
    return handled(this.#exec(asPipeline));
  }

  async #exec(asPipeline: boolean): Promise<unknown[]> {
    const pipeline = asPipeline ? this.#redis.pipeline() : this.#redis.multi();
    for (const { args } of this.#calls) {
      const [name, ...rest] = args as [string, ...string[]];
      pipeline.call(name, ...rest);
    }
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, reply], place) => {
      if (error) throw error;
      return this.#calls[place]?.shape(reply);
    });
  }

  execAsPipeline(): Promise<unknown[]> {
    return this.exec(true);
  }

  execTyped(): Promise<unknown[]> {
    return this.exec();
  }

  static {
    const methods = this.prototype as unknown as Record<string, Method>;
    for (const [name, definition] of Object.entries(commands)) {
      if (name in methods) continue;
      methods[name] = function (this: Multi, ...args) {
        const { redisArgs, preserve } = parsed(definition, args);
        return this.addCommand(redisArgs, (reply) => transformed(definition, reply, preserve));
      };
    }
  }
}

function parsed(definition: Definition, args: unknown[]): Parser {
  const parser = newParser();
  definition.parseCommand(parser, ...args);
  return parser;
}

function transformed({ transformReply }: Definition, reply: unknown, preserve: unknown): unknown {
  const transform = typeof transformReply === "object" ? transformReply[2] : transformReply;
  return transform === undefined ? reply : transform(reply, preserve);
}

function redisOf(options: NodeRedisOptions): Redis {
  const { url, socket = {}, name, database, ...others } = options;
  const { connectTimeout, reconnectStrategy, host, port, path, tls } = socket;
  const place = { host, port, path, tls, db: database };
  const given: RedisOptions = { ...others, lazyConnect: true };
  for (const [name, value] of Object.entries(place)) {
    if (value !== undefined) Object.assign(given, { [name]: value });
  }
  if (name !== undefined) given.clientName = name;
  if (connectTimeout !== undefined) given.connectTimeout = connectTimeout;
  if (reconnectStrategy === false) given.retryStrategy = () => null;
  return url === undefined ? new Redis(given) : new Redis(url, given);
}

function redisOfCluster(options: NodeRedisClusterOptions): Redis {
  const {
    rootNodes,
    defaults = {},
    maxCommandRedirections: maxRedirections,
    useReplicas,
    minimizeConnections: _atFirstNeed,
    ...others
  } = options;
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue;
    throw invalidOption(`invalid ${name}: createCluster takes ${CLUSTER_OPTIONS}`);
  }
  const nodes = rootNodes.map(({ url, socket, username, password }) => {
    const place = { host: socket?.host ?? "localhost", port: socket?.port ?? 6379 };
    return url ?? { ...place, username, password, tls: socket?.tls };
  });
  const { socket, name, url: _url, database, ...rest } = defaults;
  const told = redisOptionsOf(nodes, {
    redisOptions: {
      ...rest,
      ...(name === undefined ? {} : { clientName: name }),
      ...(socket?.tls ? { tls: true } : {}),
      ...(database === undefined ? {} : { db: database }),
      ...(socket?.connectTimeout === undefined ? {} : { connectTimeout: socket.connectTimeout }),
    },
    ...(maxRedirections === undefined ? {} : { maxRedirections }),
    ...(useReplicas ? { scaleReads: "slave" } : {}),
    ...(socket?.reconnectStrategy === false ? { clusterRetryStrategy: () => null } : {}),
    lazyConnect: true,
  });
  return new Redis(told);
}

const CLUSTER_OPTIONS =
  "rootNodes, defaults, maxCommandRedirections, useReplicas and minimizeConnections";

/** The commands of the installed `@redis/client`, and what gathers their arguments. */
function loaded(): { commands: Record<string, Definition>; newParser: () => Parser } {
  const require = createRequire(__filename);
  try {
    const { default: commands } = require("@redis/client/dist/lib/commands") as {
      default: Record<string, Definition>;
    };
    const { BasicCommandParser } = require("@redis/client/dist/lib/client/parser") as {
      BasicCommandParser: new () => Parser;
    };
    return { commands, newParser: () => new BasicCommandParser() };
  } catch {
    throw invalidOption(
      'outlast/node-redis needs the package "@redis/client" (part of "redis"): 5 or newer',
    );
  }
}
