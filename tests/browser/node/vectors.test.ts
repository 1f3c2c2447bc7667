import { load } from "outlast-wasm";
import { expect, test } from "vitest";
import { loadVectors, runner } from "../vectors.ts";

const outcomes = await runner.runVectors(await load(), loadVectors);

test.each(outcomes)("$name", ({ message }) => {
  expect(message).toBe("");
});
