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

/** How often something is tried: on a machine that has other work to do, any task may be long. */
const TRIES_MAX = 5;

/**
 * The longest time that the page stands still while something is done, in milliseconds: the shortest of
 * several tries, which end once it is less than `wanted_ms`.
 */
export async function standstill(
  page: Page,
  wanted_ms: number,
  act: () => Promise<void>,
): Promise<number> {
  await page.evaluate(() => {
    const seen = { longest: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
    }).observe({ type: "longtask" });
  });
  const longest = () =>
    page.evaluate(async () => {
      // What was observed is told after the frame.
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const { seen } = globalThis as unknown as { seen: { longest: number } };
      const { longest } = seen;
      seen.longest = 0;
      return longest;
    });
  let shortest = Infinity;
  for (let tries = 0; tries < TRIES_MAX && shortest >= wanted_ms; tries += 1) {
    await longest();
    await act();
    shortest = Math.min(shortest, await longest());
  }
  return shortest;
}

/** Puts a text on the clipboard so many times. */
export async function copy(page: Page, text: string, times: number): Promise<void> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate(([text, times]) => navigator.clipboard.writeText(text.repeat(times)), [
    text,
    times,
  ] as const);
}

/** Pastes what is on the clipboard, as a person would. */
export async function paste(page: Page, field: string): Promise<void> {
  await page.locator(field).focus();
  await page.keyboard.press("Control+V");
}
