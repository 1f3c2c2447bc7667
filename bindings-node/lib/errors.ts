/** What a call that fails rejects with. */

import { ReplyError } from "ioredis";

import type { FailureKind } from "./types.js";

/** Stable codes: what to do, whatever the message says. */
export type ErrorCode =
  | "invalid_option"
  | "invalid_argument"
  | "closed"
  | "redis_unavailable"
  | "maybe_applied"
  | "unsupported_locally"
  | "limit_reached"
  | "command_error"
  | "no_script"
  | "permission_denied";

/** An error as the native part describes it. */
export interface ErrorInfo {
  name: string;
  code: string;
  message: string;
  failure?: FailureKind;
  nextDialInMs?: number;
}

/** What is refused before it is sent: the message says why. */
export function invalidArgument(message: string): InvalidArgument {
  return new InvalidArgument({ name: "InvalidArgument", code: "invalid_argument", message });
}

/** What is refused before anything is dialled. */
export function invalidOption(message: string): InvalidOption {
  return new InvalidOption({ name: "InvalidOption", code: "invalid_option", message });
}

/** What all errors of outlast have in common. */
export class OutlastError extends Error {
  readonly code: ErrorCode;
  /** What failed, where Redis was the reason. */
  declare readonly failure?: FailureKind;
  /** Milliseconds until Redis is dialled again, where that is known. */
  declare readonly nextDialInMs?: number;

  constructor(info: ErrorInfo) {
    super(info.message);
    this.code = info.code as ErrorCode;
    if (info.failure !== undefined) this.failure = info.failure;
    if (info.nextDialInMs !== undefined) this.nextDialInMs = info.nextDialInMs;
  }

  static {
    this.prototype.name = "OutlastError";
  }

  /** Error replies are `ReplyError`s of ioredis, and nevertheless ours. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    return this === OutlastError && value instanceof Reply;
  }
}

/** An option, URL or profile that is not allowed. Nothing was dialled. */
export class InvalidOption extends OutlastError {}

/** A command that no shared connection can carry, or an argument that a diagnosis cannot read. */
export class InvalidArgument extends OutlastError {}

/** The client was closed. */
export class Closed extends OutlastError {}

/** Redis is away, and this command may not be served from memory. */
export class RedisUnavailable extends OutlastError {}

/** The connection died after the command was sent: Redis may have done it. */
export class MaybeApplied extends OutlastError {}

/** Redis is away, and the store in memory does not know this command. */
export class UnsupportedLocally extends RedisUnavailable {}

/** A bound is reached; nothing was written. */
export class LimitReached extends OutlastError {}

/** An error reply, as ioredis knows it. */
class Reply extends (ReplyError as new (message: string) => Error) {
  readonly code: ErrorCode;
  /** The command that it answers. */
  declare command?: { name: string };

  constructor({ message, code }: ErrorInfo) {
    super(message);
    this.code = code as ErrorCode;
  }
}

/** An error reply: the command itself is wrong. The message is that of Redis. */
export class CommandError extends Reply {}

/** The script is not known to Redis (`NOSCRIPT`). */
export class NoScript extends Reply {}

/** The user may not run this command (`NOPERM`). */
export class PermissionDenied extends Reply {}

const CLASSES: Record<string, new (info: ErrorInfo) => Error> = {
  InvalidOption,
  InvalidArgument,
  Closed,
  RedisUnavailable,
  MaybeApplied,
  UnsupportedLocally,
  LimitReached,
  CommandError,
  NoScript,
  PermissionDenied,
};

for (const [name, Class] of Object.entries(CLASSES)) {
  Object.defineProperty(Class.prototype, "name", { value: name, writable: true });
}

/** The error that the native part describes: one of the classes, or a TypeError with a code. */
export function errorOf(info: ErrorInfo): Error {
  if (info.name === "Closed" && info.message !== CLOSED_MESSAGE) return closed();
  if (info.name === "TypeError") {
    return Object.assign(new TypeError(info.message), { code: info.code });
  }
  const isAway = info.name === "RedisUnavailable" || info.name === "UnsupportedLocally";
  // By this word libraries know that a connection is missing, and wait before they try again.
  const message = isAway ? `${info.message} (ECONNREFUSED)` : info.message;
  return new (CLASSES[info.name] ?? OutlastError)({ ...info, message });
}

/** Error replies inside a reply, such as that of EXEC, become errors of our classes. */
export function namedWithin(reply: unknown): unknown {
  if (!Array.isArray(reply)) return reply;
  return reply.map((value: unknown) => (value instanceof Error ? named(value) : value));
}

const CLOSED_MESSAGE = "Connection is closed.";

/** What ioredis says where a client was closed; libraries look for these words. */
export function closed(): Error {
  return errorOf({ name: "Closed", code: "closed", message: CLOSED_MESSAGE });
}

/** What an error says; one that stands for several, such as a dial of two addresses, says what they do. */
export function textOf(error: Error): string {
  const { errors } = error as { errors?: unknown };
  if (!Array.isArray(errors)) return error.message;
  const causes = errors.map((cause) => (cause instanceof Error ? textOf(cause) : String(cause)));
  return [error.message, causes.join("; ")].filter(Boolean).join(": ");
}

/** Runs a native call that throws plain errors with a code. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw named(error);
  }
}

function named(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, message } = error as Error & { code?: unknown };
  const isCode = (name: string) => snakeCase(name) === code;
  const name = Object.keys(CLASSES).find(isCode);
  return name === undefined ? error : errorOf({ name, code: String(code), message });
}

function snakeCase(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();
}
