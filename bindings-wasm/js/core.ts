// Written by scripts/generate from bindings-node/lib/types.ts: change that file.
/**
 * What goes into outlast and what comes out. Fields of results carry the names that they have in
 * every language; a test holds real results against these types.
 */

/** What went wrong. */
export type FailureKind =
  | "dns_error"
  | "network_unreachable"
  | "host_unreachable"
  | "tls_error"
  | "auth_failed"
  | "connection_refused"
  | "connect_timeout"
  | "connection_lost"
  | "response_timeout"
  | "loading"
  | "master_down"
  | "cluster_down"
  | "max_clients"
  | "protocol_error"
  | "unknown_error"
  | "read_only"
  | "out_of_memory"
  | "disk_error"
  | "no_replicas"
  | "quota_exceeded"
  | "busy_script"
  | "try_again"
  | "command_error"
  | "no_script"
  | "permission_denied";

/** What a failure means: the connection is unusable, only writes fail, wait, or the caller's affair. */
export type Verdict = "link" | "writes" | "wait" | "command";

/** Which redial schedule a failure follows. */
export type Schedule = "server" | "network" | "quota";

/** What a failure is and what it means. */
export interface Classification {
  kind: FailureKind;
  verdict: Verdict;
  schedule: Schedule;
  /** A few words for people. */
  words: string;
}

/** One failure, as a host tells it. */
export interface Failure {
  kind: FailureKind;
  /** The text it came with, without secrets. */
  text: string;
  /** The operating system's error number. */
  errno?: number;
}

export type Profile = "development" | "test" | "staging" | "production";

/** What a key is for, and so what may be done with it while Redis is away. */
export type KeyClass = "cache" | "counter" | "session" | "queue" | "lock" | "idempotency";

/** What becomes of a write of an outage whose key was changed on Redis meanwhile. */
export type ConflictPolicy = "replay" | "merge" | "delete_wins" | "discard";

/** A keyspace rule: which keys, by a pattern as KEYS takes it, are what. */
export interface KeyRule {
  pattern: string;
  class: KeyClass;
  policy: ConflictPolicy;
}

/** A rule as it may be given; without a policy it is that of the class. */
export type RuleOption =
  | readonly [pattern: string, keyClass: KeyClass, policy?: ConflictPolicy | null]
  | { pattern: string; class: KeyClass; policy?: ConflictPolicy | null };

/**
 * Keyspace rules, of which the first that matches a key decides: a list, an object of the patterns,
 * or a text such as `session:*=session,lock:*=lock`. In an object, JavaScript puts patterns that
 * are whole numbers first.
 */
export type RulesOption =
  | string
  | readonly RuleOption[]
  | { readonly [pattern: string]: KeyClass | readonly [KeyClass, ConflictPolicy] };

/** What a key is for, and the pattern of the rule that says so. */
export interface KeyTreatment {
  class: KeyClass;
  policy: ConflictPolicy;
  pattern: string | null;
}

/** What becomes of a command while Redis is away. */
export interface CommandTreatment {
  serve: boolean;
  /** Why it is not served. */
  reason: string | null;
}

/** All knobs and the rules. `knobs()` tells the unit, range and meaning of each knob. */
export interface Policy {
  profile: Profile;
  startup: "optional" | "required";
  startup_attempts_max: number;
  startup_delay_ms: number;
  startup_delay_ms_max: number;
  lazy_connect: boolean;
  connect_timeout_ms: number;
  command_timeout_ms: number;
  redial: boolean;
  server_delay_ms: number;
  server_delay_factor_percent: number;
  server_delay_ms_max: number;
  network_delay_ms: number;
  network_delay_factor_percent: number;
  network_delay_ms_max: number;
  quota_delay_ms: number;
  quota_delay_ms_max: number;
  jitter_percent: number;
  stable_ms: number;
  outage_path: string;
  log_interval_ms: number;
  incident_merge_ms: number;
  breaker_window_ms: number;
  breaker_failures_min: number;
  breaker_failure_percent: number;
  breaker_slow_call_ms: number;
  breaker_slow_calls_min: number;
  breaker_slow_call_percent: number;
  on_ambiguous: "error" | "local";
  on_guarded: "refuse" | "serve";
  connections_max: number;
  in_flight_max: number;
  unsent_bytes_max: number;
  store_bytes_max: number;
  journal_bytes_max: number;
  journal_fsync: "always" | "interval" | "never";
  journal_fsync_interval_ms: number;
  retry_quota_percent: number;
  retry_quota_burst: number;
  shadow: boolean;
  stale_ms_max: number;
  reply_bytes_max: number;
  cluster_refresh_ms: number;
  cluster_redirects_max: number;
  cluster_read_from: "primary" | "replica";
  log_path: string;
  record_path: string;
  record_bytes_max: number;
  rules: KeyRule[];
}

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

type Given<Value> =
  | Value
  | (Value extends number ? bigint | `${number}` : Value extends boolean ? `${Value}` : never)
  | null
  | undefined;

