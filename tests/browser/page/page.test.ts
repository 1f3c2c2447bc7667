import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import type { Outlast } from "outlast-wasm";
import type { Browser, JSHandle, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launch, serve } from "./site.ts";

const SCREENSHOTS = fileURLToPath(new URL("../../../build/screenshots/", import.meta.url));

interface Package {
  load(source?: string): Promise<Outlast>;
}

let site: { origin: string; server: Server };
let browser: Browser;

beforeAll(async () => {
  site = await serve();
  browser = await launch();
  await mkdir(SCREENSHOTS, { recursive: true });
});

afterAll(async () => {
  await browser?.close();
  site?.server.close();
});

describe("the devtools page", () => {
  let page: Page;
  const faults: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    page = await browser.newPage({ viewport: { width: 1_100, height: 900 } });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
    page.on("response", (response) => {
      if (!response.ok()) faults.push(`${response.status()}: ${response.url()}`);
    });
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`${site.origin}/examples/browser/`);
    await page.waitForFunction(() => globalThis.outlast !== undefined);
  });

  afterEach(() => {
    expect(faults.splice(0)).toEqual([]);
    expect(requests.filter((url) => new URL(url).origin !== site.origin)).toEqual([]);
  });

  test("outlast is on the console", async () => {
    expect(await page.textContent("#ready")).toContain("Version 0.1.0");
    expect(await page.evaluate(() => outlast.classify("NOAUTH Authentication required."))).toEqual({
      kind: "auth_failed",
      verdict: "link",
      schedule: "network",
      words: "authentication failed",
    });
    expect(await page.evaluate(() => Object.keys(globalThis.outlast).sort())).toEqual([
      "Engine",
      "Store",
      "Throttle",
      "backoffSchedule",
      "classify",
      "classifyReply",
      "failureKinds",
      "knobs",
      "parseStatus",
      "policy",
      "simulate",
      "version",
    ]);
  });

  test("errors of the page are evidence, and errors of outlast are errors", async () => {
    const seen = await page.evaluate(() => {
      const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
      let thrown: unknown;
      try {
        outlast.policy({ commandTimeoutMs: 0 });
      } catch (error) {
        thrown = error;
      }
      return {
        kind: outlast.classify(new AggregateError([refused])).kind,
        isError: thrown instanceof Error,
        name: (thrown as Error).name,
        code: (thrown as { code: string }).code,
        own: outlast.backoffSchedule({}, 3, 2n ** 60n).length,
      };
    });
    expect(seen).toEqual({
      kind: "connection_refused",
      isError: true,
      name: "OutlastError",
      code: "invalid_option",
      own: 3,
    });
  });

  test("a typed error is explained", async () => {
    const evidence = page.getByLabel("Error text or log line");
    await evidence.pressSequentially("Error 111 connecting to cache:6379. Connection refused.");
    const verdict = await page.locator("#verdict dd").allTextContents();
    expect(verdict).toEqual(["connection_refused", "link", "server", "connection refused"]);
    await evidence.fill("<img src=x onerror=alert(1)>");
    expect((await page.locator("#verdict dd").allTextContents())[0]).toBe("unknown_error");
    await evidence.fill("");
    expect(await page.locator("#verdict").isVisible()).toBe(false);
  });

  test("a simulated outage is told in dials and lines", async () => {
    const evidence = page.getByLabel("Error text or log line");
    await evidence.fill("getaddrinfo ENOTFOUND cache.example");
    await page.getByLabel("Profile").selectOption("production");
    await page.getByLabel("Redis fails with").selectOption("dns_error");
    await page.getByLabel("for minutes").fill("30");
    await page.getByRole("button", { name: "Simulate" }).click();

    const expected = await page.evaluate(() => {
      const untilMs = 10_000 + 30 * 60_000;
      return outlast.simulate(
        { profile: "production" },
        { kind: "dns_error", fromMs: 10_000, untilMs, durationMs: untilMs + 600_000 },
      );
    });
    const count = (id: string) => page.locator(`#${id} tr`).count();
    expect(await count("lines")).toBe(expected.lines.length);
    expect(await count("dials")).toBe(expected.dials.length);
    expect(await page.locator("#lines tr").last().textContent()).toContain("Redis is back after");
    expect(await page.locator("#dials tr").nth(1).textContent()).toContain("dns_error");
    expect(await page.textContent("#outcome")).toMatch(/^Back \d+\.\d+ s after Redis\. \d+ dials/);

    await page.screenshot({ path: `${SCREENSHOTS}devtools-light.png`, fullPage: true });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: `${SCREENSHOTS}devtools-dark.png`, fullPage: true });
    await page.setViewportSize({ width: 390, height: 800 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
    await page.screenshot({ path: `${SCREENSHOTS}devtools-narrow.png`, fullPage: true });
  });

  test("a long table is cut and says so", async () => {
    await page.getByLabel("Profile").selectOption("development");
    await page.getByLabel("Redis fails with").selectOption("connection_refused");
    await page.getByLabel("for minutes").fill("600");
    await page.getByRole("button", { name: "Simulate" }).click();
    expect(await page.locator("#dials tr").count()).toBe(201);
    expect(await page.locator("#dials tr").last().textContent()).toMatch(/^and \d+ more$/);
  });

  test("a form that is not filled in simulates nothing", async () => {
    const before = await page.textContent("#outcome");
    await page.getByLabel("for minutes").fill("0");
    await page.getByRole("button", { name: "Simulate" }).click();
    expect(await page.textContent("#outcome")).toBe(before);
  });
});

test("loading happens once, and again after it failed", async () => {
  const page = await browser.newPage();
  // Any document of the site will do: the module is loaded by hand.
  await page.goto(`${site.origin}/examples/browser/page.css`);
  const module = await importInPage(page, "/bindings-wasm/dist/index.js");
  const seen = await module.evaluate(async ({ load }) => {
    const failed = await load("/no-such.wasm").catch((error: unknown) => String(error));
    const [first, second] = await Promise.all([load(), load()]);
    return { failed, same: first === second, version: first.version() };
  });
  expect(seen).toEqual({ failed: expect.any(String), same: true, version: "0.1.0" });
  await page.close();
});

/** A module as the page loads it; as a text, because the test runner rewrites `import()`. */
function importInPage(page: Page, path: string): Promise<JSHandle<Package>> {
  return page.evaluateHandle<Package>(`import(${JSON.stringify(path)})`);
}
