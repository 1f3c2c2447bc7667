import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Server, freePort, program } from "./helpers.ts";

const START = `import { Redis } from "outlast";`;

test("a process ends by itself once its client is closed", async () => {
  const server = await Server.start();
  const ended = await program(`${START}
    const redis = new Redis(${JSON.stringify(server.url)});
    console.log(await redis.set("k", "v"), await redis.get("k"));
    console.log(await redis.quit());`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "OK v\nOK\n", stderr: "" });
});

test("it ends by itself in an outage, too, and says nothing where it is not to", async () => {
  const port = await freePort();
  const ended = await program(`${START}
    const redis = new Redis(${port}, { logger: false, profile: "development" });
    console.log(await redis.set("k", "v"), await redis.get("k"));
    redis.disconnect();`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "OK v\n", stderr: "" });
});

test("it stays until its commands have ended, during the startup as well", async () => {
  const server = await Server.start();
  const ended = await program(`${START}
    const redis = new Redis(${JSON.stringify(server.url)});
    Promise.all(Array.from({ length: 1000 }, () => redis.incr("n"))).then((replies) => {
      console.log(replies.at(-1));
      redis.disconnect();
    });`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "1000\n", stderr: "" });
});

test("it stays while a client is open, whether Redis is there or not", async () => {
  const server = await Server.start();
  for (const url of [server.url, `redis://127.0.0.1:${await freePort()}`]) {
    const ended = await program(`${START}
      const redis = new Redis(${JSON.stringify(url)}, { logger: false });
      await redis.ping();
      setTimeout(() => { console.log("still here"); process.exit(7); }, 300).unref();`);
    expect(ended).toEqual({ code: 7, signal: null, stdout: "still here\n", stderr: "" });
  }
});

test("a client that was never used holds nothing", async () => {
  const ended = await program(`${START} new Redis({ profile: "development" });`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
});

test("rejections that nobody handles and events that nobody hears end no process", async () => {
  const ended = await program(
    `${START}
    const redis = new Redis(${await freePort()}, { profile: "production", logger: false });
    redis.connect();
    redis.get("k");
    redis.get(undefined);
    redis.call("MULTI");
    while ((redis.getStatus().incident?.counts.dials_failed ?? 0) < 3) await new Promise(setImmediate);
    redis.set("lock", "me", "NX");
    redis.quit();
    redis.get("k");
    setTimeout(() => console.log("alive"), 50);`,
  );
  expect(ended).toEqual({ code: 0, signal: null, stdout: "alive\n", stderr: "" });
});

test("pending commands of a client that is closed end no process", async () => {
  const server = await Server.start();
  const ended = await program(`${START}
    const redis = new Redis(${JSON.stringify(server.url)}, { logger: false });
    await redis.ping();
    for (let n = 0; n < 100; n++) redis.incr("n");
    redis.disconnect();
    await new Promise((resolve) => redis.on("end", resolve));
    console.log("ended");`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "ended\n", stderr: "" });
});

test("what the caller awaits still rejects", async () => {
  const ended = await program(`${START}
    const redis = new Redis(${await freePort()}, { profile: "production", logger: false });
    await redis.get("k");`);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(/RedisUnavailable: .*127\.0\.0\.1|RedisUnavailable: .*localhost/);
});

test("without a logger of its own a program gets its lines on the console", async () => {
  const ended = await program(
    `const { Redis } = require("outlast");
    (async () => {
      const redis = new Redis(${await freePort()}, { profile: "development" });
      await Promise.all(Array.from({ length: 100 }, () => redis.set("k", "v")));
      await redis.quit();
    })();`,
    { type: "commonjs" },
  );
  expect(ended).toMatchObject({ code: 0, stdout: "" });
  const lines = ended.stderr.trim().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^outlast: Redis unavailable: connection refused/);
  expect(lines[1]).toMatch(/^outlast: Closed before 1 key written in the outage reached Redis/);
});

test("NODE_ENV names the profile, a variable of ours goes before it", async () => {
  const source = `${START}
    const redis = new Redis({ lazyConnect: true });
    console.log(redis.getStatus().profile);`;
  const profile = async (env: Record<string, string>) => (await program(source, { env })).stdout;
  expect(await profile({})).toBe("development\n");
  expect(await profile({ NODE_ENV: "production" })).toBe("production\n");
  expect(await profile({ NODE_ENV: "something" })).toBe("development\n");
  expect(await profile({ NODE_ENV: "test", OUTLAST_PROFILE: "staging" })).toBe("staging\n");
  const wrong = await program(source, { env: { OUTLAST_STARTUP: "maybe" } });
  expect(wrong.stderr).toContain('InvalidOption: invalid OUTLAST_STARTUP "maybe"');
});

