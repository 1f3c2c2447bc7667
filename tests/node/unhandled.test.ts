/** A program that listens to nothing and catches nothing goes on, and only its logger hears of it. */

import { expect, test } from "vitest";

import { Server, freePort, program } from "./helpers.ts";

/** Everything that rejects, none of it awaited. */
const CARELESS = `
  redis.connect();
  redis.get("k");
  redis.set("lock", "me", "NX");
  redis.get(undefined);
  redis.call("MULTI");
  redis.call("NOSUCH");
  redis.lpush("text", 1);
  redis.subscribe("news");
  redis.blpop("queue", 0.01);
  redis.pipeline().get("k").call("NOSUCH").exec();
  redis.multi().set("k", 1).lpush("k", 1).exec();
  redis.cached("key", 60, () => { throw new Error("a loader"); });
  redis.rateLimited("limit", 1, 1, { cost: 2 });
  redis.withAbortSignal(AbortSignal.abort()).get("k");
  redis.defineCommand("broken", { numberOfKeys: 0, lua: "return redis.call('nosuch')" });
  redis.broken();
  redis.monitor();
  redis.duplicate({ db: 1, logger: false }).get("k");
`;

/** Tells what would have ended the process, or written to stderr past the logger. */
const WATCHED = `
  process.on("unhandledRejection", (error) => console.log("unhandled", error));
  process.on("uncaughtException", (error) => console.log("uncaught", error));
  process.on("warning", (warning) => console.log("warning", warning.name));
`;

test.each(["development", "production"])("in an outage, %s", async (profile) => {
  const options = `{ profile: "${profile}", logger: false }`;
  const ended = await program(`import { Redis } from "outlast";
    ${WATCHED}
    const redis = new Redis(${await freePort()}, ${options});
    redis.set("text", "t");
    ${CARELESS}
    while ((redis.getStatus().incident?.counts.dials_failed ?? 0) < 3) {
      await new Promise(setImmediate);
    }
    ${CARELESS}
    setTimeout(() => { console.log("alive"); process.exit(); }, 100);`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "alive\n", stderr: "" });
});

test("while Redis is there, and when it is lost", async () => {
  const server = await Server.start();
  const running = program(`import { Redis } from "outlast";
    ${WATCHED}
    const redis = new Redis(${server.port}, { profile: "production", logger: false });
    await redis.set("text", "t");
    ${CARELESS}
    await redis.get("k");
    await redis.set("ready", 1);
    while (redis.getStatus().redis_connected) {
      redis.incr("n");
      await new Promise(setImmediate);
    }
    ${CARELESS}
    setTimeout(() => { console.log("alive"); process.exit(); }, 100);`);
  while ((await server.cli("GET", "ready")) !== "1");
  await server.kill();
  expect(await running).toEqual({ code: 0, signal: null, stdout: "alive\n", stderr: "" });
});

test("with node-redis' surface", async () => {
  const ended = await program(`import { createClient } from "outlast/node-redis";
    ${WATCHED}
    const redis = createClient({ socket: { port: ${await freePort()} }, logger: false });
    redis.connect();
    redis.get("k");
    redis.set("lock", "me", { condition: "NX" });
    redis.hSet("h", undefined);
    redis.sendCommand(["NOSUCH"]);
    redis.multi().addCommand(["NOSUCH"]).exec();
    redis.subscribe("news", () => {});
    redis.unsubscribe("news");
    redis.close();
    redis.get("k");
    setTimeout(() => { console.log("alive"); process.exit(); }, 200);`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: "alive\n", stderr: "" });
});

test("a dial of two addresses says what each of them said", async () => {
  const port = await freePort();
  const ended = await program(`import { Redis } from "outlast";
    ${WATCHED}
    const lines = [];
    const note = (line) => void lines.push(line);
    const logger = { info: note, warn: note, error: note };
    // A replica is left to ioredis: its dial of a name with two addresses fails with both.
    const lookup = [{ address: "127.0.0.1", family: 4 }, { address: "::1", family: 6 }];
    const dns = await import("node:dns");
    dns.default.lookup = (name, options, told) => told(null, lookup);
    const options = { host: "two.test", port: ${port}, readOnly: true, logger, retryStrategy: null };
    const redis = new Redis({ ...options, retryStrategy: () => null });
    await new Promise((resolve) => redis.on("end", resolve));
    console.log(lines.filter((line) => /undefined|: $/.test(line)).length, lines.at(-1));`);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toMatch(/^0 outlast: .*ECONNREFUSED 127\.0\.0\.1:\d+; connect E\w+ ::1:\d+/);
});

test.each([
  ["pino", `(await import("pino")).default({ base: null, timestamp: false })`],
  [
    "winston",
    `((winston) => winston.createLogger({ transports: [new winston.transports.Console()] }))((await import("winston")).default)`,
  ],
  ["console", `console`],
  [
    "one that fails",
    `(() => { const fail = () => { throw new Error("disk full"); }; return { info: fail, warn: fail, error: fail }; })()`,
  ],
])("a logger of the program's: %s", async (name, logger) => {
  const ended = await program(`import { Redis } from "outlast";
    ${WATCHED}
    const logger = ${logger};
    const redis = new Redis(${await freePort()}, { profile: "development", logger });
    await redis.set("k", "v");
    await new Promise((resolve) => redis.once("reconnecting", resolve));
    await redis.quit();`);
  expect(ended.code).toBe(0);
  const told = name === "console" ? ended.stderr : ended.stdout;
  const silent = name === "console" ? ended.stdout : ended.stderr;
  expect(silent).toBe("");
  if (name === "one that fails") expect(told).toBe("");
  else expect(told).toMatch(/outlast: Redis unavailable: connection refused/);
});
