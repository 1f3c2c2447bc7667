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
  classOf,
  classify,
  classifyReply,
  decide,
  errorKinds,
  failureKinds,
  knobs,
  parseStatus,
  policy,
  simulate,
  version,
} = outlast;

export default Redis;
