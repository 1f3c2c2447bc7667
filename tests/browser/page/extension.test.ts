import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { RedisServer, Service } from "./outage.ts";
import { FLAGS, ROOT, executable } from "./site.ts";

const FOLDER = join(ROOT, "build/devtools-extension");

/** Chromium names an extension without a key after the folder that it was loaded from. */
function idOf(folder: string): string {
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 32);
  return [...hash].map((digit) => String.fromCharCode(97 + parseInt(digit, 16))).join("");
}

/** What `announced.js` offers, once it is loaded. */
declare global {
  var loaded: {
    announced(headers: { name: string; value: string }[], url: string): URL | undefined;
    isHere(url: URL): boolean;
  };
}

/** Loads a module in the page. As a text, because what compiles this file would replace the import. */
async function load(page: Page, name: string): Promise<void> {
  await page.evaluate(`import("/${name}").then((loaded) => void (globalThis.loaded = loaded))`);
}

interface Opened {
  page: Page;
  /** What was asked of the network, and what went wrong. */
  asked: Set<string>;
  faults: string[];
}

/** The panel's page in a browser with the extension, at this path. */
async function open(path: string): Promise<Opened> {
  const profile = await mkdtemp(join(tmpdir(), "outlast-profile-"));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: await executable(),
    headless: false,
    viewport: { width: 1_280, height: 900 },
    args: [
      ...FLAGS.filter((flag) => flag !== "--headless"),
      "--headless=new",
      "--disable-features=DisableLoadExtensionCommandLineSwitch",
      `--disable-extensions-except=${FOLDER}`,
      `--load-extension=${FOLDER}`,
    ],
  });
  onTestFinished(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  const opened: Opened = { page: await context.newPage(), asked: new Set(), faults: [] };
  context.on("request", (request) => opened.asked.add(new URL(request.url()).origin));
  opened.page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) opened.faults.push(message.text());
  });
  opened.page.on("pageerror", (error) => opened.faults.push(String(error)));
  await opened.page.goto(`chrome-extension://${idOf(FOLDER)}/${path}`);
  return opened;
}

test("the panel watches a service of this machine, and asks no other host", async () => {
  const redis = await RedisServer.start();
  const service = await Service.start("Node", redis, "");
  const { page, asked, faults } = await open("index.html");
  await page.waitForFunction(() => globalThis.outlast !== undefined);
  const status = `${service.origin}/outlast/status`;
  // As devtools.js does once the inspected page's service has announced it.
  await page.evaluate((detail) => {
    dispatchEvent(new CustomEvent("outlast-status", { detail }));
  }, status);
  await page.locator("#live-mode", { hasText: "connected" }).waitFor();
  await redis.kill();
  await service.visit();
  await page.locator("#live-mode", { hasText: "degraded" }).waitFor();
  await page.locator("#live-lines", { hasText: /Redis unavailable: / }).waitFor();
  await page.screenshot({ path: join(ROOT, "build/screenshots/extension.png") });
  expect(new URL(page.url()).hash).toContain(encodeURIComponent(status));

  const own = new URL(page.url()).origin;
  const watchUrl = async (url: string) => {
    await page.getByLabel("Status URL of a service, on this host").fill(url);
    await page.getByRole("button", { name: "Watch" }).click();
  };
  await watchUrl("http://status.example/outlast/status");
  await page
    .locator("#live-fault", { hasText: "http://status.example is not on this machine" })
    .waitFor();
  await watchUrl(status);
  await page.locator("#live-mode", { hasText: "degraded" }).waitFor();
  // The other tools work there, too.
  await page.getByRole("tab", { name: "Classify" }).click();
  await page.getByLabel("Example").selectOption("ioredis");
  await page.locator("#kinds", { hasText: "read_only" }).waitFor();
  await page.getByRole("tab", { name: "What if" }).click();
  await page.locator("#said td").first().waitFor();
  expect(faults).toEqual([]);
  expect([...asked].sort()).toEqual([own, service.origin].sort());
  // Not for want of asking: the policy and the permissions hold it back.
  const refused = await page.evaluate(() =>
    fetch("http://status.example/").then(
      () => "answered",
      (error: Error) => error.name,
    ),
  );
  expect(refused).toBe("TypeError");
  expect(faults.join("\n")).toContain("Content Security Policy");
});

test("what a service announces is found in its answers", async () => {
  const redis = await RedisServer.start();
  const service = await Service.start("Python", redis, "");
  const answer = await fetch(`${service.origin}/session/none`);
  expect(answer.headers.get("x-outlast-status")).toBe("/outlast/status");
  const { page, faults } = await open("index.html");
  await load(page, "announced.js");
  const found = await page.evaluate(
    ({ headers, origin }) => {
      const { announced, isHere } = globalThis.loaded;
      const from = (...pairs: [string, string][]) =>
        announced(
          pairs.map(([name, value]) => ({ name, value })),
          `${origin}/shop`,
        )?.href;
      return {
        real: from(...headers),
        timing: from(["Server-Timing", 'db;dur=5, outlast;desc="/o/status"']),
        other: from(["X-Outlast-Status", "https://other.example/status"]),
        broken: from(["X-Outlast-Status", "http://["]),
        none: from(["Server-Timing", "db;dur=5"]),
        here: ["http://localhost:1", "http://[::1]:1", "https://localhost", "http://10.0.0.1"].map(
          (url) => isHere(new URL(url)),
        ),
      };
    },
    { headers: [...answer.headers] as [string, string][], origin: service.origin },
  );
  expect(found).toEqual({
    real: `${service.origin}/outlast/status`,
    timing: `${service.origin}/o/status`,
    other: undefined,
    broken: undefined,
    none: undefined,
    here: [true, false, false, false],
  });
  expect(faults).toEqual([]);
});

test("the developer tools tell the panel what the inspected page's service announces", async () => {
  const redis = await RedisServer.start();
  const service = await Service.start("Node", redis, "");
  const { page, faults } = await open("index.html");
  await page.waitForFunction(() => globalThis.outlast !== undefined);
  // What Chromium gives to the page of an extension inside its developer tools, which run without a
  // window nowhere: the panel is this page.
  await page.evaluate(() => {
    type Finished = { request: { url: string }; response: { headers: object[] } };
    let finished: (entry: Finished) => void = () => {};
    const answer = (url: string, name: string, value: string) =>
      finished({ request: { url }, response: { headers: [{ name, value }] } });
    const onShown = { addListener: (shown: (panel: Window) => void) => shown(window) };
    Object.assign((globalThis as unknown as { chrome: object }).chrome, {
      devtools: {
        panels: {
          create: (...given: unknown[]) => (given[3] as (panel: object) => void)({ onShown }),
        },
        network: {
          onRequestFinished: { addListener: (listener: typeof finished) => (finished = listener) },
        },
      },
    });
    Object.assign(globalThis, { answer });
  });
  await load(page, "devtools.js");
  await page.evaluate((origin) => {
    const { answer } = globalThis as unknown as {
      answer: (url: string, name: string, value: string) => void;
    };
    answer("https://other.example/", "X-Outlast-Status", "/status");
    answer(`${origin}/shop`, "x-outlast-status", "/outlast/status");
  }, service.origin);
  await page.locator("#live-mode", { hasText: "connected" }).waitFor();
  expect(await page.locator("#live-url").inputValue()).toBe(`${service.origin}/outlast/status`);
  expect(faults).toEqual([]);
});
