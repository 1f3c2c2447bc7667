import { load, loadStore } from "outlast-wasm";
import { expect, test } from "vitest";
import { loadVectors, runner } from "../vectors.ts";

const outcomes = await runner.runVectors(
  { ...(await load()), Store: await loadStore() },
  loadVectors,
);

test.each(outcomes)("$name", ({ message }) => {
  expect(message).toBe("");
});
