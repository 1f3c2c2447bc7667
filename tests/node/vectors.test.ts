import { readFile } from "node:fs/promises";

import * as outlast from "outlast";
import { expect, test } from "vitest";

const vectors = new URL("../vectors/", import.meta.url);
const runner = (await import(new URL("run.mjs", vectors).href)) as {
  runVectors: (
    api: typeof outlast,
    load: (name: string) => Promise<unknown>,
  ) => Promise<{ name: string; ok: boolean; message: string }[]>;
};
const load = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(name, vectors), "utf8"));

test.each(await runner.runVectors(outlast, load))("$name", ({ ok, message }) => {
  expect(message).toBe("");
  expect(ok).toBe(true);
});
