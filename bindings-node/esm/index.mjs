import outlast from "../dist/index.js";

export const {
  Closed,
  CommandError,
  Engine,
  InvalidArgument,
  InvalidOption,
  LimitReached,
  MaybeApplied,
  NoScript,
  OutlastError,
  PermissionDenied,
  Redis,
  RedisUnavailable,
  Store,
  Throttle,
  UnsupportedLocally,
  backoffSchedule,
  checkLog,
  classify,
  classifyReply,
  errorKinds,
  failureKinds,
  knobs,
  logEntry,
  parseStatus,
  policy,
  simulate,
  version,
} = outlast;

export default Redis;
