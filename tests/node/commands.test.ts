import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

import * as outlast from "outlast";
import { Redis } from "outlast";
import { expect, test } from "vitest";

import { Server, client, eventually, rejection } from "./helpers.ts";

test("the commands, as ioredis has them", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  expect(await redis.set("k", "v")).toBe("OK");
  expect(await redis.get("k")).toBe("v");
  expect(await redis.get("none")).toBeNull();
  expect(await redis.set("k", "w", "EX", 5, "NX")).toBeNull();
  expect(await redis.set("k", "w", "GET")).toBe("v");
  expect(await redis.setex("s", 60, "x")).toBe("OK");
  expect(await redis.ttl("s")).toBe(60);
  expect(await redis.ttl("k")).toBe(-1);
  expect(await redis.expire("k", 30)).toBe(1);
  expect(await redis.incr("n")).toBe(1);
  expect(await redis.incrby("n", 41)).toBe(42);
  expect(await redis.del("k", "s")).toBe(2);
  expect(await redis.del(["n", "none"])).toBe(1);
  expect(await redis.ping()).toBe("PONG");
  expect(await redis.ping("hello")).toBe("hello");
  await redis.call("RPUSH", "list", "a", 1, "c");
  expect(await redis.call("lrange", "list", 0, -1)).toEqual(["a", "1", "c"]);
});

test("values go out and come back", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  await redis.set("bytes", bytes);
  expect(await redis.getBuffer("bytes")).toEqual(bytes);
  expect(await redis.callBuffer("GET", "bytes")).toEqual(bytes);
  expect(await redis.getBuffer("none")).toBeNull();
  await redis.set(Buffer.from("k"), new Uint8Array([0xc3, 0xbc]) as Buffer);
  expect(await redis.get("k")).toBe("ü");
  const large = "ä".repeat(200_000);
  await redis.set("large", large);
  expect(await redis.get("large")).toBe(large);
  for (const number of [0, -0, 1.5, 1e21, 2 ** 53, -7]) {
    await redis.set("k", number);
    expect(await redis.get("k")).toBe(String(number));
  }
  await redis.set("n", (2n ** 62n) as never);
  expect(await redis.incr("n")).toBe(2n ** 62n + 1n);
  await redis.set("n", -(2n ** 62n) as never);
  expect(await redis.incr("n")).toBe(-(2n ** 62n) + 1n);
  await redis.set("n", (2n ** 53n - 2n) as never);
  expect(await redis.incr("n")).toBe(2 ** 53 - 1);
  expect(await redis.incr("n")).toBe(2n ** 53n);
});

test("a lone surrogate becomes U+FFFD, as wherever Node writes a string", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.set("k", "a\ud800b");
  expect(await redis.getBuffer("k")).toEqual(Buffer.from("a\ud800b"));
  expect(await redis.get("k")).toBe("a\ufffdb");
});

test("what is no text, bytes or number is a TypeError that names place and type", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const call = redis.call.bind(redis) as (...args: unknown[]) => Promise<unknown>;
  const secret = { password: "planted" };
  for (const [args, message] of [
    [["GET", undefined], "argument 1 of GET is undefined"],
    [["SET", "k", secret], "argument 2 of SET is an object"],
    [["SET", "k", ["v", secret]], "argument 3 of SET is an object"],
    [["SET", "k", NaN], "argument 2 of SET is NaN"],
    [["SET", "k", Symbol("planted")], "argument 2 of SET is a symbol"],
    [["SET", () => "planted", "v"], "argument 1 of SET is a function"],
    [["SET", "k", new Float64Array(1)], "argument 2 of SET is an object"],
    [[7, "k"], "the name of a command is a number"],
  ] as [unknown[], string][]) {
    const error = await rejection(call(...args));
    expect(error).toBeInstanceOf(TypeError);
    expect(error["code"]).toBe("invalid_argument");
    expect(error.message).toContain(`${message}: allowed is a string`);
    expect(error.message).not.toContain("planted");
  }
  expect(await server.cli("EXISTS", "k")).toBe("0");
  expect((await rejection(call())).message).toContain("the name of a command is undefined");
});

test("an error reply is the caller's, with the text of Redis", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const error = await rejection(redis.call("INCR", "a", "b"));
  expect(error).toBeInstanceOf(outlast.CommandError);
  expect(error).toMatchObject({ name: "CommandError", code: "command_error" });
  expect(error.message).toBe("ERR wrong number of arguments for 'incr' command");
  const script = await rejection(redis.call("EVALSHA", "0".repeat(40), 0));
  expect(script).toBeInstanceOf(outlast.NoScript);
  const nested = await redis.call("EVAL", "return {1, redis.error_reply('ERR inner')}", 0);
  expect(nested).toEqual([1, expect.objectContaining({ message: "ERR inner" })]);
  expect(redis.getStatus().mode).toBe("connected");
});

test("10,000 commands of one tick", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const replies = Array.from({ length: 10_000 }, () => redis.incr("n"));
  expect(await Promise.all(replies)).toEqual(Array.from({ length: 10_000 }, (_, n) => n + 1));
  expect(redis.getStatus()).toMatchObject({ served_by_redis: 10_000, failure_count: 0 });
});

