/** What a client writes to files by itself: the production log, and a recording. */

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { Redis, checkLog, logEntry, replay } from "outlast";
import type { Incident } from "outlast";
import { expect, onTestFinished, test } from "vitest";

import { command } from "./front.ts";
import { Server, client, codes, eventually, thrown } from "./helpers.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "outlast-files-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

test("an outage is written, told with its entry, and can be replayed", async () => {
  const place = folder();
  const [logPath, recordPath] = [join(place, "log.md"), join(place, "outage.jsonl")];
  const server = await Server.start();
  const recorded = client(server.url, { incidentMergeMs: 0, logPath, recordPath });
  const { redis, records } = recorded;
  const told: [Incident, string | undefined][] = [];
  redis.on("incident", (incident, entry) => told.push([incident, entry]));
  await redis.connect();
  await server.kill();
  await redis.set("a planted secret", "another");
  await eventually("a dial has failed", () => codes(recorded).includes("redis_unavailable"));
  await server.restart();
  await eventually("it is over and written", () => told.length === 2 && existsSync(logPath));
  await redis.quit();
  const [[opened, none], [incident, entry]] = told as [(typeof told)[0], (typeof told)[0]];
  expect([opened.recovered_at_ms, none]).toEqual([null, undefined]);
  expect(readFileSync(logPath, "utf8")).toBe(entry);
  expect(entry).toBe(logEntry(incident, server.url));
  expect(checkLog(entry!).faults).toEqual([]);

  const text = readFileSync(recordPath, "utf8");
  expect(text).not.toMatch(/planted|another/);
  const replayed = replay(text);
  expect(replayed).toMatchObject({ endpoint: server.url, differs_at_line: null, is_cut: false });
  expect(replayed.trace.lines.map(({ record }) => record)).toEqual(records);
  expect(replayed.incidents).toEqual([incident]);
  expect(thrown(() => replay(`${text}{}\n`)).message).toMatch(
    /^line \d+ is no line of a recording: missing field `at_ms`/,
  );
});

test("npx outlast log checks, sums up and adds", async () => {
  const log = join(folder(), "log.md");
  const outlast = (args: string[], input = "") => {
    const done = promisify(execFile)(process.execPath, [command, "log", ...args]);
    done.child.stdin?.end(input);
    return done.then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    );
  };
  const incident = {
    number: 1,
    opened_at_ms: 1_700_000_000_000,
    recovered_at_ms: 1_700_000_005_000,
    causes: [{ kind: "dns_error" as const, first_at_ms: 1_700_000_000_000, count: 2 }],
    flaps: 0,
    counts: { dials_failed: 2, commands_failed: 0, served_locally: 7, refused: 0 },
    replayed: 1,
    conflicts: 0,
    replay_refused: 0,
  };
  const added = await outlast(["add", log, "--endpoint", "redis://h"], JSON.stringify(incident));
  expect(added).toEqual({ code: 0, stdout: logEntry(incident, "redis://h") });
  expect(await outlast(["check", log])).toEqual({
    code: 0,
    stdout: `${log}: 1 entry, nothing wrong\n`,
  });
  const stats = await outlast(["stats", log, "--json"]);
  expect(JSON.parse(stats.stdout)).toEqual(checkLog(readFileSync(log, "utf8")).statistics);
  expect((await outlast(["check", `${log}.none`])).code).toBe(2);
});

test("a client that is closed in an outage leaves an open entry", async () => {
  const logPath = join(folder(), "log.md");
  const server = await Server.start();
  const { redis } = client(server.url, { logPath });
  await redis.connect();
  await server.kill();
  await redis.set("k", "v");
  redis.disconnect();
  expect(checkLog(readFileSync(logPath, "utf8")).entries).toMatchObject([{ state: "open" }]);
  expect(redis).toBeInstanceOf(Redis);
});
