import { request } from "node:http";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisServer, Service } from "./outage.ts";
import { Devtools, launch } from "./site.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
});

/** Waits until an element says this, while visitors come. */
async function says(
  page: Page,
  service: Service,
  id: string,
  text: string | RegExp,
): Promise<void> {
  const found = page.locator(`#${id}`, { hasText: text }).waitFor({ timeout: 40_000 });
  let isFound = false;
  const visits = (async () => {
    while (!isFound) {
      await service.visit();
      await page.waitForTimeout(20);
    }
  })();
  await found.finally(() => (isFound = true));
  await visits;
}

test.each(["Python", "Node"] as const)(
  "an outage of the %s service is watched from its first second to its entry",
  async (language) => {
    const redis = await RedisServer.start();
    const service = await Service.start(language, redis);
    // The page that the service itself serves, watching the service itself.
    const devtools = await Devtools.open(
      browser,
      `${service.origin}/outlast/devtools/`,
      "#live?every=500",
    );
    const { page } = devtools;
    try {
      await says(page, service, "live-mode", "connected");
      expect(await page.textContent("#live-next")).toBe("none needed");
      expect(await page.textContent("#live-incident")).toBe("None goes on.");
      await says(page, service, "live-served", /Redis[1-9]/);

      await redis.kill();
      await says(page, service, "live-mode", "degraded");
      await says(page, service, "live-incident", /^Number 1, goes on since/);
      await says(page, service, "live-next", /^in \d+\.\d s$/);
      await says(page, service, "live-served", /store[1-9]/);
      await says(page, service, "live-causes", "connection_refused");
      await says(page, service, "live-memory", "1 key");
      await says(page, service, "live-lines", /Redis unavailable: /);
      await says(page, service, "live-suppressed", /^[1-9]\d* failures? since the last line/);
      expect(await page.textContent("#live-breaker")).toMatch(/^breaker (open|half_open); /);
      await devtools.expectAccessible();
      await devtools.screenshot(`live-${language.toLowerCase()}`);

      await redis.restart();
      await says(page, service, "live-mode", "connected");
      await says(page, service, "live-incident", /, \d+ keys? written back\.$/);
      await says(page, service, "live-causes", /back on Redis\d\d:\d\d:\d\d1\s*$/);
      await says(page, service, "live-lines", /Redis is back after/);
      const label = await page.getAttribute("#live-strip", "aria-label");
      expect(label).toMatch(/now connected$/);
      expect(await page.locator("#live-strip .span.degraded").count()).toBeGreaterThan(0);

      await devtools.tab("Log");
      await page.getByRole("button", { name: "From Live's incident" }).click();
      const entry = await page.getByLabel("Entry for the production log").inputValue();
      expect(entry).toContain(`redis://127.0.0.1:${redis.port}`);
      expect(entry).toContain("✅ Resolved");
      devtools.expectNoFault();

      await devtools.tab("Live");
      await service.kill();
      await page.locator("#live-fault", { hasText: /cannot be reached/ }).waitFor();
      expect(await page.locator("#live-view.stale").count()).toBe(1);
    } finally {
      await devtools.close();
    }
  },
  120_000,
);

test.each(["Python", "Node"] as const)(
  "the %s service has no page unless it is enabled, and only for this machine's own names",
  async (language) => {
    const redis = await RedisServer.start();
    const without = await Service.start(language, redis, "");
    expect((await fetch(`${without.origin}/outlast/devtools/`)).status).toBe(404);
    const service = await Service.start(language, redis);
    expect((await fetch(`${service.origin}/outlast/devtools/`)).status).toBe(200);
    expect((await fetch(`${service.origin}/outlast/devtools/../service.py`)).status).toBe(404);
    expect((await fetch(`${service.origin}/outlast/devtools/..%2f..%2fCargo.toml`)).status).toBe(
      404,
    );
    const answer = new Promise((resolve, reject) => {
      const headers = { host: "rebound.example" };
      request(`${service.origin}/outlast/devtools/status`, { headers }, ({ statusCode }) =>
        resolve(statusCode),
      )
        .on("error", reject)
        .end();
    });
    expect(await answer).toBe(404);
  },
);

test("what is no status, no JSON, not there or not here is told", async () => {
  const redis = await RedisServer.start();
  const service = await Service.start("Node", redis);
  const devtools = await Devtools.open(browser, `${service.origin}/outlast/devtools/`, "#classify");
  const { page } = devtools;
  await devtools.tab("Live");
  const watch = async (url: string) => {
    await page.getByLabel("Status URL of a service, on this host").fill(url);
    await page.getByRole("button", { name: "Watch" }).click();
  };
  const fault = (text: string | RegExp) => page.locator("#live-fault", { hasText: text }).waitFor();
  await watch("http://user:secret@other.example/health");
  await fault(/other\.example is another host: this page may only ask/);
  expect(page.url()).not.toContain("secret");
  await watch("/outlast/devtools/page.css");
  await fault("What /outlast/devtools/page.css answers is no JSON.");
  await watch("/nosuch");
  await fault("The service at /nosuch answered 404.");
  await watch("/session/none");
  await fault("answered 404");
  await watch("/health");
  await page.locator("#live-mode", { hasText: "connected" }).waitFor();
  expect(await page.textContent("#live-suppressed")).toContain("does not tell its lines");
  expect(await page.textContent("#live-fault")).toBe("");
  await page.getByRole("button", { name: "Stop" }).click();
  await devtools.close();
});
