import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { InvalidOption, Redis } from "outlast";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, codes, eventually, program, thrown } from "./helpers.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "outlast-journal-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

const OFFLINE = { startup: "optional", startupAttemptsMax: 1, profile: "production" } as const;

test("what was acknowledged survives a process that ends at once", async () => {
  const server = await Server.start();
  const journalPath = join(await folder(), "journal");
  await server.kill();
  const options = JSON.stringify({ ...OFFLINE, journalPath, logger: false });
  const ended = await program(`
    import { Redis } from "outlast";
    const redis = new Redis("${server.url}", ${options});
    for (let n = 0; n < 30; n++) {
      await redis.incr("n");
      await redis.rpush("list", n);
    }
    process.stdout.write("told", () => process.kill(process.pid, "SIGKILL"));
  `);
  expect(ended).toMatchObject({ stdout: "told", signal: "SIGKILL" });
  await server.restart();
  const { redis } = client(server.url, { journalPath });
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(redis.getStatus()).toMatchObject({ journal_keys: 0, journal_file: "open", replayed: 2 });
  expect(await server.cli("GET", "n")).toBe("30");
  expect(await server.cli("LLEN", "list")).toBe("30");
});

test("a journal belongs to one client", async () => {
  const journalPath = join(await folder(), "journal");
  const options = { ...OFFLINE, journalPath };
  const { redis } = client("redis://127.0.0.1:1", options);
  await redis.set("k", "v");
  const error = thrown(() => new Redis("redis://127.0.0.1:1", { ...options, logger: false }));
  expect(error).toBeInstanceOf(InvalidOption);
  expect(error.message).toBe(
    `invalid journal_path "${journalPath}": allowed is a file that no other process or client uses`,
  );
  expect(await redis.get("k")).toBe("v");
});

test("a damaged journal is told and moved away", async () => {
  const path = await folder();
  await writeFile(join(path, "journal"), "no journal at all");
  const recorded = client("redis://127.0.0.1:1", {
    ...OFFLINE,
    journalPath: join(path, "journal"),
  });
  await recorded.redis.set("k", "v");
  expect(recorded.redis.getStatus().journal_file).toBe("set_aside");
  await eventually("it is told", () => codes(recorded).includes("journal_set_aside"));
  expect((await readdir(path)).filter((name) => name.includes(".corrupt-"))).toHaveLength(1);
});

test("what Redis refuses for good is told", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  await redis.ping();
  expect(redis.deadLetters()).toEqual([]);
  await server.cli("SET", "text", "x");
  await server.kill();
  await redis.lpush("text", "a");
  await redis.lpush("text", Buffer.from([0xff]));
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  const [letter, ...others] = redis.deadLetters();
  expect(others).toEqual([]);
  expect(letter).toMatchObject({
    key: Buffer.from("text"),
    commands: [[...["LPUSH", "text", "a"].map((word) => Buffer.from(word)), Buffer.from([0xff])]],
  });
  expect(letter?.error).toMatch(/^WRONGTYPE/);
  expect(Math.abs(Number(letter?.at) - Date.now())).toBeLessThan(60_000);
  expect(redis.getStatus().replay_refused).toBe(1);
});
