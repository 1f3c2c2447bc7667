import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The package as Node itself loads it, not as a bundler would.
    server: { deps: { external: [/bindings-wasm/] } },
  },
});
