/** The Redis client for the day when Redis is down. */

export { Redis, Redis as default } from "./redis.js";
export type { Key, Value } from "./redis.js";
export type { Pem, RedisArguments, RedisOptions, TlsOptions } from "./options.js";
export type { Logger, RedisEvents } from "./events.js";
export {
  Closed,
  CommandError,
  InvalidArgument,
  InvalidOption,
  LimitReached,
  MaybeApplied,
  NoScript,
  OutlastError,
  PermissionDenied,
  RedisUnavailable,
  UnsupportedLocally,
} from "./errors.js";
export type { ErrorCode } from "./errors.js";
export {
  Engine,
  Store,
  Throttle,
  backoffSchedule,
  checkLog,
  classOf,
  classify,
  classifyReply,
  decide,
  errorKinds,
  failureKinds,
  knobs,
  logEntry,
  parseStatus,
  policy,
  simulate,
  version,
} from "./inspect.js";
export type { ErrorKind } from "./inspect.js";
export type * from "./types.js";
