/** Further libraries on a client of outlast, over a redis-server that is killed and started again. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import limitRequests from "@fastify/rate-limit";
import { createAdapter } from "@socket.io/redis-adapter";
import KeyvRedis from "@keyv/redis";
import { BentoCache, bentostore } from "bentocache";
import { redisDriver } from "bentocache/drivers/redis";
import { createCache } from "cache-manager";
import fastify from "fastify";
import Keyv from "keyv";
import { createClient } from "outlast/node-redis";
import { Server as Sockets } from "socket.io";
import { io } from "socket.io-client";
import type { Socket } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, eventually } from "./helpers.ts";

/** A socket.io server of several, and a browser on it. */
async function node(url: string): Promise<{ server: Sockets; browser: Socket; heard: string[] }> {
  const { redis } = client(url);
  const { redis: subscriber } = client(url);
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const server = new Sockets(http, { adapter: createAdapter(redis, subscriber) });
  const { port } = http.address() as AddressInfo;
  const browser = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
  const heard: string[] = [];
  browser.on("news", (text: string) => heard.push(text));
  onTestFinished(async () => {
    browser.disconnect();
    await server.close();
  });
  await eventually("the browser is connected", () => browser.connected);
  return { server, browser, heard };
}

test("socket.io's servers speak to their own browsers in an outage, to all before and after", async () => {
  const server = await Server.start();
  const [here, there] = [await node(server.url), await node(server.url)];
  const reached = async (text: string, wanted: string[][]): Promise<void> => {
    await eventually(`${text} arrives`, () => {
      // Until its subscriber is back, a server misses what is published.
      here.server.emit("news", text);
      return wanted.every((heard) => heard.includes(text));
    });
  };
  await reached("before", [here.heard, there.heard]);
  await server.kill();
  await reached("during", [here.heard]);
  expect(there.heard).not.toContain("during");
  await server.restart();
  await reached("after", [here.heard, there.heard]);
});

test("@fastify/rate-limit goes on counting from memory, and refuses as before", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { rules: { "limits:*": "counter" } });
  const app = fastify();
  onTestFinished(() => app.close());
  await app.register(limitRequests, {
    max: 4,
    timeWindow: 3_600_000,
    redis,
    nameSpace: "limits:",
  });
  app.get("/", async () => "ok");
  const visit = async (): Promise<number> => (await app.inject("/")).statusCode;
  expect([await visit(), await visit()]).toEqual([200, 200]);
  await server.kill();
  const inOutage: number[] = [];
  for (let call = 0; call < 6; call += 1) inOutage.push(await visit());
  expect(inOutage.filter((status) => status === 500)).toEqual([]);
  expect(inOutage.at(-1)).toBe(429);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await visit()).toBe(429);
});

test("bentocache keeps values of its second layer through an outage", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const cache = new BentoCache({
    default: "remote",
    stores: { remote: bentostore().useL2Layer(redisDriver({ connection: redis as never })) },
  });
  onTestFinished(() => cache.disconnectAll());
  let loads = 0;
  const ask = (key: string): Promise<number> =>
    cache.getOrSet({ key, ttl: "10m", factory: () => (loads += 1) });
  expect([await ask("a"), await ask("a")]).toEqual([1, 1]);
  await server.kill();
  expect([await ask("a"), await ask("b"), await ask("b")]).toEqual([1, 2, 2]);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect([await ask("a"), await ask("b")]).toEqual([1, 2]);
  expect(await server.cli("KEYS", "*b*")).toMatch(/b/);
});

test("cache-manager on keyv wraps values through an outage", async () => {
  const server = await Server.start();
  const redis = createClient({ url: server.url, profile: "production", logger: false });
  onTestFinished(() => redis.destroy());
  await redis.connect();
  const cache = createCache({ stores: [new Keyv({ store: new KeyvRedis(redis as never) })] });
  let loads = 0;
  const ask = (key: string): Promise<number> => cache.wrap(key, () => (loads += 1), 600_000);
  expect([await ask("a"), await ask("a")]).toEqual([1, 1]);
  await server.kill();
  expect([await ask("a"), await ask("b"), await ask("b")]).toEqual([1, 2, 2]);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect([await ask("a"), await ask("b")]).toEqual([1, 2]);
});
