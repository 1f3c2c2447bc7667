import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { copy, opening, paste, standstill } from "./tools.ts";

const open = opening();

const value = (page: Page, label: string) => page.getByLabel(label).inputValue();

test("the outage of What if becomes an entry that passes its own check", async () => {
  const devtools = await open("#whatif?faults=dns_error:60-360");
  const { page } = devtools;
  await page.locator("#said td").first().waitFor();
  await devtools.tab("Log");
  await page.getByRole("button", { name: "From the outage of What if" }).click();
  const entry = await value(page, "Entry for the production log");
  expect(entry).toMatch(
    /^## \[\d{4}-\d\d-\d\d \d\d:\d\d\] – Redis unavailable: DNS resolution failed\n/,
  );
  for (const name of ["Context", "Symptoms", "Root Cause", "Fix / Resolution", "Status"]) {
    expect(entry).toContain(`\n### ${name}\n`);
  }
  await page.getByLabel("Production log (Markdown)").fill(entry);
  await page.getByText("As the template has it.").waitFor();
  expect(await value(page, "Corrected")).toBe(entry);
  await devtools.screenshot("log");
});

test("a log that people wrote is checked, counted and corrected", async () => {
  const devtools = await open("#log");
  const { page } = devtools;
  const written = [
    "# Our log",
    "",
    "## 2025-03-04 02:11 - Cache gone",
    "**Root cause:** DNS",
    "### Fix",
    "Back after 1 h 02 min.",
    "Status: resolved",
    "",
    "## [2025-03-05 10:00] – <img src=x onerror=alert(1)>",
    "",
    "### Status",
    "",
    "🔴 Open",
  ].join("\n");
  await page.getByLabel("Production log (Markdown)").fill(written);
  await page.locator("#journal-outcome", { hasText: /^\d+ faults\.$/ }).waitFor();
  const figures = await page.locator("#journal-figures dd").allTextContents();
  expect(figures).toEqual([
    "2 entries",
    "1",
    "0",
    "1",
    "median 1 h 02 min, longest 1 h 02 min",
    "2, median 1 h 02 min, longest 1 h 02 min",
  ]);
  const faults = await page.locator("#journal-faults tbody tr").allTextContents();
  expect(faults[0]).toBe("3the heading is `## [2025-03-04 02:11] – Cache gone`");
  const corrected = await value(page, "Corrected");
  expect(corrected).toContain("### Fix / Resolution\n\nBack after 1 h 02 min.\n");
  await page.getByLabel("Production log (Markdown)").fill(corrected);
  await page.getByText("As the template has it.").waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator("#corrected-copy").click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(corrected);
  expect(await page.locator("#log img").count()).toBe(0);
});

test.each([
  ["{", /^This is no JSON: /],
  ['{"number": 1}', /^not an incident: missing field/],
  ["[]", /^not an incident: /],
  ['{"endpoint": "redis://x", "incident": null}', /^This status holds no incident\.$/],
])("%s is no incident, and the page says why", async (text, message) => {
  const { page } = await open("#log");
  await page.getByLabel("Incident, as a status or an event has it (JSON)").fill(text);
  await page.locator("#incident-fault", { hasText: message }).waitFor();
  expect(await value(page, "Entry for the production log")).toBe("");
});

test("a log of 10 MB is checked without standing still, and all of its correction is copied", async () => {
  const { page } = await open("#log");
  const entry = "## yesterday\n<script>globalThis.owned = 1</script> \u0007\n\n";
  await copy(page, entry, 10_000_000 / entry.length);
  const longest = await standstill(page, async () => {
    await page.locator("#journal").evaluate((field: HTMLTextAreaElement) => {
      field.value = "";
      field.dispatchEvent(new Event("input"));
    });
    await page.locator("#journal-figures dd").first().waitFor({ state: "detached" });
    await paste(page, "#journal");
    await page.locator("#journal-outcome", { hasText: "1,000 faults." }).waitFor();
  });
  expect(await page.locator("#journal-faults tbody tr").last().textContent()).toBe("and 700 more");
  expect((await value(page, "Corrected")).length).toBeLessThan(11_000);
  expect(longest).toBeLessThan(200);
  await page.locator("#corrected-copy").click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(async () => (await navigator.clipboard.readText()).length);
  expect(copied).toBeGreaterThan(10_000_000);
  expect(await page.evaluate(() => "owned" in globalThis)).toBe(false);
});

test.each([
  [
    "#journal",
    10_500_000,
    "#journal-outcome",
    /^10,500,000 characters are more than the 10,485,760/,
  ],
  ["#incident", 10_000_000, "#incident-fault", /^An incident has at most 100,000 characters\.$/],
])("what is too long for %s is told", async (field, length, told, message) => {
  const { page } = await open("#log");
  await copy(page, "[", length);
  const longest = await standstill(page, async () => {
    await paste(page, field);
    await page.locator(told, { hasText: message }).waitFor();
  });
  expect(longest).toBeLessThan(200);
});
