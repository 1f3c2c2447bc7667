import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { opening } from "./tools.ts";

const open = opening();

/** The table of the clients: name, dials, lines, fewer, back. */
async function compared(page: Page): Promise<Record<string, string[]>> {
  const rows = await page
    .locator("#compared tbody tr")
    .evaluateAll((all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent ?? "")),
    );
  return Object.fromEntries(rows.map(([name, ...cells]) => [name, cells]));
}

const outcome = (page: Page) => page.textContent("#whatif-outcome");

/** Waits until what is shown is of another run. */
async function changed(page: Page, act: () => Promise<unknown>): Promise<void> {
  const before = await outcome(page);
  await act();
  await page.waitForFunction(
    (text) => document.getElementById("whatif-outcome")?.textContent !== text,
    before,
  );
}

test("an hour's outage costs 98% fewer log lines than the naive client", async () => {
  const devtools = await open(
    "#whatif?profile=production&duration=4200&faults=connection_refused:60-3660",
  );
  const { page } = devtools;
  await page.locator("#said td").first().waitFor();
  const expected = await page.evaluate(() => {
    const faults = [{ kind: "connection_refused" as const, from_ms: 60_000, until_ms: 3_660_000 }];
    return outlast.simulate({ profile: "production" }, { faults, durationMs: 4_200_000 });
  });
  const clients = await compared(page);
  expect(clients["outlast"]?.slice(0, 2)).toEqual([
    String(expected.dials.length - 1),
    String(expected.lines.length),
  ]);
  // One every 5 s, and the first.
  expect(clients["naive"]?.slice(0, 2)).toEqual(["720", "720"]);
  expect(Number.parseFloat(clients["outlast"]?.[2] ?? "")).toBeGreaterThanOrEqual(98);
  expect(clients["Python wrapper"]?.[3]).toBe("never");
  expect(clients["Node wrapper"]?.slice(0, 1)).toEqual(["3"]);
  expect(await outcome(page)).toContain("fewer log lines than the naive client");
  expect(await page.locator("#said tbody tr").last().textContent()).toContain("Redis is back");
  for (const id of ["plot-own", "plot-dials"]) {
    expect(await page.locator(`#${id} canvas`).count()).toBe(1);
    expect(await page.getAttribute(`#${id}`, "aria-label")).toContain(clients["outlast"]?.[0]);
  }
  expect(await page.locator("#plot-lines canvas").count()).toBe(1);
  await devtools.screenshot("what-if");
  // The picture of the README: make picture.
  await page.setViewportSize({ width: 1_180, height: 800 });
  await devtools.screenshot("picture", false);
});

test("the policy is changed, checked and shared", async () => {
  const devtools = await open("#whatif");
  const { page } = devtools;
  await page.locator("#said td").first().waitFor();
  await changed(page, () => page.getByLabel("server delay max").fill("60000"));
  expect(await page.locator(".knob.own label").allTextContents()).toEqual(["server delay max"]);
  const shared = new URL(page.url()).hash;
  expect(shared).toContain("server_delay_ms_max=60000");

  await page.getByLabel("server delay max").fill("0");
  await page.getByText('invalid server_delay_ms_max "0": allowed is').waitFor();
  await page.getByLabel("server delay max").fill("100");
  await page.locator("#policy-fault:not(:empty)").waitFor();
  await page.getByRole("button", { name: "Back to the profile" }).click();
  expect(await page.textContent("#policy-fault")).toBe("");
  await changed(page, () => page.getByLabel("Profile").selectOption("development"));
  expect(await page.getByLabel("server delay max").inputValue()).toBe("2000");

  const other = await open(shared);
  expect(await other.page.getByLabel("server delay max").inputValue()).toBe("60000");
});

test("an outage is drawn, typed and made to flap", async () => {
  const devtools = await open("#whatif?faults=connection_refused:60-660");
  const { page } = devtools;
  await page.locator("#said td").first().waitFor();
  const lane = (await page.locator("#lane").boundingBox())!;
  const at = (share: number) => [lane.x + lane.width * share, lane.y + lane.height / 2] as const;
  await changed(page, async () => {
    await page.mouse.move(...at(0.75));
    await page.mouse.down();
    await page.mouse.move(...at(0.8), { steps: 4 });
    await page.mouse.up();
  });
  expect(await page.locator(".fault").count()).toBe(2);
  const from = page.getByLabel("Fault 2: from, in seconds");
  expect(Math.abs(Number(await from.inputValue()) - 900)).toBeLessThanOrEqual(3);
  await changed(page, () => page.getByLabel("Fault 2: how Redis fails").selectOption("dns_error"));
  expect(await page.locator("#said").textContent()).toContain("DNS resolution failed");
  expect(await page.locator("#lane").getAttribute("aria-label")).toContain("dns_error from 90");

  await from.fill("300");
  await from.press("Enter");
  await page.getByText("invalid faults[1].from_ms").waitFor();
  await changed(page, () => page.getByLabel("Fault 2: remove").click());
  await changed(page, () => page.getByRole("button", { name: "Flap every 30 s" }).click());
  expect(await page.locator("#lane .span").count()).toBe(10);
  expect(new URL(page.url()).hash).toContain("faults=connection_refused%3A60-90%2C");
});

test("every way to fail is plotted", async () => {
  const { page } = await open("#whatif");
  await page.locator("#said td").first().waitFor();
  const kinds = await page
    .getByLabel("Fault 1: how Redis fails")
    .locator("option")
    .evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value));
  for (const kind of kinds.slice(1)) {
    await page.getByLabel("Fault 1: how Redis fails").selectOption(kind);
    await page.waitForFunction(
      (name) => location.hash.includes(`faults=${name}`) && document.querySelector("#said td"),
      kind,
    );
    expect(await page.textContent("#whatif-fault")).toBe("");
  }
});

test("a fleet does not bunch when Redis returns", async () => {
  const devtools = await open("#whatif");
  const { page } = devtools;
  await page.getByLabel("Clients").fill("100");
  await page.locator("#fleet button").click();
  await page.getByText(/^At most \d+ dials a second/).waitFor();
  const told = (await page.textContent("#fleet-outcome")) ?? "";
  const [, most, naive] = /At most (\d+) dials a second, where naive clients come to (\d+)/.exec(
    told,
  )!;
  expect(Number(naive)).toBe(100);
  expect(Number(most)).toBeLessThan(50);
  expect(await page.locator("#plot-fleet canvas").count()).toBe(1);
  await devtools.screenshot("fleet");
});
