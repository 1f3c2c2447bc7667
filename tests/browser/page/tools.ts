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

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  args: { name?: string };
  /** How long it took, and how long of that it had a processor, in microseconds. */
  dur?: number;
  tdur?: number;
}

/**
 * The longest task of the page's own thread while something is done, in milliseconds on a processor: on a
 * machine that has other work to do, any task is long by the clock.
 */
export async function standstill(page: Page, act: () => Promise<void>): Promise<number> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ["toplevel"] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const named = traceEvents.filter(({ name, args }) => {
    return name === "thread_name" && args.name === "CrRendererMain";
  });
  const pages = new Set(named.map(thread));
  const tasks = traceEvents.filter((event) => event.ph === "X" && pages.has(thread(event)));
  if (tasks.length === 0) throw new Error("the trace holds no task of the page");
  return Math.max(...tasks.map(({ dur = Infinity, tdur = dur }) => tdur / 1_000));
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