/** The same fields, each of which may be absent and be named in camelCase. */
type Options<Fields> = {
  [Name in keyof Fields]?: Given<Fields[Name]>;
} & {
  [Name in keyof Fields & string as Camel<Name>]?: Given<Fields[Name]>;
};

/** Knobs that differ from the defaults of `profile` (`development`). */
export type PolicyOptions = Options<Omit<Policy, "rules">> & {
  rules?: RulesOption | null | undefined;
};

/** One knob of the policy. */
export interface Knob {
  name: Exclude<keyof Policy, "profile" | "rules">;
  unit: "ms" | "percent" | "count" | "bytes" | "flag" | "choice" | "text";
  /** The smallest value, for numbers; the shortest, for texts. */
  min: number;
  /** The largest value, for numbers; the longest, for texts. */
  max: number;
  meaning: string;
}

/** One step of a redial schedule. */
export interface Delay {
  /** Which failure it follows, from 1. */
  attempt: number;
  /** The delay without jitter. */
  delay_ms: number;
  /** The shortest that jitter allows. */
  low_ms: number;
  /** The longest that jitter allows. */
  high_ms: number;
  /** The delay that the seed draws. */
  jittered_ms: number;
}

/** A number up to 2^53 − 1, or a bigint up to 2^64 − 1. */
export type Seed = number | bigint;

/** What happens to Redis, and how busy the client is. */
export interface Scenario {
  /** How Redis fails. */
  kind: FailureKind;
  /** When it begins and ends, in milliseconds from the start. */
  from_ms: number;
  until_ms: number;
  /** How long is simulated: at most 366 days. */
  duration_ms: number;
  calls_per_second: number;
  /** What the jitter is drawn from. */
  seed: Seed;
  /** Several outages, one after the other, in place of the one above. */
  faults: Fault[];
}

/** One of several outages. */
export interface Fault {
  kind: FailureKind;
  from_ms: number;
  until_ms: number;
}

export type ScenarioOptions = Options<Scenario>;

/** One dial of the simulated client. */
export interface Dial {
  at_ms: number;
  took_ms: number;
  failure: FailureKind | null;
}

export interface LogFields {
  endpoint: string;
  kind?: FailureKind;
  text?: string;
  incident?: number;
  duration_ms?: number;
  dials_failed?: number;
  commands_failed?: number;
  served_locally?: number;
  refused?: number;
  replayed?: number;
  conflicts?: number;
  replay_refused?: number;
  journal_keys?: number;
  next_dial_ms?: number;
}

/** One log record. */
export interface LogRecord {
  level: "info" | "warning" | "error";
  code:
    | "redis_unavailable"
    | "redis_still_unavailable"
    | "redis_recovered"
    | "startup_failed"
    | "writes_refused"
    | "journal_discarded"
    | "journal_restored"
    | "journal_set_aside"
    | "journal_failed"
    | "tls_insecure"
    | "log_unwritable"
    | "recording_failed"
    | "sharing_failed";
  message: string;
  fields: LogFields;
}

/** What a client did. */
export interface Trace {
  dials: Dial[];
  lines: { at_ms: number; record: LogRecord }[];
  /** Its status whenever its mode changed, and at the end. */
  status: { at_ms: number; status: Status }[];
  /** From the end of the outage until it was on Redis again. */
  return_ms: number | null;
}

/** What the clients of a fleet did, together. */
export interface Fleet {
  /** Dials that began in each second. */
  dials: number[];
  /** From the end of the last outage until each client was on Redis again, from the first to the last. */
  return_ms: number[];
  /** Log lines. */
  lines: number;
}

/** What a recording comes to. Times are milliseconds since 1970. */
export interface Replayed {
  /** The version of the client that recorded. */
  version: string;
  endpoint: string;
  policy: Policy;
  from_ms: number;
  until_ms: number;
  /** Inputs that were recorded. */
  inputs: number;
  /** The line of the first input, from 1, after which this version decides otherwise. */
  differs_at_line: number | null;
  /** Whether the last line is cut off; it is left out. */
  is_cut: boolean;
  trace: Trace;
  /** The outages that were over, or that the end of the client ended. */
  incidents: Incident[];
}

/** What is counted between two lines, and over a whole incident. */
export interface Counts {
  dials_failed: number;
  commands_failed: number;
  served_locally: number;
  refused: number;
}

/** One outage. */
export interface Incident {
  number: number;
  opened_at_ms: number;
  /** The last recovery, while Redis is back. */
  recovered_at_ms: number | null;
  causes: { kind: FailureKind; first_at_ms: number; count: number }[];
  /** How often Redis came back and went away again. */
  flaps: number;
  counts: Counts;
  replayed: number;
  conflicts: number;
  replay_refused: number;
}