test("an idle connection is written to at once, the rest of a tick in one write", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.ping();
  const reads = async (): Promise<number> => {
    const told = await server.cli("INFO", "stats");
    return Number(/total_reads_processed:(\d+)/.exec(told)?.[1]);
  };
  const first = await reads();
  const before = await reads();
  const byAsking = before - first;
  const written = redis.set("k", "v");
  // This tick is not over, and the server has it.
  const asked = execFileSync("redis-cli", ["-p", `${server.port}`, "GET", "k"]);
  expect(asked.toString()).toBe("v\n");
  await Promise.all([written, ...Array.from({ length: 50 }, () => redis.get("k"))]);
  expect((await reads()) - before - 2 * byAsking).toBe(2);
});

test("commands that no socket takes at once arrive, and their replies", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { commandTimeoutMs: 20_000 });
  await redis.ping();
  server.freeze();
  const value = "v".repeat(1_000_000);
  const replies = Array.from({ length: 20 }, (_, n) => redis.set(`k${n}`, value + n));
  await new Promise(setImmediate);
  replies.push(redis.get("k19") as Promise<never>);
  server.thaw();
  expect(await Promise.all(replies)).toEqual([
    ...Array.from({ length: 20 }, () => "OK"),
    `${value}19`,
  ]);
});

test("a loop that was blocked longer than the deadline still gets its replies", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { commandTimeoutMs: 50 });
  await redis.ping();
  const reply = redis.set("k", "v");
  const end = performance.now() + 300;
  while (performance.now() < end);
  expect(await reply).toBe("OK");
  expect(redis.getStatus()).toMatchObject({ mode: "connected", failure_count: 0 });
});

test("more commands than may wait are refused", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { inFlightMax: 10 });
  await redis.connect();
  const replies = await Promise.allSettled(Array.from({ length: 12 }, () => redis.ping()));
  expect(replies.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  const refused = replies[11] as PromiseRejectedResult;
  expect(refused.reason).toBeInstanceOf(outlast.LimitReached);
});

test("user, password and database", async () => {
  const server = await Server.start("--requirepass", "p@ss/w:rd%");
  const place = { host: "127.0.0.1", port: server.port, db: 3 };
  for (const given of [
    [{ ...place, password: "p@ss/w:rd%" }],
    [{ ...place, username: "default", password: "p@ss/w:rd%" }],
    [server.port, "127.0.0.1", { password: "p@ss/w:rd%", db: 3 }],
    [`${server.url}/3`, { password: "p@ss/w:rd%" }],
    [`redis://:${encodeURIComponent("p@ss/w:rd%")}@127.0.0.1:${server.port}/3`],
  ] as ConstructorParameters<typeof Redis>[]) {
    const redis = new Redis(...given);
    expect(await redis.incr("n")).toBeGreaterThan(0);
    expect(redis.getStatus().endpoint).toBe(`redis://127.0.0.1:${server.port}/3`);
    await redis.quit();
  }
  const { redis, records } = client(server.url, { password: "wrong planted" });
  const error = await rejection(redis.connect());
  expect(error).toMatchObject({ failure: "auth_failed" });
  expect(JSON.stringify([error.message, records])).not.toContain("planted");
});

test("after quit and disconnect there is a clear error, and a second time is fine", async () => {
  const server = await Server.start();
  const { redis, events } = client(server.url);
  const before = redis.set("k", "v");
  const quit = redis.quit();
  const late = await rejection(redis.get("k"));
  expect(late).toBeInstanceOf(outlast.Closed);
  expect(await before).toBe("OK");
  expect(await quit).toBe("OK");
  expect(await redis.quit()).toBe("OK");
  redis.disconnect();
  expect(await rejection(redis.get("k"))).toMatchObject({ name: "Closed", code: "closed" });
  expect(redis.getStatus().mode).toBe("closed");
  expect(events).toEqual(["connect", "ready", "close", "end"]);
  await eventually("its connection is gone", async () => {
    return (await server.cli("CLIENT", "LIST")).split("\n").length === 1;
  });
});

test("commands that wait when the client is closed are rejected, not answered", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.set("k", "v");
  server.freeze();
  const waiting = [redis.get("k"), redis.set("k", "w"), redis.incr("n")];
  redis.disconnect();
  for (const call of waiting) expect(await rejection(call)).toMatchObject({ code: "closed" });
  server.thaw();
});

test("both kinds of module offer the same", async () => {
  const required = createRequire(import.meta.url)("outlast") as typeof outlast;
  const names = (module: object) => Object.keys(module).sort();
  expect(names(required)).toEqual(names(outlast));
  for (const name of names(required) as (keyof typeof outlast)[]) {
    expect(outlast[name]).toBe(required[name]);
  }
  const wrapper = createRequire(import.meta.url)("outlast/wrapper") as object;
  expect(names(await import("outlast/wrapper"))).toEqual(names(wrapper));
});
