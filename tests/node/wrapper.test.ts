import { RedisUnavailable } from "outlast";
import { closeRedis, getRedis, healthCheck } from "outlast/wrapper";
import { afterEach, expect, test, vi } from "vitest";

import { Nodes, oneInEach } from "./cluster.ts";
import { Server, eventually, freePort, program, rejection, thrown, timed } from "./helpers.ts";

const VARIABLES = ["URL", "HOST", "PORT", "PASSWORD", "DB", "CLUSTER"].map((end) => `REDIS_${end}`);

/** Sets what is given, and nothing else of what the wrapper reads. */
function environment(values: Record<string, string>): void {
  for (const name of [...VARIABLES, "OUTLAST_PROFILE"]) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "info").mockImplementation(() => {});
}

afterEach(async () => {
  await closeRedis();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("one shared client, until it is closed", async () => {
  const server = await Server.start();
  environment({ REDIS_URL: server.url });
  const redis = getRedis();
  expect(getRedis()).toBe(redis);
  expect(redis.getStatus().dials).toBe(0);
  await redis.setex("k", 60, JSON.stringify({ a: 1 }));
  expect(await redis.get("k")).toBe('{"a":1}');
  expect(await redis.del("k")).toBe(1);
  await closeRedis();
  await closeRedis();
  expect(await rejection(redis.get("k"))).toMatchObject({ code: "closed" });
  expect(getRedis()).not.toBe(redis);
  expect(await getRedis().ping()).toBe("PONG");
});

test("the place comes from its parts as well", async () => {
  const server = await Server.start("--requirepass", "p@ss");
  const port = String(server.port);
  const parts = { REDIS_HOST: "127.0.0.1", REDIS_PORT: port, REDIS_PASSWORD: "p@ss" };
  environment({ ...parts, REDIS_DB: "2", REDIS_CLUSTER: "false", REDIS_URL: "" });
  expect(getRedis().getStatus().endpoint).toBe(`${server.url}/2`);
  expect(await healthCheck()).toBe(true);
});

test.each(["a URL", "its parts"])("a cluster, by REDIS_CLUSTER and %s", async (how) => {
  const nodes = await Nodes.start();
  const { port } = nodes.server(0);
  const host = nodes.places.map(({ host, port }) => `${host}:${port}`).join(",");
  const place = how === "a URL" ? { REDIS_URL: nodes.server(0).url } : { REDIS_HOST: host };
  environment({ REDIS_CLUSTER: "true", ...place });
  expect(getRedis().getStatus().endpoint).toBe(
    how === "a URL" ? `redis-cluster://127.0.0.1:${port}` : nodes.url,
  );
  const keys = oneInEach("wrapped");
  for (const key of keys) await getRedis().set(key, key);
  expect(await getRedis().mget(keys)).toEqual(keys);
  expect(await healthCheck()).toBe(true);
});

test("what is wrong in the environment is told by name", async () => {
  environment({ REDIS_CLUSTER: "maybe" });
  expect(thrown(getRedis).message).toBe(
    'invalid REDIS_CLUSTER "maybe": allowed is true, false or unset',
  );
  expect(await healthCheck()).toBe(false);
  environment({ REDIS_PORT: "nope" });
  expect(thrown(getRedis).message).toContain('invalid port "nope"');
  expect(await healthCheck()).toBe(false);
});

test("a health check tells the truth, and never rejects", async () => {
  const server = await Server.start();
  environment({ REDIS_URL: server.url, OUTLAST_PROFILE: "development" });
  expect(await healthCheck()).toBe(true);
  await server.kill();
  await eventually("it is noticed", async () => !(await healthCheck()));
  expect(await timed(1, () => getRedis().ping())).toBe("PONG");
  await server.restart();
  await eventually("it is back", healthCheck);
});

test("optional in development, required in production, by NODE_ENV", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  environment({ REDIS_URL: url, NODE_ENV: "development" });
  expect(await getRedis().set("k", "v")).toBe("OK");
  expect(await getRedis().get("k")).toBe("v");
  expect(await healthCheck()).toBe(false);
  await closeRedis();
  environment({ REDIS_URL: url, NODE_ENV: "production" });
  const began = performance.now();
  const error = await rejection(getRedis().get("k"));
  expect(error).toBeInstanceOf(RedisUnavailable);
  // Three dials, 50 and 100 ms apart, and a fifth more or less.
  expect(performance.now() - began).toBeGreaterThan(100);
  expect(getRedis().getStatus().dials).toBe(3);
  expect(await healthCheck()).toBe(false);
});

test("fixed: after the last retry the client ended for ever", async () => {
  const server = await Server.start();
  await server.kill();
  environment({ REDIS_URL: server.url, NODE_ENV: "production" });
  expect(await rejection(getRedis().connect())).toBeInstanceOf(RedisUnavailable);
  await server.restart();
  await eventually("it is back", healthCheck);
  expect(await getRedis().set("k", "v")).toBe("OK");
});

test("fixed: a name with two addresses gave an error without a message", async () => {
  environment({ REDIS_HOST: "localhost", REDIS_PORT: `${await freePort()}` });
  vi.stubEnv("NODE_ENV", "production");
  const error = await rejection(getRedis().connect());
  expect(error.message).toMatch(
    /not reached in 3 dials \(redis:\/\/localhost:\d+\): connection_refused: Connection refused/,
  );
});

test("fixed: every pending command repeated the same error line", async () => {
  environment({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, NODE_ENV: "development" });
  const warn = vi.mocked(console.warn);
  await Promise.all(Array.from({ length: 500 }, () => getRedis().get("k")));
  await eventually("it is told", () => warn.mock.calls.length > 0);
  await eventually("dials go on", () => getRedis().getStatus().dials >= 5);
  expect(warn).toHaveBeenCalledTimes(1);
});

test("fixed: an error event or a rejection without a listener ended the process", async () => {
  const ended = await program(
    `import { closeRedis, getRedis, healthCheck } from "outlast/wrapper";
    getRedis().get("k");
    console.log(await healthCheck());
    getRedis().get("k");
    await closeRedis();`,
    { env: { REDIS_PORT: `${await freePort()}`, NODE_ENV: "production" } },
  );
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: "false\n" });
  expect(ended.stderr.trim().split("\n")).toHaveLength(2);
});
