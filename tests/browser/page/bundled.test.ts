import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect, test } from "vitest";
import { launch, serve } from "./site.ts";

test("a bundler finds the .wasm, and the bundle works", async () => {
  await build({
    root: fileURLToPath(new URL("bundled", import.meta.url)),
    base: "./",
    logLevel: "error",
    configFile: false,
    build: {
      target: "es2022",
      outDir: fileURLToPath(new URL("../../../build/test/bundled", import.meta.url)),
      emptyOutDir: true,
    },
  });
  const site = await serve();
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${site.origin}/build/test/bundled/`);
    await page.waitForFunction(() => globalThis.outlast !== undefined);
    const { kind } = await page.evaluate(() => outlast.classifyReply("LOADING Redis is loading"));
    expect(kind).toBe("loading");
    expect(await page.evaluate(() => new outlast.Store().exec("PING"))).toBe("PONG");
    expect(faults).toEqual([]);
  } finally {
    await browser.close();
    site.server.close();
  }
});
