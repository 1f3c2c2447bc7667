/** The metrics in a registry of prom-client, through an outage. */

import { register } from "outlast/prometheus";
import { Counter, Registry } from "prom-client";
import { expect, test } from "vitest";

import { Server, client, eventually } from "./helpers.ts";

/** Samples by name and labels, in the order of the labels' names. */
function samples(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
      return [`${name}{${(labels ?? "").split(",").sort().join()}}`, Number(value)];
    }),
  );
}

/** The value of the one sample with this name and, where it has one, label of its own. */
function value(text: string, name: string, label = ""): number {
  const all = [...samples(text)];
  const found = all.filter(([key]) => key.startsWith(`${name}{`) && key.includes(label));
  expect(found, `${name} ${label}`).toHaveLength(1);
  return found[0]![1];
}

test("an outage is scraped beside the application's own metrics", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { serverDelayMs: 20, serverDelayMsMax: 50 });
  const registry = new Registry();
  new Counter({ name: "app_requests_total", help: "Its own.", registers: [registry] }).inc();
  const end = register(redis, registry);
  for (let number = 0; number < 10; number += 1) await redis.set("k", "v");
  const healthy = await registry.metrics();
  expect(value(healthy, "app_requests_total")).toBe(1);
  expect(value(healthy, "outlast_commands_total", 'answered_by="redis"')).toBe(10);
  expect(value(healthy, "db_client_operation_duration_seconds_count")).toBe(10);
  const own = samples(redis.metrics());
  const scraped = samples(await registry.metrics());
  for (const [key, number] of own) expect(scraped.get(key), key).toBe(number);
  expect(scraped.size).toBe(own.size + 1);
  for (const [line] of redis.metrics().matchAll(/^# (?:HELP|TYPE) .*$/gm)) {
    expect(healthy).toContain(`${line}\n`);
  }
  await server.kill();
  await eventually("it is noticed", () => redis.getStatus().mode === "degraded");
  await redis.set("k", "w");
  const away = await registry.metrics();
  expect(value(away, "outlast_redis_connected")).toBe(0);
  expect(value(away, "outlast_journal_keys")).toBe(1);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(value(await registry.metrics(), "outlast_replayed_keys_total")).toBe(1);
  end();
  expect(await registry.metrics()).not.toContain("outlast");
});

test("several clients have their names", async () => {
  const server = await Server.start();
  const { redis: cache } = client(server.url);
  const { redis: jobs } = client(server.url);
  await cache.set("k", "v");
  await cache.get("k");
  await jobs.get("k");
  const registry = new Registry();
  register({ cache, jobs }, registry);
  const text = await registry.metrics();
  const answered = [...samples(text)].filter(
    ([key]) => key.startsWith("outlast_commands_total{") && key.includes('answered_by="redis"'),
  );
  const byClient = answered.map(([key, count]) => [/client="(\w+)"/.exec(key)?.[1], count]);
  expect(byClient).toEqual([
    ["cache", 2],
    ["jobs", 1],
  ]);
  expect(await registry.getMetricsAsJSON()).toHaveLength(text.match(/^# TYPE /gm)!.length);
});
