/**
 * What goes into outlast-wasm and what comes out; a test holds real results against these types.
 */

import type {
  CheckedLog,
  Classification,
  CommandTreatment,
  Counts,
  Delay,
  FailureKind,
  Fleet,
  Freshness,
  Incident,
  Input,
  KeyTreatment,
  Knob,
  LimitVerdict,
  Output,
  Policy,
  PolicyOptions,
  Replayed,
  Reply,
  ScenarioOptions,
  Schedule,
  Seed,
  Status,
  Trace,
} from "./core.js";

export type * from "./core.js";

/** What outlast throws. */
export interface OutlastError extends Error {
  name: "OutlastError";
  code:
    | "invalid_option"
    | "invalid_argument"
    | "unsupported_locally"
    | "limit_reached"
    | "command_error";
}

/** Decides when to dial, which mode the application sees and what is logged. */
export interface Engine {
  /** Takes one input; answers all outputs, of which the last is the timeout. */
  handle(atMs: number, input: Input): Output[];
  status(atMs: number): Status;
  /** Gives its memory back. The garbage collector does it too. */
  free(): void;
}

/** Decides which log lines of one outage pass. */
export interface Throttle {
  /** Adds to what the next line will tell. */
  count(counts: Partial<Counts>): void;
  /** A failure of this kind was counted: what a line is to tell, if one may pass now. */
  failure(atMs: number, kind: FailureKind): Counts | null;
  /** What a summary is to tell, if one is due. */
  summary(atMs: number): Counts | null;
  /** When the next summary is due. */
  due(): number | null;
  /** What happened since the last line. */
  sinceLine(): Counts;
  free(): void;
}

/** How a store is made. */
export interface StoreOptions {
  /** Bytes that keys, values and bookkeeping may take (64 MiB). */
  bytesMax?: number | bigint;
  /** What gives way when it is full, as `maxmemory-policy` has it (`noeviction`: writes fail). */
  eviction?:
    | "noeviction"
    | "allkeys-lru"
    | "allkeys-lfu"
    | "allkeys-random"
    | "volatile-lru"
    | "volatile-lfu"
    | "volatile-random"
    | "volatile-ttl";
}

/** One argument of a command. */
export type StoreArgument = string | number | bigint | Uint8Array;

/**
 * A reply as JavaScript has it: nil is `null`, bytes that are no UTF-8 are a `Uint8Array`, an integer
 * that a number would round is a bigint, an error inside a list is an `Error`. Maps and sets come
 * after `HELLO 3`.
 */
export type StoreValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | OutlastError
  | StoreValue[]
  | Map<StoreValue, StoreValue>
  | Set<StoreValue>;

/** The Redis in memory that answers while Redis is away, with one session. */
export interface Store {
  /**
   * Answers a command of the session, now: `exec("ZADD", "board", 3, "ada")`. An error reply is
   * thrown with the code `command_error`. It never waits: blocking commands time out at once.
   */
  exec(...args: readonly StoreArgument[]): StoreValue;
  /** The same at another time, in milliseconds. */
  execAt(atMs: number, args: readonly StoreArgument[]): StoreValue;
  /** The messages for the session's subscriptions since this was last asked. */
  messages(): StoreValue[];
  /**
   * Answers a command by itself, with the type of each reply; `journalled` says whether a write is
   * to reach Redis later.
   */
  execute(atMs: number, args: readonly string[], journalled?: boolean): Reply;
  /** Gives its memory back. The garbage collector does it too. */
  free(): void;
}

/** The class: `new Store({ bytesMax: 1_000_000 })`, or only a number of bytes. */
export type StoreClass = new (options?: StoreOptions | number) => Store;

/** What a loaded outlast-wasm offers. */
export interface Outlast {
  version(): string;
  /** What a message, a log line or an error object (with its code and causes) says. */
  classify(evidence: unknown): Classification;
  /** What an error reply of Redis says. */
  classifyReply(message: string): Classification;
  /** Every kind of failure. */
  failureKinds(): Classification[];
  /** All knobs of a checked policy. */
  policy(options?: PolicyOptions): Policy;
  /** What a key is for under the rules of a policy. */
  classOf(options: PolicyOptions, key: string): KeyTreatment;
  /** What becomes of a command while Redis is away, as far as its class and its keys decide. */
  decide(options: PolicyOptions, args: readonly string[]): CommandTreatment;
  /** What to do with a cached value, of which this is known. */
  freshness(found: {
    left_ms?: number | null;
    stale_ms?: number;
    cost_ms?: number;
    beta_permille?: number;
    is_down?: boolean;
    random?: number;
  }): Freshness;
  /** What becomes of requests that one process counts by itself. */
  rateLimits(
    limit: { limit: number; window_ms: number; window?: string; share_permille?: number },
    requests: readonly { at_ms: number; key: string; cost?: number }[],
  ): LimitVerdict[];
  knobs(): Knob[];
  /** The first delays of a redial schedule (`server`). */
  backoffSchedule(
    options: PolicyOptions,
    attempts: number,
    seed: Seed,
    schedule?: Schedule | "startup",
  ): Delay[];
  /** What a client with this policy would dial, log and answer through an outage. */
  simulate(options?: PolicyOptions, scenario?: ScenarioOptions): Trace;
  /** What so many clients with this policy would do through an outage, together. */
  simulateFleet(options: PolicyOptions, scenario: ScenarioOptions, clients: number): Fleet;
  /** The status in a text, in whichever language it was written. */
  parseStatus(json: string): Status;
  /** The entry of an incident for the production log, in Markdown. The endpoint is redacted already. */
  logEntry(incident: Incident, endpoint: string, service?: string): string;
  /** What a production log holds, what is not as its template has it, and its correction. */
  checkLog(text: string): CheckedLog;
  /** What a client recorded to its `record_path`, decided anew. */
  replay(recording: string): Replayed;
  readonly Engine: new (options: PolicyOptions, endpoint: string, seed: Seed) => Engine;
  readonly Throttle: new (intervalMs: number) => Throttle;
}
