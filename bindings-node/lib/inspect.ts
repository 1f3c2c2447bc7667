/**
 * Diagnosis without a network: what is this error, what would this policy do in that outage? The
 * same functions as in outlast-wasm. Answers cross from the native part as JSON text.
 */

import * as native from "../index.js";
import { guarded } from "./errors.js";
import type { ErrorCode } from "./errors.js";
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
} from "./types.js";

/** One kind of error: its class, and the failures that callers see as it. */
export interface ErrorKind {
  code: ErrorCode;
  name: string;
  failures: FailureKind[];
}

function parsed<T>(call: () => string): T {
  return JSON.parse(guarded(call)) as T;
}

/** The version of the package. */
export function version(): string {
  return native.version();
}

/** What a message, a log line or an error object (with its code and causes) says. */
export function classify(evidence: unknown): Classification {
  return parsed(() => native.classify(evidence));
}

/** What an error reply of Redis says. */
export function classifyReply(message: string): Classification {
  return parsed(() => native.classifyReply(message));
}

/** Every kind of failure. */
export function failureKinds(): Classification[] {
  return parsed(() => native.failureKinds());
}

/** Every kind of error. */
export function errorKinds(): ErrorKind[] {
  return parsed(() => native.errorKinds());
}

/** All knobs of a checked policy. */
export function policy(options?: PolicyOptions): Policy {
  return parsed(() => native.policy(options));
}

/** What a key is for under the rules of a policy. */
export function classOf(options: PolicyOptions, key: string): KeyTreatment {
  return parsed(() => native.classOf(options, key));
}

/** What becomes of a command while Redis is away, as far as its class and its keys decide. */
export function decide(options: PolicyOptions, args: readonly string[]): CommandTreatment {
  return parsed(() => native.decide(options, args));
}

/** The table of knobs. */
export function knobs(): Knob[] {
  return parsed(() => native.knobs());
}

/** The first delays of a redial schedule (`server`). */
export function backoffSchedule(
  options: PolicyOptions,
  attempts: number,
  seed: Seed,
  schedule?: Schedule | "startup",
): Delay[] {
  return parsed(() => native.backoffSchedule(options, attempts, seed, schedule));
}

/** What a client with this policy would dial, log and answer through an outage. */
export function simulate(options?: PolicyOptions, scenario?: ScenarioOptions): Trace {
  return parsed(() => native.simulate(options, scenario));
}

/** What so many clients with this policy would do through an outage, together. */
export function simulateFleet(
  options: PolicyOptions,
  scenario: ScenarioOptions,
  clients: number,
): Fleet {
  return parsed(() => native.simulateFleet(options, scenario, clients));
}

/** The status in a text, in whichever language it was written. */
export function parseStatus(json: string): Status {
  return parsed(() => native.parseStatus(json));
}

/** The entry of an incident for the production log, in Markdown. The endpoint is redacted already. */
export function logEntry(incident: Incident, endpoint: string, service?: string): string {
  return parsed(() => native.logEntry(incident, endpoint, service));
}

/** What a production log holds, what is not as its template has it, and its correction. */
export function checkLog(text: string): CheckedLog {
  return parsed(() => native.checkLog(text));
}

/**
 * What a client recorded to its `record_path`, decided anew: the text of the file, with that of its
 * older half (`PATH.old`) before it if it is wanted.
 */
export function replay(recording: string): Replayed {
  return parsed(() => native.replay(recording));
}

/** What to do with a cached value, of which this is known. */
export function freshness(found: {
  left_ms?: number | null;
  stale_ms?: number;
  cost_ms?: number;
  beta_permille?: number;
  is_down?: boolean;
  random?: number;
}): Freshness {
  return parsed(() => native.freshness(found));
}

/** What becomes of requests that one process counts by itself. */
export function rateLimits(
  limit: { limit: number; window_ms: number; window?: string; share_permille?: number },
  requests: readonly { at_ms: number; key: string; cost?: number }[],
): LimitVerdict[] {
  return parsed(() => native.rateLimits(limit, requests));
}

/** Decides when to dial, which mode the application sees and what is logged. */
export class Engine {
  readonly #engine: native.Engine;

  constructor(options: PolicyOptions, endpoint: string, seed: Seed) {
    this.#engine = guarded(() => new native.Engine(options, endpoint, seed));
  }

  /** Takes one input; answers all outputs, of which the last is the timeout. */
  handle(atMs: number, input: Input): Output[] {
    return parsed(() => this.#engine.handle(atMs, input));
  }

  status(atMs: number): Status {
    return parsed(() => this.#engine.status(atMs));
  }
}

/** Decides which log lines of one outage pass. */
export class Throttle {
  readonly #throttle: native.Throttle;

  constructor(intervalMs: number) {
    this.#throttle = guarded(() => new native.Throttle(intervalMs));
  }

  /** Adds to what the next line will tell. */
  count(counts: Partial<Counts>): void {
    guarded(() => this.#throttle.count(counts));
  }

  /** A failure of this kind was counted: what a line is to tell, if one may pass now. */
  failure(atMs: number, kind: FailureKind): Counts | null {
    return parsed(() => this.#throttle.failure(atMs, kind));
  }

  /** What a summary is to tell, if one is due. */
  summary(atMs: number): Counts | null {
    return parsed(() => this.#throttle.summary(atMs));
  }

  /** When the next summary is due. */
  due(): number | null {
    return parsed(() => this.#throttle.due());
  }

  /** What happened since the last line. */
  sinceLine(): Counts {
    return parsed(() => this.#throttle.sinceLine());
  }
}

/** The Redis in memory that answers while Redis is away. */
export class Store {
  readonly #store: native.Store;

  constructor(bytesMax: number) {
    this.#store = guarded(() => new native.Store(bytesMax));
  }

  /** Answers a command as Redis would; `journalled` says whether a write is to reach Redis later. */
  execute(atMs: number, args: readonly string[], journalled = true): Reply {
    return guarded(() => this.#store.execute(atMs, args, journalled)) as Reply;
  }
}
