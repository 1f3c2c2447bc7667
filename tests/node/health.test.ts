/** `outlast/health` in real servers, through an outage of Redis. */

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { IncomingMessage, RequestListener, Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import express from "express";
import fastify from "fastify";
import { health } from "outlast/health";
import type { HealthOptions, Watched } from "outlast/health";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, codes, eventually, thrown } from "./helpers.ts";

const schema = new URL("../vectors/status.schema.json", import.meta.url);

type Answer = { code: number | undefined; header: IncomingMessage["headers"]; body: string };
type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;

async function listening(server: HttpServer): Promise<Ask> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return (path, headers = {}, method = "GET") =>
    new Promise((resolve, reject) => {
      // Not fetch: that would mend the path, and name the host itself.
      const asked = request({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (text: string) => (body += text));
        answer.on("end", () => resolve({ code: answer.statusCode, header: answer.headers, body }));
      });
      asked.on("error", reject).end();
    });
}

const shop: RequestListener = (asked, answer) => void answer.end(`shop ${asked.url}`);

/** Servers that a client's health is put into, all below `/outlast`. */
const SERVERS = {
  http: (redis: Watched, options?: HealthOptions) => {
    const answers = health(redis, options);
    return createServer((asked, answer) => answers(asked, answer, () => shop(asked, answer)));
  },
  express: (redis: Watched, options?: HealthOptions) =>
    createServer(express().use(health(redis, options)).use(shop)),
  "express below a path": (redis: Watched, options?: HealthOptions) =>
    createServer(
      express()
        .use("/outlast", health(redis, { ...options, at: "" }))
        .use(shop),
    ),
  fastify: async (redis: Watched, options?: HealthOptions) => {
    const answers = health(redis, options);
    const app = fastify();
    app.addHook("onRequest", ({ raw }, reply, next) => answers(raw, reply.raw, next));
    app.get("/*", (asked) => `shop ${asked.url}`);
    await app.ready();
    return app.server;
  },
};

test.each(Object.entries(SERVERS))("an outage is told by %s", async (_name, serverOf) => {
  const server = await Server.start();
  const recorded = client(server.url);
  const { redis } = recorded;
  const ask = await listening(await serverOf(redis));
  await redis.connect();
  const probes = async () => [
    (await ask("/outlast/livez")).code,
    (await ask("/outlast/readyz")).code,
  ];
  expect(await probes()).toEqual([200, 200]);
  await server.kill();
  await eventually("a dial has failed", () => codes(recorded).includes("redis_unavailable"));
  expect(await probes()).toEqual([200, 200]);
  const { code, header, body } = await ask("/outlast/status");
  expect(code).toBe(200);
  expect(header).toMatchObject({
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": expect.stringMatching(/^default-src 'none'; frame-ancestors 'none'/),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-outlast-status": "/outlast/status",
  });
  const { status, lines } = JSON.parse(body) as { status: object; lines: object[] };
  expect(Object.keys(status).sort()).toEqual(
    (JSON.parse(readFileSync(schema, "utf8")) as { required: string[] }).required.sort(),
  );
  expect(status).toMatchObject({ mode: "degraded", ready: true });
  expect(lines).toMatchObject([{ record: { code: "redis_unavailable" } }]);
  await redis.quit();
  expect(await probes()).toEqual([200, 503]);
});

test("readiness follows the startup", async () => {
  const server = await Server.start();
  await server.kill();
  const { redis } = client(server.url, { lazyConnect: true, startupAttemptsMax: 1 });
  const ask = await listening(SERVERS.http(redis));
  expect((await ask("/outlast/readyz")).code).toBe(200);
  await expect(redis.connect()).rejects.toThrow("Redis is required");
  expect((await ask("/outlast/readyz")).code).toBe(503);
  expect((await ask("/outlast/livez")).code).toBe(200);
  await server.restart();
  await eventually("ready", async () => (await ask("/outlast/readyz")).code === 200);
});

test.each([["express"], ["fastify"]] as const)(
  "strangers are answered nothing by %s",
  async (name) => {
    const { redis } = client("redis://127.0.0.1:1", { profile: "development" });
    const ask = await listening(await SERVERS[name](redis));
    for (const headers of [
      { host: "attacker.example" },
      { "x-forwarded-for": "10.0.0.1" },
      { forwarded: "for=10.0.0.1" },
    ]) {
      for (const path of ["/outlast/livez", "/outlast/status", "/outlast/devtools/"]) {
        expect(await ask(path, headers as Record<string, string>)).toMatchObject({
          code: 404,
          body: "not found\n",
        });
      }
      const { header } = await ask("/shop", headers as Record<string, string>);
      expect(header["x-outlast-status"]).toBeUndefined();
    }
    expect(await ask("/shop")).toMatchObject({
      body: "shop /shop",
      header: { "x-outlast-status": "/outlast/status" },
    });
    expect((await ask("/outlast/status", {}, "POST")).code).toBe(405);
    expect((await ask("/outlast/metrics")).code).toBe("metrics" in redis ? 200 : 404);
    const open = { allow: ["127.0.0.0/8"], hosts: ["shop.internal"] };
    const askOpen = await listening(await SERVERS[name](redis, open));
    const named = { host: "shop.internal:80", "x-forwarded-for": "1.1.1.1" };
    expect((await askOpen("/outlast/livez", named)).code).toBe(200);
    expect(thrown(() => health(redis, { allow: ["everybody"] }))).toMatchObject({
      name: "InvalidOption",
      message: expect.stringContaining('invalid allow "everybody": allowed is an address'),
    });
  },
);

test("the page is handed out, and nothing else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outlast-page-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ["index.html", "page.css", "notes.txt"]) {
    writeFileSync(join(folder, name), name);
  }
  const { redis } = client("redis://127.0.0.1:1", { profile: "development" });
  const ask = await listening(SERVERS.express(redis, { devtools: folder }));
  expect((await ask("/outlast/devtools")).header.location).toBe("/outlast/devtools/");
  const page = await ask("/outlast/devtools/?x=1");
  expect(page).toMatchObject({ code: 200, body: "index.html" });
  expect(page.header["content-security-policy"]).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect((await ask("/outlast/devtools/page.css")).code).toBe(200);
  for (const path of ["notes.txt", "../notes.txt", "..%2fpage.css", "%00", "%", "none.js"]) {
    expect((await ask(`/outlast/devtools/${path}`)).code, path).toBe(404);
  }
  expect(thrown(() => health(redis, { devtools: "/nowhere" })).name).toBe("InvalidOption");
});
