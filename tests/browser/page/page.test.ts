import type { Outlast, StoreClass } from "outlast-wasm";
import type { JSHandle, Page } from "playwright-core";
import { expect, test } from "vitest";
import { opening } from "./tools.ts";

const open = opening();

const TABS = ["Live", "What if", "Classify", "Console", "Log"];

test("outlast is on the console, and the store once it is asked for", async () => {
  const { page } = await open();
  expect(await page.textContent("#ready")).toContain("Version 0.1.0");
  const seen = await page.evaluate(async () => {
    const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
    let thrown: unknown;
    try {
      outlast.policy({ commandTimeoutMs: 0 });
    } catch (error) {
      thrown = error;
    }
    const before = outlast.Store;
    const Store = await outlast.loadStore();
    return {
      names: Object.keys(globalThis.outlast).sort(),
      before,
      answer: new Store().exec("INCR", "visits"),
      kind: outlast.classify(new AggregateError([refused])).kind,
      isError: thrown instanceof Error,
      code: (thrown as { code: string }).code,
    };
  });
  expect(seen).toEqual({
    names: [
      "Engine",
      "Store",
      "Throttle",
      "backoffSchedule",
      "checkLog",
      "classOf",
      "classify",
      "classifyReply",
      "decide",
      "failureKinds",
      "freshness",
      "knobs",
      "loadStore",
      "logEntry",
      "parseStatus",
      "policy",
      "rateLimits",
      "replay",
      "simulate",
      "simulateFleet",
      "version",
    ],
    before: undefined,
    answer: 1,
    kind: "connection_refused",
    isError: true,
    code: "invalid_option",
  });
});

test("tabs are reached by the keyboard alone", async () => {
  const { page } = await open();
  const selected = () => page.locator('[role="tab"][aria-selected="true"]').textContent();
  const visible = () => page.locator('[role="tabpanel"]:visible').count();
  expect(await selected()).toBe("Live");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("tab-live");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  expect(await selected()).toBe("Classify");
  await page.keyboard.press("End");
  expect(await selected()).toBe("Log");
  await page.keyboard.press("ArrowRight");
  expect(await selected()).toBe("Live");
  await page.keyboard.press("ArrowLeft");
  expect(await selected()).toBe("Log");
  await page.keyboard.press("Home");
  expect(await selected()).toBe("Live");
  expect(await visible()).toBe(1);
  // One stop for all tabs: the next is the theme.
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("theme");
  expect(new URL(page.url()).hash).toMatch(/^#live/);
});

test.each(["light", "dark"])("nothing grave is found by axe in %s", async (theme) => {
  const devtools = await open("#classify");
  const { page } = devtools;
  await page.getByLabel("Theme").selectOption(theme);
  for (const name of TABS) {
    await devtools.tab(name);
    if (name === "What if") await page.locator("#said td").first().waitFor();
    if (name === "Classify") await page.getByLabel("Example").selectOption("ioredis");
    if (name === "Classify") await page.locator("#kinds").waitFor();
    if (name === "Console") await page.locator("#hint", { hasText: "Type" }).waitFor();
    await devtools.expectAccessible();
    await devtools.screenshot(`${name.toLowerCase().replace(" ", "-")}-${theme}`);
  }
});

test("colours follow the system, unless a theme is chosen", async () => {
  const { page } = await open("#whatif");
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await paper();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  expect(dark).not.toBe(light);
  await page.getByLabel("Theme").selectOption("light");
  expect(await paper()).toBe(light);
});

test("a narrow window scrolls in one direction", async () => {
  const devtools = await open("#whatif");
  const { page } = devtools;
  await page.setViewportSize({ width: 390, height: 800 });
  for (const name of TABS) {
    await devtools.tab(name);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect([name, overflow]).toEqual([name, 0]);
  }
});

test("the page's own policy holds back what is not the page's", async () => {
  const devtools = await open();
  const refused = await devtools.page.evaluate(async () => {
    const violations: string[] = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      violations.push(event.effectiveDirective);
    });
    await fetch("http://localhost:9/").catch(() => {});
    const script = document.createElement("script");
    let isTrusted = true;
    try {
      script.text = "globalThis.injected = 1";
      document.body.innerHTML = "<b>markup</b>";
    } catch {
      isTrusted = false;
    }
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.head.append(style);
    await new Promise((resolve) => setTimeout(resolve));
    return {
      violations: [...new Set(violations)].sort(),
      isTrusted,
      injected: "injected" in globalThis,
    };
  });
  expect(refused.isTrusted).toBe(false);
  expect(refused.injected).toBe(false);
  expect(refused.violations).toEqual(
    expect.arrayContaining(["connect-src", "require-trusted-types-for", "style-src-elem"]),
  );
  // The browser says so, too.
  expect(devtools.takeFaults().length).toBeGreaterThan(0);
});

test.each(["#nosuch?x=1", "#whatif?faults=%ZZ,<script>&profile=x&duration=9&seed=x", "#%00"])(
  "an address that makes no sense is passed over: %s",
  async (fragment) => {
    const { page } = await open(fragment);
    expect(await page.locator('[role="tabpanel"]:visible').count()).toBe(1);
  },
);

test("loading happens once, and again after it failed", async () => {
  const devtools = await open();
  // Any other document of the site will do: the module is loaded by hand.
  await devtools.page.goto(new URL("page.css", devtools.page.url()).href);
  const module = await importInPage(devtools.page, "vendor/outlast/dist/index.js");
  const seen = await module.evaluate(async ({ load, loadStore }) => {
    const failed = await load("no-such.wasm").catch((error: unknown) => String(error));
    const [first, second] = await Promise.all([load(), load()]);
    const [store, same] = await Promise.all([loadStore(), loadStore()]);
    return { failed, same: first === second && store === same, version: first.version() };
  });
  expect(seen).toEqual({ failed: expect.any(String), same: true, version: "0.1.0" });
  expect(devtools.takeFaults()).toEqual(expect.arrayContaining([expect.stringContaining("404")]));
});

test("both modules load within 200 ms", async () => {
  const devtools = await open();
  const { page } = devtools;
  const times: number[] = [];
  // The least of some: the machine has other work, too.
  for (let round = 0; round < 5; round += 1) {
    await page.goto(new URL("page.css", page.url()).href);
    const module = await importInPage(page, "vendor/outlast/dist/index.js");
    times.push(
      await module.evaluate(async ({ load, loadStore }) => {
        const start = performance.now();
        await Promise.all([load(), loadStore()]);
        return performance.now() - start;
      }),
    );
  }
  expect(Math.min(...times)).toBeLessThan(200);
});

interface Package {
  load(source?: string): Promise<Outlast>;
  loadStore(): Promise<StoreClass>;
}

/** A module as the page loads it; as a text, because the test runner rewrites `import()`. */
function importInPage(page: Page, path: string): Promise<JSHandle<Package>> {
  return page.evaluateHandle<Package>(`import(new URL(${JSON.stringify(path)}, location.href))`);
}
