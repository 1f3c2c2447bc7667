import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";

import { expect, test } from "vitest";

import { Nodes } from "./cluster.ts";
import { Server, freePort, program } from "./helpers.ts";

const folder = dirname(createRequire(import.meta.url).resolve("outlast/package.json"));
const readme = await readFile(`${folder}/README.md`, "utf8");
const snippets = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, source]) => source ?? "");

/** Where the snippets' cluster is. */
const CLUSTER = 'host: "localhost", port: 7000';

test("there are snippets", () => {
  expect(snippets.length).toBeGreaterThanOrEqual(3);
});

test.each(snippets.map((source) => ({ source, title: source.trim().split("\n")[0] })))(
  "it runs, with Redis and without: $title",
  async ({ source }) => {
    const isOfCluster = source.includes(CLUSTER);
    const server = isOfCluster ? (await Nodes.start()).server(0) : await Server.start();
    for (const port of [server.port, await freePort()]) {
      const url = `redis://127.0.0.1:${port}`;
      const placed = source
        .replace("redis://localhost:6379", url)
        .replace(CLUSTER, `host: "127.0.0.1", port: ${port}`);
      const main = `(async () => {${placed}})();`;
      const ended = await program(main, { type: "commonjs", env: { REDIS_URL: url } });
      expect(ended).toMatchObject({ code: 0, signal: null });
      expect(ended.stdout).not.toBe("");
    }
  },
);
