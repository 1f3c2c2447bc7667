/** The shared runner of the vectors, with types: it is plain JavaScript, so that a page loads it too. */

import { readFile } from "node:fs/promises";
import type { Outlast, StoreClass } from "outlast-wasm";

/** Both modules in one. */
export type Api = Outlast & { Store: StoreClass };

export interface Outcome {
  name: string;
  ok: boolean;
  message: string;
}

export interface Runner {
  FILES: string[];
  runVectors(api: Api, load: (name: string) => Promise<unknown>): Promise<Outcome[]>;
}

const FOLDER = new URL("../vectors/", import.meta.url);

export const runner = (await import(new URL("run.mjs", FOLDER).href)) as Runner;

/** The parsed content of a file of vectors. */
export async function loadVectors(name: string): Promise<Record<string, unknown[]>> {
  return JSON.parse(await readFile(new URL(name, FOLDER), "utf8"));
}
