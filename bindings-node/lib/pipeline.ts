/** Pipelines: many commands, one crossing to the native part, one answer. */

import { Pipeline as Stock } from "ioredis";
import type { Callback, Redis as StockRedis } from "ioredis";

import { argumentFault, isPlain } from "./arguments.js";
import type { Prepared } from "./frames.js";
import { Gathered } from "./gathered.js";
import type { Replies } from "./gathered.js";
import type { Link } from "./link.js";
import { careless, nodeify } from "./promises.js";

/** What a pipeline asks its client for: the link, where its commands need no more than that. */
export type Direct = () => Link | undefined;

type Method = (this: Pipeline, ...args: unknown[]) => unknown;

/** What ioredis keeps in a pipeline. */
interface Inside {
  _queue: unknown[];
  resolve(replies: unknown): void;
}

/** A command as it was called, until it is known that the native part can take all of them. */
interface Called extends Prepared {
  method: string;
}

export class Pipeline extends Stock {
  readonly #direct: Direct;
  #isDirect = true;

  constructor(redis: StockRedis, direct: Direct) {
    super(redis);
    this.#direct = direct;
  }

  /** Adds to the commands, as the native part takes them. */
  static add(pipeline: Pipeline, called: Called): boolean {
    if (!pipeline.#isDirect) return false;
    pipeline.#inside()._queue.push(called);
    return true;
  }

  /** Commands of ioredis from here on. */
  static leave(pipeline: Pipeline): void {
    if (!pipeline.#isDirect) return;
    pipeline.#isDirect = false;
    const inside = pipeline.#inside();
    const called = inside._queue as Called[];
    inside._queue = [];
    const methods = Stock.prototype as unknown as Record<string, Method>;
    for (const { method, args } of called) methods[method]?.apply(pipeline, [...args]);
  }

  override sendCommand(command: Parameters<Stock["sendCommand"]>[0]): unknown {
    Pipeline.leave(this);
    return super.sendCommand(command);
  }

  #inside(): Inside {
    return this as unknown as Inside;
  }

  static {
    const exec = (Stock.prototype as unknown as Record<string, Method>)["exec"] as Method;
    const run: Method = function (this: Pipeline, ...args) {
      const inside = this.#inside();
      const link = this.#isDirect && inside._queue.length > 0 ? this.#direct() : undefined;
      if (link === undefined) {
        Pipeline.leave(this);
        return exec.apply(this, args);
      }
      const called = inside._queue as Called[];
      link.submitPipeline(called, new Gathered(called.length, (all) => inside.resolve(all)));
      return nodeify(this.promise as Promise<Replies>, args[0] as Callback<Replies> | undefined);
    };
    (this.prototype as unknown as Record<string, Method>)["exec"] = run;
  }
}

/** Has the method of a command add it to the pipeline as it is, where it is plain. */
export function defineDirect(method: string, name: string, buffers: boolean): void {
  const slow = (Stock.prototype as unknown as Record<string, Method>)[method] as Method;
  (Pipeline.prototype as unknown as Record<string, Method>)[method] = function (...args) {
    if (isPlain(args)) {
      if (Pipeline.add(this, { method, name, args, buffers })) return this;
    }
    const fault = argumentFault(name, args, false);
    if (fault !== undefined) throw fault;
    return slow.apply(this, args);
  };
}

/** The same pipeline of ioredis; nobody needs to handle what its execution rejects with. */
export function withCarelessExec<P extends object>(pipeline: P): P {
  const methods = pipeline as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ["exec", "execBuffer"]) {
    const run = methods[name];
    if (run !== undefined) methods[name] = careless(run);
  }
  return pipeline;
}
