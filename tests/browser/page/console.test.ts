import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { opening } from "./tools.ts";

const open = opening();

/** Types a command and answers what the screen says after it. */
async function ask(page: Page, command: string): Promise<string[]> {
  const lines = page.locator("#screen div");
  const before = await lines.count();
  await page.keyboard.type(command);
  await page.keyboard.press("Enter");
  await page.waitForFunction(
    (count) => document.querySelectorAll("#screen div").length > count + 1,
    before,
  );
  return (await lines.allTextContents()).slice(before + 1);
}

const input = (page: Page) => page.getByLabel("Command", { exact: true });

async function opened(): Promise<Page> {
  const { page } = await open("#console");
  await page.locator("#hint", { hasText: "Type a command" }).waitFor();
  return page;
}

test("a Redis answers at the prompt", async () => {
  const page = await opened();
  // The prompt has the focus.
  expect(await ask(page, 'SET greeting "hello \\"world\\""')).toEqual(["OK"]);
  expect(await ask(page, "GET greeting")).toEqual(['"hello \\"world\\""']);
  expect(await ask(page, "GET nosuch")).toEqual(["(nil)"]);
  expect(await ask(page, "ZADD board 3 ada 1.5 bob")).toEqual(["(integer) 2"]);
  expect(await ask(page, "ZRANGE board 0 -1 WITHSCORES")).toEqual([
    '1) "bob"',
    '2) "1.5"',
    '3) "ada"',
    '4) "3"',
  ]);
  expect(await ask(page, "INCR greeting")).toEqual([
    "(error) ERR value is not an integer or out of range",
  ]);
  expect(await ask(page, "MULTI")).toEqual(["OK"]);
  expect(await ask(page, "LPUSH l a b")).toEqual(["QUEUED"]);
  expect(await ask(page, "LRANGE l 0 -1")).toEqual(["QUEUED"]);
  expect(await ask(page, "EXEC")).toEqual(["1) (integer) 2", '2) 1) "b"', '   2) "a"']);
  expect(await ask(page, "EVAL 'return 1' 0")).toEqual([expect.stringMatching(/^\(error\) /)]);
});

test("mistakes at the prompt are told", async () => {
  const page = await opened();
  expect(await ask(page, 'GET "open')).toEqual(['The " at 5 is not closed.']);
  expect(await ask(page, 'GET "a"b')).toEqual(['A space is missing after the " at 7.']);
  expect(await ask(page, "NOSUCH <b>x</b>")).toEqual([
    expect.stringContaining("unknown command 'NOSUCH', with args beginning with: '<b>x</b>'"),
  ]);
  expect(await page.locator("#screen b").count()).toBe(0);
});

test("help, history, completion and clearing come from the keyboard", async () => {
  const page = await opened();
  await page.keyboard.type("zadd ");
  expect(await page.textContent("#hint")).toBe(
    "ZADD: Add one or more members to a sorted set, or update its score if it already exists; at least 3 arguments.",
  );
  await input(page).fill("");
  expect(await ask(page, "HELP xgroup create")).toEqual([
    "XGROUP CREATE: Create a consumer group.",
    expect.stringMatching(/^ {2}at least 3 arguments; since Redis 5\.0\.0; O\(1\)$/),
  ]);
  await ask(page, "SET a 1");
  await page.keyboard.press("ArrowUp");
  expect(await input(page).inputValue()).toBe("SET a 1");
  await page.keyboard.press("ArrowUp");
  expect(await input(page).inputValue()).toBe("HELP xgroup create");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  expect(await input(page).inputValue()).toBe("");
  await page.keyboard.type("hgeta");
  await page.keyboard.press("Control+Space");
  expect(await input(page).inputValue()).toBe("HGETALL ");
  await page.keyboard.press("Control+L");
  expect(await page.locator("#screen div").count()).toBe(0);
});
