import type { JSHandle } from "playwright-core";
import { expect, test } from "vitest";
import { loadVectors, runner, type Outcome, type Runner } from "../vectors.ts";
import { Devtools, launch, serve } from "./site.ts";

/** Runs every vector in the page, against what is on its console. */
async function outcomesInPage(): Promise<Outcome[]> {
  const site = await serve();
  const browser = await launch();
  try {
    const { page } = await Devtools.open(browser, `${site.origin}${Devtools.path}`);
    // A text, because the test runner rewrites `import()`.
    const module: JSHandle<Runner> = await page.evaluateHandle('import("/tests/vectors/run.mjs")');
    return await module.evaluate(async ({ runVectors }) => {
      await outlast.loadStore();
      return runVectors(outlast, async (name) => (await fetch(`/tests/vectors/${name}`)).json());
    });
  } finally {
    await browser.close();
    site.server.close();
  }
}

const outcomes = await outcomesInPage();

test.each(runner.FILES)("%s", async (file) => {
  const own = outcomes.filter(({ name }) => name.startsWith(`${file}: `));
  expect(own.filter(({ ok }) => !ok)).toEqual([]);
  const { about: _, ...sections } = await loadVectors(file);
  expect(own).toHaveLength(Object.values(sections).flat().length);
});
