/** One site and one browser for the tests of a file, and a page for each; long pastes, and how long they take. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { Devtools, launch, serve, type Site } from "./site.ts";

/** Answers how to open a page, which is watched and closed after its test. */
export function opening(): (fragment?: string) => Promise<Devtools> {
  let site: Site;
  let browser: Browser;
  const opened: Devtools[] = [];

  beforeAll(async () => {
    site = await serve();
    browser = await launch();
  });
  afterEach(async () => {
    for (const devtools of opened.splice(0)) {
      devtools.expectNoFault();
      await devtools.close();
    }
  });
  afterAll(async () => {
    await browser?.close();
    site?.server.close();
  });
  return async (fragment) => {
    const devtools = await Devtools.open(browser, `${site.origin}${Devtools.path}`, fragment);
    opened.push(devtools);
    return devtools;
  };
}

/** Watches how long the page stands still; answers how to ask for the longest time, in ms. */
export async function watch(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const seen = { longest: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
    }).observe({ type: "longtask" });
  });
  return () =>
    page.evaluate(async () => {
      // What was observed is told after the frame.
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return (globalThis as unknown as { seen: { longest: number } }).seen.longest;
    });
}

/** Pastes a text into a field, by the clipboard as a person would. */
export async function paste(page: Page, field: string, text: string): Promise<void> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await page.locator(field).focus();
  await page.keyboard.press("Control+V");
}
