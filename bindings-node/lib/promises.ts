/** Promises whose rejection nobody needs to handle: whoever awaits one still gets it. */

import type { Callback } from "ioredis";

export function ignore(): void {}

/** The same promise. */
export function handled<P extends Promise<unknown>>(promise: P): P {
  promise.catch(ignore);
  return promise;
}

/** A method of which nobody needs to handle what it rejects with. */
export function careless<This>(method: (this: This, ...args: unknown[]) => unknown) {
  return function (this: This, ...args: unknown[]): unknown {
    const result = method.apply(this, args);
    return result instanceof Promise ? handled(result) : result;
  };
}

export function rejected(error: Error): Promise<never> {
  return handled(Promise.reject(error));
}

/** The same promise, which tells the callback as well. */
export function nodeify<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (callback === undefined) return handled(promise);
  // What a callback throws is the program's affair, and not a rejection.
  const told = (...values: Parameters<Callback<T>>): void => void setImmediate(callback, ...values);
  promise.then(
    (value) => told(null, value),
    (error: Error) => told(error),
  );
  return promise;
}
