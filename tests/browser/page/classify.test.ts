import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { opening, standstill } from "./tools.ts";

const open = opening();

const field = (page: Page) => page.locator("#evidence");
const told = (page: Page, text: RegExp) =>
  page.locator("#evidence-outcome", { hasText: text }).waitFor();

const rows = (page: Page, table: string) =>
  page
    .locator(`#${table} tbody tr`)
    .evaluateAll((all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent ?? "")),
    );

test.each([
  ["redis-py", ["dns_error", "connection_refused", "loading"]],
  ["ioredis", ["connection_refused", "dns_error", "read_only"]],
  [
    "node-redis",
    ["connect_timeout", "connection_lost", "auth_failed", "command_error", "out_of_memory"],
  ],
  ["Lettuce", ["connection_refused", "response_timeout", "connection_lost", "disk_error"]],
  ["go-redis", ["dns_error", "connection_refused", "cluster_down", "host_unreachable"]],
])("a log of %s is told line by line", async (name, kinds) => {
  const { page } = await open("#classify");
  await page.getByLabel("Example").selectOption(name);
  await told(page, /say what failed/);
  const summary = await rows(page, "kinds");
  expect(summary.map(([kind]) => kind)).toEqual(expect.arrayContaining(kinds));
  for (const [, , verdict, , remedy] of summary) {
    expect(verdict).toMatch(/^(link|writes|wait|command): /);
    expect(remedy).toMatch(/\.$/);
  }
  const lines = await rows(page, "classified");
  const text = (await field(page).inputValue()).split("\n");
  for (const [number, , , shown] of lines) expect(text[Number(number) - 1]?.trim()).toBe(shown);
});

test("what is typed is told at once, and what says nothing is passed over", async () => {
  const { page } = await open("#classify");
  await field(page).pressSequentially("Error 111 connecting to cache:6379. Connection refused.");
  await told(page, /^1 line, of which 1 says what failed/);
  await field(page).fill("a fine day\n");
  await told(page, /none says what failed/);
  expect(await page.locator("#kinds").isVisible()).toBe(false);
  await page.getByRole("button", { name: "Clear" }).click();
  expect(await field(page).inputValue()).toBe("");
});

test("markup stays text", async () => {
  const { page } = await open("#classify");
  const hostile = `<img src=x onerror="globalThis.owned=1"> ECONNREFUSED <script>globalThis.owned=1</script>`;
  await field(page).fill(`${hostile}\n${hostile}`);
  await told(page, /2 say what failed/);
  expect((await rows(page, "classified"))[0]?.[3]).toBe(hostile);
  expect(await page.locator("#classify img, #classify script").count()).toBe(0);
  expect(await page.evaluate(() => "owned" in globalThis)).toBe(false);
  // Nor does it come into the address.
  expect(new URL(page.url()).hash).toBe("#classify");
});

test("a paste of 10 MB does not make the page stand still", async () => {
  const { page } = await open("#classify");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate(async () => {
    const line = (at: number) =>
      `2025-03-04 02:11:${at % 60} ERROR shop[${at}]: Error 111 connecting to cache:6379. Connection refused.\n`;
    let text = "";
    for (let at = 0; text.length < 10_000_000; at += 1) text += line(at);
    await navigator.clipboard.writeText(text);
  });
  const longest = await standstill(page, async () => {
    await page.getByRole("button", { name: "Clear" }).click();
    await field(page).focus();
    await page.keyboard.press("Control+V");
    await told(page, /^What was pasted: 1\d\d,\d\d\d lines, of which 1\d\d,\d\d\d say/);
  });
  expect(longest).toBeLessThan(200);
  expect((await rows(page, "classified")).at(-1)?.[3]).toMatch(/^and 1\d\d,\d\d\d more$/);
  expect((await field(page).inputValue()).length).toBeLessThan(101_000);
});

test("one line of 10 MB is no trouble", async () => {
  const { page } = await open("#classify");
  const folder = await mkdtemp(join(tmpdir(), "outlast-page-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "line.log");
  await writeFile(path, Buffer.alloc(10_000_000, "x ECONNRESET "));
  const longest = await standstill(page, async () => {
    await page.getByRole("button", { name: "Clear" }).click();
    await page.locator("#evidence-file").setInputFiles(path);
    await told(page, /^line\.log: 1 line, of which 1 says what failed/);
  });
  expect(longest).toBeLessThan(200);
});

test("broken UTF-8 is read as far as it is text", async () => {
  const { page } = await open("#classify");
  const broken = Buffer.concat([
    Buffer.from([0xc3, 0x28, 0xff, 0x00, 0xfe, 0x0a]),
    Buffer.from("READONLY You can't write against a read only replica.\n"),
    Buffer.from([0xed, 0xa0, 0x80]),
  ]);
  await page
    .locator("#evidence-file")
    .setInputFiles({ name: "broken.log", mimeType: "text/plain", buffer: broken });
  await told(page, /^broken\.log: \d lines, of which 1 says what failed/);
  expect((await rows(page, "kinds"))[0]?.[0]).toBe("read_only");
});