test("a worker thread may have a client, and be ended while it has", async () => {
  const server = await Server.start();
  const ended = await program(`
    import { Worker } from "node:worker_threads";
    const source = \`
      const { Redis } = require("outlast");
      const { parentPort } = require("node:worker_threads");
      const redis = new Redis(${JSON.stringify(server.url)});
      redis.incr("n").then((n) => parentPort.postMessage(n));
    \`;
    for (let n = 1; n <= 5; n++) {
      const worker = new Worker(source, { eval: true, execArgv: [] });
      worker.once("message", async (reply) => {
        await worker.terminate();
        console.log(typeof reply);
      });
    }`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "number\n".repeat(5), stderr: "" });
});

test("where the loop is not Node's, the socket is JavaScript's, and all is the same", async () => {
  const server = await Server.start();
  const ended = await program(
    `Object.defineProperty(process, "versions", { value: { ...process.versions, bun: "1.0.0" } });
    const { Redis } = require("outlast");
    (async () => {
      const redis = new Redis(${JSON.stringify(server.url)}, { logger: false });
      const replies = await Promise.all(Array.from({ length: 1000 }, () => redis.incr("n")));
      console.log(replies.at(-1), process._getActiveHandles().filter((one) => one.remotePort).length);
      const value = "v".repeat(1_000_000);
      await redis.set("k", value);
      console.log((await redis.get("k")) === value, await redis.multi().incr("n").exec());
      redis.disconnect(true);
      console.log(await redis.incr("n"), await redis.quit());
    })();`,
    { type: "commonjs" },
  );
  const stdout = "1000 1\ntrue [ [ null, 1001 ] ]\n1002 OK\n";
  expect(ended).toEqual({ code: 0, signal: null, stdout, stderr: "" });
});

test("the processes of a cluster have a client each, and one that dies takes no other along", async () => {
  const server = await Server.start();
  const folder = mkdtempSync(join(tmpdir(), "outlast-cluster-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "worker.cjs");
  const outlast = createRequire(import.meta.url).resolve("outlast");
  const open = `const { Redis } = require(${JSON.stringify(outlast)});
    const redis = new Redis(${JSON.stringify(server.url)}, { logger: false });`;
  writeFileSync(
    file,
    `${open}
    const cluster = require("node:cluster");
    Promise.all(Array.from({ length: 100 }, () => redis.incr("n"))).then(async () => {
      if (cluster.worker.id === 2) process.kill(process.pid, "SIGKILL");
      await redis.quit();
      process.disconnect();
    });`,
  );
  const ended = await program(
    `${open}
    const cluster = require("node:cluster");
    (async () => {
      await redis.set("n", 0);
      cluster.setupPrimary({ exec: ${JSON.stringify(file)}, execArgv: [] });
      const ended = [1, 2, 3].map(() => {
        const worker = cluster.fork();
        return new Promise((resolve) => worker.on("exit", (code, signal) => resolve(signal ?? code)));
      });
      console.log((await Promise.all(ended)).sort().join(" "), await redis.get("n"));
      await redis.quit();
    })();`,
    { type: "commonjs" },
  );
  expect(ended).toEqual({ code: 0, signal: null, stdout: "0 0 SIGKILL 300\n", stderr: "" });
});

test("worker threads that are ended with commands under way leave the process whole", async () => {
  const server = await Server.start();
  const ended = await program(`
    import { Worker } from "node:worker_threads";
    import { Redis } from "outlast";
    const source = \`
      const { Redis } = require("outlast");
      const { parentPort } = require("node:worker_threads");
      const redis = new Redis(${JSON.stringify(server.url)}, { logger: false });
      const again = () => redis.incr("n").then(again);
      for (let n = 0; n < 50; n += 1) again();
      redis.incr("n").then(() => parentPort.postMessage("busy"));
    \`;
    for (let n = 0; n < 5; n += 1) {
      const worker = new Worker(source, { eval: true, execArgv: [] });
      await new Promise((resolve) => worker.once("message", resolve));
      await worker.terminate();
    }
    const redis = new Redis(${JSON.stringify(server.url)});
    console.log(Number(await redis.get("n")) > 5);
    await redis.quit();`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "true\n", stderr: "" });
});
