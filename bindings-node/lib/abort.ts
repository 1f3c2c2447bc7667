/** Commands that an `AbortSignal` ends for their caller: `redis.withAbortSignal(signal)`. */

import { rejected } from "./promises.js";

type Method = (...args: unknown[]) => unknown;

/**
 * The same client, every promise of which rejects with the signal's reason as soon as it is aborted.
 * What was asked for before is not taken back: Redis may do it, and its reply is read and dropped.
 */
export function abortable<Client extends object>(client: Client, signal: AbortSignal): Client {
  return new Proxy(client, {
    get(target, name, proxy) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const result = called(target, value as Method, args, signal);
        return result === target ? proxy : result;
      };
    },
  });
}

function called(target: object, method: Method, args: unknown[], signal: AbortSignal): unknown {
  if (signal.aborted) return rejected(signal.reason as Error);
  const result = method.apply(target, args);
  if (result === target) return target;
  if (result instanceof Promise) return raced(result, signal);
  // A pipeline: its `exec` gives the promise.
  return isPipeline(result) ? abortable(result, signal) : result;
}

function isPipeline(value: unknown): value is object {
  return typeof value === "object" && value !== null && "exec" in value;
}

function raced(promise: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const racing = new Promise<unknown>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    const settled = (): void => signal.removeEventListener("abort", abort);
    promise.then(resolve, reject).finally(settled);
  });
  racing.catch(() => undefined);
  return racing;
}
