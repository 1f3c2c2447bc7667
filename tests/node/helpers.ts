/** A real redis-server, clients that are recorded, child processes, and patience with a deadline. */

import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";

import { Redis } from "outlast";
import type { LogRecord, RedisOptions } from "outlast";
import { expect, onTestFinished } from "vitest";

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until something holds, at most ten seconds. */
export async function eventually(what: string, holds: () => unknown): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ten seconds: ${what}`);
    await wait(2);
  }
}

/** A redis-server of the test's own, which goes with it. */
export class Server {
  readonly port: number;
  readonly #options: string[];
  readonly #folder = mkdtempSync(join(tmpdir(), "outlast-node-"));
  #child: ChildProcess | undefined;

  private constructor(port: number, options: string[]) {
    this.port = port;
    this.#options = options;
  }

  static async start(...options: string[]): Promise<Server> {
    const server = new Server(await freePort(), options);
    onTestFinished(async () => {
      await server.kill();
      rmSync(server.#folder, { recursive: true });
    });
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it on its port, with what it saved. */
  async restart(): Promise<void> {
    const place = ["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.#folder];
    const saved = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    const args = [...place, ...saved, ...this.#options];
    this.#child = spawn("redis-server", args, { stdio: "ignore" });
    await eventually("the server answers", () => answers(this.port));
  }

  /** Its port refuses from now on. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** It swallows what is sent from now on. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Asks it past every client. */
  async cli(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)("redis-cli", ["-p", `${this.port}`, ...args]);
    return stdout.trim();
  }
}

/** Whether something accepts connections there and answers a PING. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    return await new Promise((resolve) => {
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      // Whatever it says: with a password set it asks for one.
      socket.on("data", () => resolve(true));
      socket.on("connect", () => socket.write("PING\r\n"));
    });
  } finally {
    socket.destroy();
  }
}

/** A client, its log and its events; both go with the test. */
export interface Recorded {
  redis: Redis;
  records: LogRecord[];
  /** Names, with the delay or the code where there is one. */
  events: string[];
}

/** A client that logs nowhere else. The profile is named: vitest sets `NODE_ENV`. */
export function client(url: string | undefined, options: RedisOptions = {}): Recorded {
  const redis = new Redis(url, { profile: "production", logger: false, ...options });
  onTestFinished(() => redis.disconnect());
  const recorded: Recorded = { redis, records: [], events: [] };
  redis.on("log", (record) => recorded.records.push(record));
  const names = ["connect", "ready", "close", "end", "degraded", "recovered"] as const;
  for (const name of names) redis.on(name, () => recorded.events.push(name));
  redis.on("reconnecting", (delayMs) => recorded.events.push(`reconnecting ${typeof delayMs}`));
  redis.on("error", (error) => recorded.events.push(`error ${error.failure}`));
  return recorded;
}

export const codes = ({ records }: Recorded): string[] => records.map((record) => record.code);

/** Calls, and fails if that takes longer than the deadline and 50 ms. */
export async function timed<T>(deadlineMs: number, call: () => Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    return await call();
  } finally {
    expect(performance.now() - began).toBeLessThan(deadlineMs + 50);
  }
}

/** What a call rejects with. */
export async function rejection(call: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const value = await call.then(
    (value) => new Error(`it resolved with ${String(value)}`),
    (error: unknown) => error,
  );
  return value as Error & Record<string, unknown>;
}

/** What a call throws. */
export function thrown(call: () => unknown): Error & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("nothing was thrown");
}

export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** Runs a program (an ES module, or CommonJS) in a process of its own, at most ten seconds. */
export async function program(
  source: string,
  { env = {}, type = "module" }: { env?: Record<string, string>; type?: string } = {},
): Promise<Ended> {
  const args = ["--unhandled-rejections=strict", `--input-type=${type}`, "--eval", source];
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE|VITEST)/.test(name));
  const child = spawn(process.execPath, args, {
    cwd: import.meta.dirname,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 10_000,
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes) => (text.stdout += bytes));
  child.stderr.on("data", (bytes) => (text.stderr += bytes));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, ...text };
}
