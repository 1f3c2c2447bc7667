import type { Store as Typed, StoreArgument, StoreClass, StoreValue } from "./types.js";

/** What the generated code offers. */
type Generated = new (options: unknown) => Omit<Typed, "exec">;

/** The generated class, with `exec`: the only call of outlast that reads a clock. */
export function withExec(generated: unknown): StoreClass {
  const Base = generated as Generated;
  class Store extends Base {
    exec(...args: readonly StoreArgument[]): StoreValue {
      return this.execAt(Date.now(), args);
    }
  }
  return Store as unknown as StoreClass;
}
