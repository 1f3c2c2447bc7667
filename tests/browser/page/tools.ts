/** One site and one browser for the tests of a file, and a page for each. */

import type { Browser } from "playwright-core";
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
