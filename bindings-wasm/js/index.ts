/** outlast-wasm for browsers and bundlers: `const outlast = await load()`. */

import initialise, * as generated from "../pkg/web/outlast_wasm.js";
import { surface } from "./surface.js";
import type { Outlast } from "./types.js";

export type * from "./types.js";

/** Where the .wasm comes from, if not from beside this module. */
export type Source = URL | string | Response | BufferSource | WebAssembly.Module;

let loading: Promise<Outlast> | undefined;

/** Loads it once; further calls answer the same. After a failure it may be tried again. */
export function load(source?: Source): Promise<Outlast> {
  loading ??= initialised(source);
  return loading;
}

async function initialised(source: Source | undefined): Promise<Outlast> {
  try {
    await initialise(source === undefined ? undefined : { module_or_path: source });
    return surface(generated);
  } catch (error) {
    loading = undefined;
    throw error;
  }
}
