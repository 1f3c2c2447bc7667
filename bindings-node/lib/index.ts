/** The Redis client for the day when Redis is down. */

import { Redis } from "./redis.js";

export { Cluster } from "./cluster.js";
export type { ClusterOptions, NodeOptions, StartupNode } from "./cluster-options.js";
export { Redis, Redis as default } from "./redis.js";
export {
  AbstractConnector,
  Command,
  Pipeline,
  ReplyError,
  ScanStream,
  SentinelConnector,
  SentinelIterator,
  print,
} from "ioredis";
export type { Key, Value } from "./redis.js";
export type { Pem, RedisArguments, RedisOptions, TlsOptions } from "./options.js";
export type { CachedOptions, RateLimitOptions } from "./caching.js";
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
  freshness,
  knobs,
  logEntry,
  parseStatus,
  policy,
  rateLimits,
  replay,
  simulate,
  simulateFleet,
  version,
} from "./inspect.js";
export type { ErrorKind } from "./inspect.js";
export type { DeadLetter } from "./dead-letters.js";
export type * from "./types.js";

// As with ioredis, the module is the class, and has all else as properties.
Object.defineProperty(Redis, "__esModule", { value: true });
for (const name of Object.keys(exports)) {
  // Not assigned: some of these names are getters of the class above.
  Object.defineProperty(Redis, name, { enumerable: true, value: exports[name] });
}
module.exports = Redis;
