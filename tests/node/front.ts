/** The command `outlast` in a process of its own. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { expect, onTestFinished } from "vitest";

import { eventually } from "./helpers.ts";

const packageFile = createRequire(import.meta.url).resolve("outlast/package.json");
export const command = join(dirname(packageFile), "dist", "cli.js");

export interface Front {
  child: ChildProcess;
  text: { stdout: string; stderr: string };
}

/** Runs `outlast` with these arguments; it goes with the test. */
export function run(args: string[], env: Record<string, string> = {}): Front {
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
export async function port({ text }: Front): Promise<number> {
  await eventually("it serves", () => text.stdout.endsWith("\n"));
  expect(text.stdout).toMatch(/^outlast: serving on 127\.0\.0\.1:\d+\n$/);
  return Number(text.stdout.trim().split(":").at(-1));
}
