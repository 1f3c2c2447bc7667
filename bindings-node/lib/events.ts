/** From what the native part tells to the events of a client, and to its log. */

import type { EventEmitter } from "node:events";

import type { RedisStatus } from "ioredis";

import { RedisUnavailable } from "./errors.js";
import { publish } from "./tracing.js";
import type { Failure, Incident, LogRecord, Mode, Status } from "./types.js";

/** What the native part tells. */
export type Happening =
  | { type: "log"; record: LogRecord }
  | { type: "mode"; mode: Mode }
  | { type: "dialling"; dial: number }
  | { type: "dial_failed"; failure: Failure }
  | { type: "incident"; incident: Incident; entry?: string };

/** Where log records go, a line each. `console` is one. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The events of a client, and what its listeners are handed. */
export interface RedisEvents {
  /** Redis is dialled. */
  connecting: [];
  /** On Redis, after a dial. */
  connect: [];
  /** As `connect`: what was written meanwhile is on Redis. */
  ready: [];
  /** Redis cannot be reached: once for each cause, not for each command. */
  error: [error: RedisUnavailable];
  /** The connection is gone. */
  close: [];
  /** The next dial comes in so many milliseconds. */
  reconnecting: [delayMs: number];
  /** The client was closed. */
  end: [];
  /** Commands are answered from memory from now on. */
  degraded: [status: Status];
  /** Commands go to Redis again. */
  recovered: [status: Status];
  /**
   * An outage began; or it is over, or goes on while the client is closed, and then `entry` is what
   * stands in the production log.
   */
  incident: [incident: Incident, entry?: string];
  /** A log record. */
  log: [record: LogRecord];
}

/** What is asked of the client whose events these are, and told to it. */
export interface Announced {
  /** Where it leads, without anything secret. */
  endpoint: () => string;
  snapshot: () => Status;
  /** Its status in the words of ioredis, before the event of that name. */
  changed: (status: RedisStatus) => void;
  /** Of a cluster: whether any node is reached; nothing as long as the startup goes on. */
  reach?: (() => boolean | undefined) | undefined;
}

/** Emits events in the order in which things happened. */
export class Announcer {
  readonly #emitter: EventEmitter;
  readonly #logger: Logger | undefined;
  readonly #snapshot: () => Status;
  readonly #endpoint: () => string;
  readonly #changed: (status: RedisStatus) => void;
  readonly #reach: (() => boolean | undefined) | undefined;
  #mode: "new" | "connected" | "degraded" | "closed" = "new";
  /** Of a cluster: some node was reached when that was looked at last. */
  #isReached = false;
  #last = "";

  constructor(emitter: EventEmitter, logger: Logger | undefined, client: Announced) {
    this.#endpoint = client.endpoint;
    this.#emitter = emitter;
    this.#logger = logger;
    this.#snapshot = client.snapshot;
    this.#changed = client.changed;
    this.#reach = client.reach;
  }

  announce(happenings: Happening[]): void {
    for (const happening of happenings) {
      publish(happening, this.#endpoint());
      switch (happening.type) {
        case "log":
          this.#log(happening.record);
          break;
        case "mode":
          this.#changeMode(happening.mode);
          break;
        case "dial_failed":
          if (this.#mode !== "closed" && !this.#isReached) {
            this.#become("close");
            this.#reconnecting();
          }
          break;
        case "incident":
          this.#emit("incident", () => told(happening));
          break;
        case "dialling":
          if (!this.#isReached) this.#become("connecting");
          break;
      }
    }
    this.#look();
  }

  /** The connection to a cluster is gone when no node is reached, and there with the first. */
  #look(): void {
    const isReached = this.#mode === "closed" ? undefined : this.#reach?.();
    if (isReached === undefined) return;
    if (isReached !== this.#isReached) {
      this.#isReached = isReached;
      if (isReached) this.#begin();
      else this.#become("close");
      if (!isReached) this.#reconnecting();
    }
    if (this.#mode === "new") this.#changeMode(this.#snapshot().mode);
  }

  #begin(): void {
    this.#become("connect");
    this.#become("ready");
  }

  #changeMode(mode: Mode): void {
    const before = this.#mode;
    if (mode === "reconciling" || mode === before || before === "closed") return;
    this.#mode = mode;
    if (mode === "connected") {
      if (!this.#isReached) this.#begin();
      this.#isReached = this.#reach !== undefined;
      if (before === "degraded") this.#emit("recovered", () => [this.#snapshot()]);
      return;
    }
    const isLost = before === "connected" && this.#reach?.() !== true;
    if (isLost) this.#isReached = false;
    if (isLost || mode === "closed") this.#become("close");
    if (mode === "closed") {
      this.#become("end");
      return;
    }
    this.#emit("degraded", () => [this.#snapshot()]);
    if (isLost) this.#reconnecting();
  }

  #reconnecting(): void {
    const { next_retry_in: seconds } = this.#snapshot();
    if (seconds === null) return;
    this.#changed("reconnecting");
    this.#emit("reconnecting", () => [Math.round(seconds * 1_000)]);
  }

  #become(status: "connecting" | "connect" | "ready" | "close" | "end"): void {
    // The shards of a cluster dial at the same time.
    if (status === "connecting" && status === this.#last) return;
    this.#last = status;
    this.#changed(status);
    this.#emit(status, () => []);
  }

  #log(record: LogRecord): void {
    this.#emit("log", () => [record]);
    const line = `outlast: ${record.message}`;
    const level = record.level === "warning" ? "warn" : record.level;
    write(this.#logger, level, line);
    // The log already has one line a cause; an error event is the same for programs.
    if (record.code === "redis_unavailable" || record.code === "startup_failed") {
      this.#emit("error", () => [unavailable(record)]);
    }
  }

  /** Without a listener nothing happens: an `error` that nobody hears would end the process. */
  #emit<Name extends keyof RedisEvents>(name: Name, values: () => RedisEvents[Name]): void {
    if (this.#emitter.listenerCount(name) > 0) {
      safely(() => this.#emitter.emit(name, ...values()));
    }
  }
}

function told({ incident, entry }: Happening & { type: "incident" }): RedisEvents["incident"] {
  return entry === undefined ? [incident] : [incident, entry];
}

function unavailable({ message, fields }: LogRecord): RedisUnavailable {
  return new RedisUnavailable({
    name: "RedisUnavailable",
    code: "redis_unavailable",
    message,
    ...(fields.kind === undefined ? {} : { failure: fields.kind }),
    ...(fields.next_dial_ms === undefined ? {} : { nextDialInMs: fields.next_dial_ms }),
  });
}

/** A logger that fails has nobody to tell, and is no reason to fail. */
export function write(
  logger: Logger | undefined,
  level: "info" | "warn" | "error",
  line: string,
): void {
  try {
    logger?.[level](line);
  } catch {
    // The `log` event has the record as well.
  }
}

/** What a listener throws is the program's affair, and keeps no other from hearing the rest. */
function safely(call: () => void): void {
  try {
    call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
