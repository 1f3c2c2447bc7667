/** outlast-wasm for Node: everything is there once it is imported. */

import generated from "../pkg/node/outlast_diagnosis.js";
import generatedStore from "../pkg/node/outlast_store.js";
import { withExec } from "./exec.js";
import { surface } from "./surface.js";
import type * as types from "./types.js";

export type * from "./types.js";

// A class is a value and a type of the same name.
export type Engine = types.Engine;
export type Throttle = types.Throttle;
export type Store = types.Store;

const outlast = surface(generated);

export const {
  version,
  classify,
  classifyReply,
  failureKinds,
  policy,
  classOf,
  decide,
  freshness,
  rateLimits,
  knobs,
  backoffSchedule,
  simulate,
  simulateFleet,
  parseStatus,
  logEntry,
  checkLog,
  replay,
  Engine,
  Throttle,
} = outlast;

export const Store: types.StoreClass = withExec(generatedStore.Store);

/** The same as in a browser, so that code which runs in both may `await load()` in both. */
export async function load(): Promise<types.Outlast> {
  return outlast;
}

/** The same as in a browser. */
export async function loadStore(): Promise<types.StoreClass> {
  return Store;
}
