/** The module of the Redis in memory, for browsers and bundlers. */

import initialise, { Store, type InitInput } from "../pkg/web/outlast_store.js";
import { withExec } from "./exec.js";
import type { StoreClass } from "./types.js";

export async function loadedStore(
  options: { module_or_path: InitInput } | undefined,
): Promise<StoreClass> {
  await initialise(options);
  return withExec(Store);
}
