/** A real redis-server and the real example services, which go with their test. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { ROOT } from "./site.ts";

const START_MS_MAX = 20_000;

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "outlast-page-"));
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    onTestFinished(async () => {
      await server.kill();
      rmSync(server.#folder, { recursive: true });
    });
    await server.restart();
    return server;
  }

  /** Starts it anew, and waits until it says that it is ready. */
  async restart(): Promise<void> {
    const options = ["--bind", "127.0.0.1", "--save", "", "--dir", this.#folder];
    this.#child = spawn("redis-server", ["--port", String(this.port), ...options], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    for await (const line of createInterface({ input: this.#child.stdout! })) {
      if (line.includes("Ready to accept connections")) return;
    }
    throw new Error("redis-server did not start");
  }

  kill(): Promise<void> {
    return kill(this.#child);
  }
}

const COMMANDS = {
  Python: [join(ROOT, "build/venv/bin/python"), "examples/python/service.py"],
  Node: [process.execPath, "examples/node/service.mjs"],
} as const;

export class Service {
  readonly origin: string;
  readonly #child: ChildProcess;

  private constructor(origin: string, child: ChildProcess) {
    this.origin = origin;
    this.#child = child;
  }

  /** Starts an example service with its devtools page, unless `page` says otherwise. */
  static async start(
    language: keyof typeof COMMANDS,
    redis: RedisServer,
    page: string | undefined = join(ROOT, "build/devtools"),
    env: Record<string, string> = {},
  ): Promise<Service> {
    const port = await freePort();
    const [program, file] = COMMANDS[language];
    const child = spawn(program, [join(ROOT, file)], {
      env: {
        ...process.env,
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
        PORT: String(port),
        ...(page === "" ? {} : { DEVTOOLS_FOLDER: page }),
        ...env,
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const service = new Service(`http://127.0.0.1:${port}`, child);
    onTestFinished(() => service.kill());
    const giveUpAt = performance.now() + START_MS_MAX;
    while (!(await service.isReady())) {
      if (performance.now() > giveUpAt) throw new Error(`the ${language} service did not start`);
      await wait(20);
    }
    return service;
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.origin}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Ends it as a platform does, and waits until it has. */
  async stop(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exit;
  }

  /** Lets a visitor come; a failed visit is no fault of the test's. */
  async visit(): Promise<void> {
    await fetch(`${this.origin}/visits`, { method: "POST" }).catch(() => {});
  }

  kill(): Promise<void> {
    return kill(this.#child);
  }
}
