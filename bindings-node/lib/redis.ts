import { inspect } from "node:util";

import { Command, Redis as Stock } from "ioredis";
import type { Callback, ChainableCommander, RedisOptions as StockOptions } from "ioredis";

import { abortable } from "./abort.js";
import { argumentFault, isPlain } from "./arguments.js";
import { Caching } from "./caching.js";
import type { CachedOptions, RateLimitOptions } from "./caching.js";
import { asScript, settlerOf, transformers, wantsBytes, withTextNumbers } from "./commands.js";
import { clustered } from "./clusters.js";
import { closed, invalidArgument, invalidOption, textOf } from "./errors.js";
import { Announcer, write } from "./events.js";
import type { RedisEvents } from "./events.js";
import { Link } from "./link.js";
import type { DeadLetter } from "./dead-letters.js";
import { givenOptions, settingsOf, stockArguments } from "./options.js";
import type { RedisArguments, RedisOptions, Settings } from "./options.js";
import { Pipeline, defineDirect, withCarelessExec } from "./pipeline.js";
import { careless, handled, nodeify, rejected } from "./promises.js";
import { EXCEPTIONS, inSubscriberMode, needOf, refusalOnCluster, watchDetours } from "./routes.js";
import { spelled } from "./sentinels.js";
import { Session } from "./session.js";
import { isTraced, traced } from "./tracing.js";
import { Transactions } from "./transactions.js";
import type { RateLimited, Status } from "./types.js";

/** A key. A lone surrogate in a string becomes U+FFFD, as everywhere in Node. */
export type Key = string | Uint8Array;

/** A value. Numbers are stored as JavaScript writes them, null as an empty string. */
export type Value = string | Uint8Array | number | bigint | boolean | null;

type Listener<Name extends keyof RedisEvents> = (...values: RedisEvents[Name]) => void;

export interface Redis {
  on<Name extends keyof RedisEvents>(event: Name, listener: Listener<Name>): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
  once<Name extends keyof RedisEvents>(event: Name, listener: Listener<Name>): this;
  once(event: string | symbol, listener: (...values: any[]) => void): this;
}

/** A cluster's client emits this when its status may have changed, for what is built on it. */
export const CHANGED = Symbol("changed");

/** The link of a client, for what else belongs to this package. */
export let linkOf: (redis: Redis) => Link | undefined;

/**
 * The client of ioredis, with all that it offers, that goes on answering while Redis is away.
 *
 * Each command ends within its deadline, in every mode; subscriptions and blocking commands wait as
 * they do in ioredis. A rejection that nobody handles ends no process. From its first dial until it
 * is closed a client keeps the process alive.
 */
export class Redis extends Stock {
  /** The class of a cluster's clients. */
  declare static Cluster: typeof import("./cluster.js").Cluster & (typeof Stock)["Cluster"];

  readonly #given: RedisOptions;
  readonly #settings: Settings;
  /** Without: a connection of ioredis does everything, and memory nothing. */
  #link: Link | undefined;
  /** What no shared connection can carry; opened at its first need. */
  #session: Session | undefined;
  readonly #transactions: Transactions;
  readonly #caching = new Caching(this, () => this.#link);
  /** Every command goes over the session from now on. */
  #isPinned = false;
  #isEnded = false;
  /** An option has ioredis' own machinery take every command. */
  #isDetoured = false;
  /** Stands for the place that knows which scripts were loaded. */
  #place: object = {};
  #dialsFailed = 0;

