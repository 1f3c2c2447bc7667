import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Deadlines are measured: tests that share a processor with many others measure those.
    maxWorkers: 2,
    // The package as Node itself loads it, not as a bundler would.
    server: { deps: { external: [/bindings-node/] } },
  },
});
