/** outlast-wasm for browsers and bundlers: `const outlast = await load()`. */

import initialise, * as generated from "../pkg/web/outlast_diagnosis.js";
import { surface } from "./surface.js";
import type { Outlast, StoreClass } from "./types.js";

export type * from "./types.js";

/** Where a .wasm comes from, if not from beside its module. */
export type Source = URL | string | Response | BufferSource | WebAssembly.Module;

/** Runs `load` once, and again after it failed. */
function once<Loaded>(load: (source?: Source) => Promise<Loaded>) {
  let loading: Promise<Loaded> | undefined;
  return (source?: Source): Promise<Loaded> => {
    loading ??= load(source).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

const options = (source: Source | undefined) =>
  source === undefined ? undefined : { module_or_path: source };

/** Loads what diagnoses and simulates, once; further calls answer the same. */
export const load: (source?: Source) => Promise<Outlast> = once(async (source) => {
  await initialise(options(source));
  return surface(generated);
});

/** Loads the Redis in memory, which is a module of its own, once. */
export const loadStore: (source?: Source) => Promise<StoreClass> = once(async (source) => {
  const { loadedStore } = await import("./store.js");
  return loadedStore(options(source));
});
