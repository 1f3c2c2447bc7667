import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

/** What a page may have to fetch for either module. */
const GZIP_BYTES_MAX = 300_000;

test("each module is small enough for a page", async () => {
  const file = new URL("../../../build/wasm-size.json", import.meta.url);
  const sizes = JSON.parse(await readFile(file, "utf8")) as Record<string, { gzip: number }>;
  expect(Object.keys(sizes)).toEqual(["outlast_diagnosis", "outlast_store"]);
  for (const [name, { gzip }] of Object.entries(sizes)) {
    expect([name, gzip]).toEqual([name, expect.any(Number)]);
    expect(gzip).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  }
});
