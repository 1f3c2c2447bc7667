import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join, dirname } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { client, eventually } from "./helpers.ts";

const packageFile = createRequire(import.meta.url).resolve("outlast/package.json");
const command = join(dirname(packageFile), "dist", "cli.js");

interface Front {
  child: ChildProcess;
  text: { stdout: string; stderr: string };
}

/** Runs `outlast` with these arguments; it goes with the test. */
function run(args: string[], env: Record<string, string> = {}): Front {
  const child = spawn(process.execPath, [command, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes) => (text.stdout += bytes));
  child.stderr.on("data", (bytes) => (text.stderr += bytes));
  return { child, text };
}

/** Its port, once it serves. */
async function port({ text }: Front): Promise<number> {
  await eventually("it serves", () => text.stdout.endsWith("\n"));
  expect(text.stdout).toMatch(/^outlast: serving on 127\.0\.0\.1:\d+\n$/);
  return Number(text.stdout.trim().split(":").at(-1));
}

test.each(["SIGINT", "SIGTERM"] as const)("it serves until %s comes", async (signal) => {
  const front = run(["serve", "--port", "0"]);
  const { redis } = client(`redis://127.0.0.1:${await port(front)}`);
  await redis.connect();
  expect(await redis.set("k", "v")).toBe("OK");
  expect(await redis.get("k")).toBe("v");
  const ended = once(front.child, "close");
  front.child.kill(signal);
  expect(await ended).toEqual([0, null]);
  expect(front.text.stderr).toBe("");
});

test("the password is asked for, and not printed", async () => {
  const front = run(["serve", "--port", "0"], { OUTLAST_SERVE_PASSWORD: "sekret" });
  const number = await port(front);
  const { redis } = client(`redis://:sekret@127.0.0.1:${number}`);
  await redis.connect();
  expect(await redis.ping()).toBe("PONG");
  const { redis: stranger } = client(`redis://127.0.0.1:${number}`);
  await expect(stranger.connect()).rejects.toThrow(/NOAUTH|auth/i);
  expect(front.text.stdout + front.text.stderr).not.toContain("sekret");
});

test("a wrong call says what is wrong", async () => {
  const { child, text } = run(["serve", "--port", "x"]);
  expect(await once(child, "close")).toEqual([2, null]);
  expect(text.stderr).toContain("invalid value 'x' for '--port");
});
