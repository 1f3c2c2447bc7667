/** What the page tests share: a server for files, a browser, and a page that is watched. */

import { access, mkdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Outlast, StoreClass } from "outlast-wasm";
import { chromium, type Browser, type Page } from "playwright-core";
import { expect } from "vitest";

/** What the pages put on the console. */
declare global {
  var outlast: Outlast & { loadStore(): Promise<StoreClass>; Store: StoreClass };
  var axe: { run(): Promise<{ violations: Violation[] }> };
}

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary: string }[];
}

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SCREENSHOTS = join(ROOT, "build/screenshots");

/** As strict as the page's own, and set by the server as a careful host would set it. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; " +
  "worker-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

export interface Site {
  origin: string;
  server: Server;
}

/** Serves the repository on a free port of this machine. */
export async function serve(): Promise<Site> {
  const server = createServer(async (request, response) => {
    try {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const path = normalize(join(ROOT, decodeURIComponent(pathname)));
      if (!path.startsWith(ROOT) || path.includes(`${sep}.`)) throw new Error("not for the page");
      const file = path.endsWith(sep) ? join(path, "index.html") : path;
      const body = await readFile(file);
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, server };
}

export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The Chromium that CHROME_PATH names, or the system's. */
export async function executable(): Promise<string> {
  const path = process.env["CHROME_PATH"] ?? "/usr/bin/chromium";
  await access(path);
  return path;
}

/** Starts it. */
export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: await executable(), args: FLAGS });
}

/** A devtools page, and all that went wrong in it. */
export class Devtools {
  readonly page: Page;
  readonly #origin: string;
  readonly #faults: string[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    const fault = (text: string) => this.#faults.push(text);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) fault(message.text());
    });
    page.on("pageerror", (error) => fault(String(error)));
    page.on("request", (request) => {
      const { origin: asked, protocol } = new URL(request.url());
      if (asked !== origin && protocol !== "data:") fault(`another host: ${request.url()}`);
    });
    page.on("response", (response) => {
      if (!response.ok()) fault(`${response.status()}: ${response.url()}`);
    });
  }

  /** Opens the page that is served at `url`, with this fragment. */
  static async open(browser: Browser, url: string, fragment = ""): Promise<Devtools> {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } });
    const devtools = new Devtools(await context.newPage(), new URL(url).origin);
    await devtools.page.goto(`${url}${fragment}`);
    await devtools.page.waitForFunction(() => globalThis.outlast !== undefined);
    return devtools;
  }

  /** The path of the page beside `site`. */
  static readonly path = "/build/devtools/";

  /** Nothing was logged as an error, refused by the policy, or asked of another host. */
  expectNoFault(): void {
    expect(this.#faults.splice(0)).toEqual([]);
  }

  /** Faults that the test has caused. */
  takeFaults(): string[] {
    return this.#faults.splice(0);
  }

  async tab(name: string): Promise<void> {
    await this.page.getByRole("tab", { name, exact: true }).click();
  }

  /** Nothing that axe finds is serious or critical. */
  async expectAccessible(): Promise<void> {
    const source = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    // By way of the debugger, which the page's policy does not hold back.
    await this.page.evaluate(await readFile(source, "utf8"));
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact ?? ""));
    const told = grave.map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
    }));
    expect(told).toEqual([]);
  }

  /** Keeps a picture of the whole page, or of what its window shows, in build/screenshots. */
  async screenshot(name: string, fullPage = true): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
