/** The metrics are those of the vectors, and count what happened. */

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { Server, client, eventually } from "./helpers.ts";

interface Metric {
  name: string;
  type: string;
  label: string | null;
}

const file = new URL("../vectors/metrics.json", import.meta.url);
const { metrics } = JSON.parse(readFileSync(file, "utf8")) as { metrics: Metric[] };

/** The value of the one sample with this name and, where it has one, label of its own. */
function value(text: string, name: string, label = ""): number {
  const found = text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  expect(found, `${name} ${label}`).toHaveLength(1);
  return Number(found[0]!.split(" ").at(-1));
}

test("the table is that of the vectors", async () => {
  const { redis } = client((await Server.start()).url);
  await redis.incr("n");
  const types = redis.metrics().matchAll(/^# TYPE (\w+) (\w+)$/gm);
  const told = Array.from(types, ([, name, type]) => ({ name, type }));
  expect(told).toEqual(metrics.map(({ name, type }) => ({ name, type })));
  for (const { name, label } of metrics) {
    if (label !== null) expect(redis.metrics()).toMatch(new RegExp(`^${name}{.*,${label}="`, "m"));
  }
});

test("an outage is counted", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { serverDelayMs: 20, serverDelayMsMax: 50 });
  for (let number = 0; number < 10; number += 1) await redis.set("k", "v");
  expect(value(redis.metrics(), "db_client_operation_duration_seconds_count")).toBe(10);
  expect(value(redis.metrics(), "db_client_connection_count", 'state="idle"')).toBe(1);
  await server.kill();
  await eventually("it is noticed", () => redis.getStatus().mode === "degraded");
  await redis.set("k", "w");
  const text = redis.metrics();
  expect(value(text, "outlast_redis_connected")).toBe(0);
  expect(value(text, "outlast_journal_keys")).toBe(1);
  expect(value(text, "outlast_commands_total", 'answered_by="store"')).toBe(1);
  expect(value(text, "db_client_connection_count", 'state="idle"')).toBe(0);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(value(redis.metrics(), "outlast_replayed_keys_total")).toBe(1);
});