  constructor(...told: RedisArguments) {
    const given = clustered(spelled(told));
    super(...(stockArguments(given) as unknown as []));
    this.#settings = settingsOf(given);
    this.#given = givenOptions(given, this.options);
    this.#transactions = new Transactions(this.#isOfCluster);
    this.options.lazyConnect = String(this.#given.lazyConnect ?? false) === "true";
    Object.defineProperty(this, "condition", {
      configurable: true,
      get: () => this.#session?.condition ?? null,
    });
    watchDetours(this.options, (isDetoured) => (this.#isDetoured = isDetoured));
    const unserved = unservedBy(this.options);
    if (this.#isOfCluster && unserved !== undefined) {
      throw invalidOption(`invalid ${unserved}: nothing does this on a cluster`);
    }
    if (unserved === undefined) this.#open();
    else this.#becomeStock(unserved);
    // Whoever waits for these has no other way to have a lazy client dial.
    this.on("newListener", (event) => {
      if ((event === "ready" || event === "connect") && this.#given.lazyConnect === undefined) {
        process.nextTick(() => this.#link?.begin());
      }
    });
  }

  /** As `new Redis`. */
  static override createClient(...given: ConstructorParameters<typeof Stock>): Stock {
    return new Redis(...(given as unknown as RedisArguments));
  }

  /**
   * Dials now, if that has not happened yet, and resolves when commands are served: by Redis, or
   * from memory where Redis is optional. Rejects with `RedisUnavailable` where it is required. A
   * client that was closed is opened anew.
   */
  override connect(callback?: Callback<void>): Promise<void> {
    if (this.#link === undefined) return handled(super.connect(callback));
    if (this.#isEnded) this.#open();
    return nodeify(this.#link.connect(), callback);
  }

  /** Closes once every command that waits has ended. No other is taken from now on. */
  override quit(callback?: Callback<"OK">): Promise<"OK"> {
    if (this.#link === undefined) return handled(super.quit(callback));
    return nodeify(this.#quit(this.#link), callback);
  }

  /** Closes now: commands that wait are rejected with `Closed`. `true` gives up the connection only. */
  override disconnect(reconnect = false): void {
    if (this.#link === undefined) {
      super.disconnect(reconnect);
    } else if (reconnect) {
      this.#link.reconnect();
    } else {
      this.#link.close();
      this.#session?.close();
    }
  }

  override duplicate(override?: Partial<RedisOptions> | Partial<StockOptions>): any {
    return new Redis({ ...this.#given, ...(override as Partial<RedisOptions>) });
  }

  /** Commands that are sent together; each has an answer of its own. */
  override pipeline(commands?: unknown[][]): ChainableCommander {
    const pipeline = new Pipeline(this, () => this.#direct());
    if (Array.isArray(commands)) pipeline.addBatch(commands);
    return pipeline as unknown as ChainableCommander;
  }

  /** Every command that the server gets, as events of the client that this resolves with. */
  override monitor(callback?: Callback<Stock>): Promise<Stock> {
    const monitor = new Redis({ ...this.#given, monitor: true, lazyConnect: false });
    const watching = new Promise<Stock>((resolve, reject) => {
      monitor.once("error", reject);
      monitor.once("monitoring", () => resolve(monitor));
    });
    return nodeify(watching, callback);
  }

  /** What the client counted, in Prometheus' text format; nothing for a connection of ioredis alone. */
  metrics(): string {
    return this.#link?.metrics() ?? "";
  }

  /**
   * The value under a key, loaded where it is not there: by one caller, for all who ask meanwhile. It is
   * kept as JSON for `ttl` seconds, may be loaded by chance a little earlier, and is still used
   * afterwards while Redis is away or where the loader fails (`staleFor`).
   */
  cached<T>(
    key: string,
    ttl: number,
    loader: () => T | Promise<T>,
    options: CachedOptions = {},
  ): Promise<T> {
    return handled(this.#caching.cached(key, ttl, loader, options));
  }

  /**
   * Counts a request towards `limit` in `window` seconds, on Redis in one piece. While Redis is away each
   * process counts by itself, up to its `share` of the limit.
   */
  rateLimited(
    key: string,
    limit: number,
    window: number,
    options: RateLimitOptions = {},
  ): Promise<RateLimited> {
    return handled(this.#caching.rateLimit(key, limit, window, options));
  }

  /**
   * This client, whose promises reject with the signal's reason once it is aborted. What was asked for
   * before is not taken back: Redis may do it.
   */
  withAbortSignal(signal: AbortSignal): this {
    return abortable(this, signal);
  }

  /**
   * Lets the process end when nothing waits for a reply, although the client is open. What was written
   * in an outage and has not reached Redis by then is lost.
   */
  unref(): this {
    this.#link?.unref();
    return this;
  }

  /** Keeps the process alive as long as the client is open, as it does unless told otherwise. */
  ref(): this {
    this.#link?.ref();
    return this;
  }

  /** As `quit`, at the end of a scope: `await using redis = new Redis()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnded) await this.quit();
  }

  /** The snapshot that an operator wants to see; times are in seconds. */
  getStatus(): Status {
    return this.#linked().status();
  }

  /** Writes of outages that Redis refused for good, oldest first; the last thousand at most. */
  deadLetters(): DeadLetter[] {
    return this.#linked().deadLetters();
  }

  #linked(): Link {
    if (this.#link !== undefined) return this.#link;
    throw invalidArgument("a connection of ioredis alone has no snapshot");
  }

  /** @ignore */
  override sendCommand(command: Command, stream?: Parameters<Stock["sendCommand"]>[1]): unknown {
    if (this.#link === undefined) {
      const sent = super.sendCommand(command, stream);
      handled(command.promise);
      return sent;
    }
    const link = this.#link;
    const send = (): Promise<unknown> => {
      this.#route(link, command, command.name.toLowerCase());
      return command.promise;
    };
    const tracing = this as unknown as { _buildCommandContext(command: Command): object };
    return traced(command, send, () => tracing._buildCommandContext(command));
  }

  /** Without a listener an error is a line of the log. @ignore */
  override silentEmit(event: string, value?: unknown): boolean {
    if (event === "error" && this.listenerCount("error") === 0 && value instanceof Error) {
      write(this.#settings.logger, "warn", `outlast: ${textOf(value)}`);
      return false;
    }
    return super.silentEmit(event, value);
  }

  /** Where it leads and how it is, without anything secret. */
  toJSON(): { endpoint: string; mode: string } {
    const { endpoint, mode } = this.#link?.status() ?? { endpoint: "", mode: this.status };
    return { endpoint, mode };
  }

  [inspect.custom](): string {
    const { endpoint, mode } = this.toJSON();
    return `Redis { ${endpoint}, ${mode} }`;
  }

  get #isOfCluster(): boolean {
    return this.#given.cluster !== undefined;
  }

  #open(): void {
    const { url, knobs, logger } = this.#settings;
    this.#isEnded = false;
    const announcer = new Announcer(this, logger, {
      endpoint: () => this.#link?.endpoint ?? "",
      snapshot: () => this.getStatus(),
      changed: (status) => this.#changed(status),
      reach: this.#isOfCluster ? () => this.#reach() : undefined,
    });
    this.#link = new Link(url, knobs, (happenings) => announcer.announce(happenings));
  }

  #reach(): boolean | undefined {
    const link = this.#link;
    if (link?.isStarted !== true) return undefined;
    return link.nodes.some(([, , , isReached]) => isReached);
  }

  #becomeStock(reason: string): void {
    const message = `outlast: ${reason} is left to ioredis: nothing is answered from memory`;
    if (!this.options.monitor) write(this.#settings.logger, "warn", message);
    delete (this as { condition?: unknown }).condition;
    if (!this.options.lazyConnect) handled(super.connect());
  }

  #changed(status: Stock["status"]): void {
    this.status = status;
    if (status === "ready" || status === "close") this.#place = {};
    if (status === "ready") this.#dialsFailed = 0;
    if (status === "end") this.#isEnded = true;
    if (status === "reconnecting" && !this.#mayRetry()) this.disconnect();
    if (this.#isOfCluster) this.emit(CHANGED);
  }

  /** Delays are the policy's; that no more is to be tried is the caller's to say. */
  #mayRetry(): boolean {
    if (!("retryStrategy" in this.#given)) return true;
    const { retryStrategy } = this.#given;
    this.#dialsFailed += 1;
    return typeof retryStrategy?.(this.#dialsFailed) === "number";
  }

  async #quit(link: Link): Promise<"OK"> {
    await Promise.all([link.drain(), this.#session?.quit()]);
    return "OK";
  }

  #route(link: Link, command: Command, name: string): void {
    if (name === "quit") {
      this.#quit(link).then(command.resolve, command.reject);
    } else if (this.#session?.isSubscriber === true && !inSubscriberMode(name)) {
      const words = "Connection in subscriber mode, only subscriber commands may be used";
      settlerOf(command).reject(new Error(words));
    } else if (this.#isPinned || this.#transactions.isHeld) {
      this.#sendOwn(command, name);
    } else if (!this.#transactions.take(command, name, link, this.#place)) {
      this.#sendByNeed(link, command, name);
    }
  }

  #sendByNeed(link: Link, command: Command, name: string): void {
    const need = needOf(name, command.args);
    const refusal = need !== "shared" && this.#isOfCluster ? refusalOnCluster(name) : undefined;
    if (need === "shared") {
      this.#sendShared(link, command);
    } else if (
      need === "pins" &&
      name === "select" &&
      Number(command.args[0]) === this.options.db
    ) {
      command.resolve("OK");
    } else if (refusal !== undefined) {
      settlerOf(command).reject(invalidArgument(refusal));
    } else {
      this.#isPinned ||= need === "pins";
      this.#sendOwn(command, name);
    }
  }

  #sendShared(link: Link, command: Command): void {
    const settler = this.options.stringNumbers
      ? withTextNumbers(settlerOf(command))
      : settlerOf(command);
    if (this.options.enableOfflineQueue === false && !link.isStarted) {
      const words = "Stream isn't writeable and enableOfflineQueue options is false";
      settler.reject(new Error(words));
      return;
    }
    asScript(command, this.#place);
    const { name, args } = command;
    link.submitNext({ name, args, buffers: wantsBytes(command) }, settler);
  }

  #sendOwn(command: Command, name: string): void {
    handled(command.promise);
    if (this.#isEnded) {
      command.reject(closed());
      return;
    }
    this.#transactions.follow(name);
    this.#link?.begin();
    this.#session ??= new Session(this.options, this.#given.cluster, (event, ...values) =>
      this.emit(event, ...values),
    );
    this.#session.send(command);
  }

  /** The link, where a command needs nothing that ioredis does to it. */
  #direct(): Link | undefined {
    const isDirect =
      !this.#isDetoured &&
      !isTraced() &&
      !this.#isPinned &&
      this.#session?.isSubscriber !== true &&
      !this.#transactions.isOpen;
    return isDirect ? this.#link : undefined;
  }

  static {
    linkOf = (redis) => redis.#link;
    const { argument, reply } = transformers();
    const isDirect = (name: string): boolean =>
      !EXCEPTIONS.has(name) && !(name in argument) && !(name in reply);
    const methods = this.prototype as unknown as Record<string, Method>;

    const refused = (fault: TypeError, args: unknown[]): unknown => {
      const callback = args.at(-1);
      const isCallback = typeof callback === "function";
      return nodeify(rejected(fault), isCallback ? (callback as Callback) : undefined);
    };

    const define = (method: string, name: string, buffers: boolean): void => {
      const slow = methods[method] as Method;
      const mayBeDirect = isDirect(name);
      const takesFields = name in argument;
      if (mayBeDirect) defineDirect(method, name, buffers);
      methods[method] = function (this: Redis, ...args: unknown[]) {
        if (mayBeDirect) {
          const given = isPlain(args) ? args : beforeCallback(args);
          const link = given && this.#direct();
          if (link !== undefined && given === args) return link.submit(name, args, buffers);
          if (link !== undefined && given !== undefined) {
            return nodeify(link.submit(name, given, buffers), args.at(-1) as Callback);
          }
        }
        const fault = argumentFault(name, args, takesFields);
        return fault === undefined ? slow.apply(this, args) : refused(fault, args);
      };
    };

    const defineCall = (method: string, buffers: boolean): void => {
      const slow = methods[method] as Method;
      methods[method] = function (this: Redis, ...args: unknown[]) {
        const [name, ...others] = args;
        if (typeof name === "string" && isDirect(name.toLowerCase()) && isPlain(others)) {
          const link = this.#direct();
          if (link !== undefined) return link.submit(name, others, buffers);
        }
        const takesFields = typeof name === "string" && name in argument;
        const fault = argumentFault(undefined, args, takesFields);
        return fault === undefined ? slow.apply(this, args) : refused(fault, args);
      };
    };

    const { multi, exec } = methods as { multi: Method; exec: Method };
    methods["exec"] = careless(exec);
    methods["multi"] = careless(function (this: Redis, ...args) {
      const begun = multi.apply(this, args);
      return begun instanceof Promise ? begun : withCarelessExec(begun as object);
    });
    for (const name of Stock.prototype.getBuiltinCommands()) {
      if (name === "quit" || name === "multi" || name === "exec") continue;
      define(name, name, false);
      define(`${name}Buffer`, name, true);
    }
    defineCall("call", false);
    defineCall("callBuffer", true);
    methods["send_command"] = methods["call"] as Method;
  }
}

/** What a command is given before its callback, where that is plain. */
function beforeCallback(args: readonly unknown[]): unknown[] | undefined {
  if (typeof args.at(-1) !== "function") return undefined;
  const given = args.slice(0, -1);
  return isPlain(given) ? given : undefined;
}

type Method = (this: Redis, ...args: unknown[]) => unknown;

/** Why ioredis is to do all of it, if it is. */
function unservedBy(options: StockOptions): string | undefined {
  if (options.sentinels && options.role === "slave") return "a replica found through Sentinel";
  if (options.natMap) return "natMap";
  if (options.Connector) return "a connector of your own";
  if (options.monitor) return "MONITOR";
  if (options.replyMapping === "resp3") return 'replyMapping "resp3"';
  if (options.readOnly) return "readOnly";
  if (options.himportFieldsets?.length) return "himportFieldsets";
  return undefined;
}