/** What was found in a production log. */
export interface CheckedLog {
  entries: {
    /** The line of its heading, from 1. */
    line: number;
    /** `2025-03-04 02:11`, in UTC; empty where there is no such time. */
    at: string;
    title: string;
    state: "resolved" | "mitigated" | "open";
    /** What failed, where the entry tells. */
    kind: FailureKind | null;
    recovered_after_ms: number | null;
  }[];
  /** What is not as the template has it: the first 1,000. */
  faults: { line: number; message: string }[];
  statistics: {
    entries: number;
    resolved: number;
    mitigated: number;
    open: number;
    recovered_after_ms_median: number | null;
    recovered_after_ms_max: number | null;
    /** The same for each kind of failure, the most frequent first. */
    kinds: {
      kind: FailureKind | null;
      entries: number;
      open: number;
      recovered_after_ms_median: number | null;
      recovered_after_ms_max: number | null;
    }[];
  };
  /** The log as the template has it. */
  corrected: string;
}

/** The mode that an application sees. */
export type Mode = "connected" | "degraded" | "reconciling" | "closed";

/** What to do with a cached value. */
export type Freshness = "fresh" | "early" | "stale" | "stale_while_down";

/** What became of a request under a rate limit. */
export interface LimitVerdict {
  /** Whether it is within the limit. What is not, is not counted. */
  allowed: boolean;
  /** What the limit still allows. */
  remaining: number;
  /** Milliseconds until the same request would be allowed if no other came; 0 where it was. */
  retry_after_ms: number;
  /** Milliseconds until the window ends. */
  reset_ms: number;
}

/** The same, and whether Redis counted for all or, being away, this process for itself. */
export interface RateLimited extends LimitVerdict {
  counted_by: "redis" | "process";
}

/** The snapshot that an operator sees. Times are in seconds. */
export interface Status {
  redis_connected: boolean;
  fallback_mode: boolean;
  circuit_breaker_state: "closed" | "open" | "half_open";
  connection_failure_count: number;
  last_failure_type: FailureKind | null;
  time_since_last_attempt: number | null;
  next_retry_in: number | null;
  time_since_last_recovery: number | null;
  failures_since_log: number;
  failure_count: number;
  status: "healthy" | "degraded";
  mode: Mode;
  profile: Profile;
  endpoint: string;
  incident: Incident | null;
  served_by_redis: number;
  served_by_store: number;
  refused: number;
  dials: number;
  journal_keys: number;
  journal_bytes: number;
  journal_file: "off" | "open" | "set_aside" | "failed";
  store_keys: number;
  store_bytes: number;
  replayed: number;
  conflicts: number;
  replay_refused: number;
  retries_refused: number;
  latency: { p50_us: number; p90_us: number; p99_us: number; max_us: number };
  rules: KeyRule[];
  /** Whether the application may be sent work. */
  ready: boolean;
  /** Commands that a node of a cluster sent elsewhere. */
  redirects: number;
  /** The shards of a cluster; none of a single server. */
  shards: ShardStatus[];
}

/** A shard of a cluster: a master and its slots. */
export interface ShardStatus {
  endpoint: string;
  /** First and last of each range. */
  slots: [number, number][];
  mode: Mode;
  last_failure_type: FailureKind | null;
  served_by_redis: number;
  served_by_store: number;
  refused: number;
  journal_keys: number;
  journal_bytes: number;
  store_keys: number;
  replayed: number;
}

/** Everything that a host may tell an engine. */
export type Input =
  | { type: "start" }
  | { type: "dial_succeeded"; dial: number }
  | { type: "dial_failed"; dial: number; failure: Failure }
  | { type: "dial_held"; dial: number; in_ms: number; attempts?: number; failure?: Failure }
  | { type: "connection_lost"; epoch: number; failure: Failure }
  | { type: "command_failed"; epoch: number; failure: Failure; write?: boolean }
  | { type: "command_slow"; epoch: number; took_ms: number }
  | { type: "tally"; finished?: number; served_locally?: number; refused?: number }
  | {
      type: "replay_progressed";
      epoch: number;
      replayed: number;
      conflicts?: number;
      refused?: number;
    }
  | { type: "reconciled"; epoch: number }
  | { type: "timer" }
  | { type: "redial" }
  | { type: "moved"; endpoint: string }
  | { type: "close"; journal_keys?: number };

/** Everything that an engine may ask of its host. */
export type Output =
  | { type: "dial"; dial: number; timeout_ms: number }
  | { type: "close_connection" }
  | { type: "replay"; epoch: number }
  | { type: "mode_changed"; mode: Mode; epoch: number; serving: boolean }
  | { type: "startup_finished"; dials: number; failure: Failure | null }
  | { type: "incident_opened"; incident: Incident }
  | { type: "incident_closed"; incident: Incident }
  | { type: "log"; record: LogRecord }
  | { type: "timeout"; at_ms: number | null };

/** An answer of the store. An integer that a number would round is a bigint. */
export type Reply =
  | { nil: true }
  | { simple: string }
  | { error: string }
  | { integer: number | bigint }
  | { bulk: string }
  | { array: Reply[] }
  | { refused: "unsupported" | "full" };
