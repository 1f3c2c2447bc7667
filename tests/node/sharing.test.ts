/** `outagePath`: clients of one host through an outage, of which one dials. */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Server, client, codes, eventually } from "./helpers.ts";

const CLIENTS = 8;

test("one client dials for all, and all follow", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outlast-sharing-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const outagePath = join(folder, "outage");
  const server = await Server.start();
  const options = { profile: "development", outagePath } as const;
  const clients = Array.from({ length: CLIENTS }, () => client(server.url, options));
  await Promise.all(clients.map(({ redis }) => redis.set("k", "v")));
  const dials = () => clients.reduce((sum, { redis }) => sum + redis.getStatus().dials, 0);
  const connected = () => clients.filter(({ redis }) => redis.getStatus().redis_connected).length;
  await eventually("all are connected", () => connected() === CLIENTS);
  expect(statSync(outagePath).mode & 0o777).toBe(0o600);
  expect(dials()).toBe(CLIENTS);
  await server.kill();
  await eventually("all have noticed", () => connected() === 0);
  const killed = performance.now();
  await eventually("five dials", () => dials() >= CLIENTS + 5);
  // 250, 375, 562, 843 and 1,265 ms, each a fifth shorter at least; alone they had made five each.
  expect(performance.now() - killed).toBeGreaterThan(2_000);
  await server.restart();
  await eventually("all are back", () => connected() === CLIENTS);
  expect(dials()).toBeLessThanOrEqual(CLIENTS + 8 + CLIENTS);
  for (const recorded of clients) {
    expect(codes(recorded).filter((code) => code === "redis_recovered")).toHaveLength(1);
    // A dial that is held back is none, and no event.
    const told = recorded.events.filter((event) => event.startsWith("reconnecting")).length;
    expect(told).toBeLessThanOrEqual(recorded.redis.getStatus().dials);
  }
});

test("a path of no use is told once", async () => {
  const server = await Server.start();
  const recorded = client(server.url, { outagePath: "/proc/outage" });
  await recorded.redis.set("k", "v");
  await server.kill();
  await eventually("it is noticed", () => recorded.redis.getStatus().mode === "degraded");
  await server.restart();
  await eventually("back on Redis", () => recorded.redis.getStatus().redis_connected);
  await eventually("it is told", () => codes(recorded).includes("sharing_failed"));
  expect(codes(recorded).filter((code) => code === "sharing_failed")).toHaveLength(1);
});
