/** A master that a real sentinel names: by a URL, by the options of ioredis, and with what is left to it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { RedisOptions } from "outlast";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, eventually, freePort } from "./helpers.ts";

/** A sentinel that watches a server as `cache`; its port. */
async function sentinel(server: Server): Promise<number> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "outlast-sentinel-"));
  const file = join(folder, "sentinel.conf");
  const lines = ["bind 127.0.0.1", `port ${port}`, `dir ${folder}`, "requirepass watched"];
  const watch = `sentinel monitor cache 127.0.0.1 ${server.port} 1`;
  writeFileSync(file, [...lines, watch, "sentinel auth-pass cache kept"].join("\n"));
  const child = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
    rmSync(folder, { recursive: true });
  });
  return port;
}

const password = "kept";

test.each(["a URL", "the options of ioredis"])("%s", async (how) => {
  const server = await Server.start("--requirepass", password);
  const port = await sentinel(server);
  const places = `127.0.0.1:${await freePort()},127.0.0.1:${port}`;
  const url = `redis-sentinel://:${password}@${places}/cache?sentinel_password=watched`;
  const sentinels = places.split(",").map((place) => {
    const [host = "", port] = place.split(":");
    return { host, port: Number(port) };
  });
  const options: RedisOptions = { sentinels, name: "cache", password, sentinelPassword: "watched" };
  const patient = { startupAttemptsMax: 100 };
  const { redis } =
    how === "a URL" ? client(url, patient) : client(undefined, { ...options, ...patient });
  await redis.set("k", "v");
  expect(redis.getStatus().endpoint).toBe(`redis-sentinel://${places}/cache`);
  expect(redis.getStatus().served_by_redis).toBe(1);
  // What has a connection of ioredis, and a copy, find the master, too.
  const heard: string[] = [];
  const listener = redis.duplicate();
  onTestFinished(() => listener.disconnect());
  listener.on("message", (_channel: string, message: string) => heard.push(message));
  await listener.subscribe("news");
  await redis.publish("news", "hello");
  await eventually("it is heard", () => heard.length > 0);
  expect(heard).toEqual(["hello"]);
  expect(JSON.stringify(redis.getStatus())).not.toContain("watched");
});
