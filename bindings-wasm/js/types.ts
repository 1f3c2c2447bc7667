/**
 * What goes into outlast-wasm and what comes out; a test holds real results against these types.
 */

import type {
  Classification,
  CommandTreatment,
  Counts,
  Delay,
  FailureKind,
  Input,
  KeyTreatment,
  Knob,
  Output,
  Policy,
  PolicyOptions,
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
  code: "invalid_option" | "invalid_argument" | "unsupported_locally" | "limit_reached";
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

/** The Redis in memory that answers while Redis is away. */
export interface Store {
  /** Answers a command as Redis would; `journalled` says whether a write is to reach Redis later. */
  execute(atMs: number, args: readonly string[], journalled?: boolean): Reply;
  free(): void;
}

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
  /** The status in a text, in whichever language it was written. */
  parseStatus(json: string): Status;
  readonly Engine: new (options: PolicyOptions, endpoint: string, seed: Seed) => Engine;
  readonly Throttle: new (intervalMs: number) => Throttle;
  readonly Store: new (bytesMax: number) => Store;
}
