import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Replayed } from "outlast-wasm";
import { replay } from "outlast-wasm";
import { expect, onTestFinished, test } from "vitest";
import { RedisServer, Service } from "./outage.ts";
import { ROOT } from "./site.ts";
import { opening, standstill } from "./tools.ts";

const open = opening();
const native = createRequire(join(ROOT, "tests/node/package.json"))("outlast") as {
  replay(recording: string): Replayed;
};

const SOURCE = `
import json, outlast, sys
print(json.dumps(outlast.replay(open(sys.argv[1], encoding="utf-8").read())))
`;

/** What the Python package makes of it. */
async function replayedByPython(path: string): Promise<Replayed> {
  const python = join(ROOT, "build/venv/bin/python");
  const { stdout } = await promisify(execFile)(python, ["-c", SOURCE, path], {
    maxBuffer: 100_000_000,
  });
  return JSON.parse(stdout) as Replayed;
}

/** The recording of an example service through an outage. */
async function recorded(language: "Python" | "Node"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "outlast-recording-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "outage.jsonl");
  const redis = await RedisServer.start();
  const service = await Service.start(language, redis, "", { OUTLAST_RECORD_PATH: path });
  const mode = async () => {
    await service.visit();
    const health = (await (await fetch(`${service.origin}/health`)).json()) as {
      redis: { mode: string; dials: number };
    };
    return health.redis;
  };
  const until = async (holds: (redis: { mode: string; dials: number }) => boolean) => {
    while (!holds(await mode()));
  };
  await until(({ mode }) => mode === "connected");
  await redis.kill();
  await until(({ mode, dials }) => mode === "degraded" && dials > 2);
  await redis.restart();
  await until(({ mode }) => mode === "connected");
  await service.stop();
  return path;
}

test.each(["Python", "Node"] as const)(
  "what the %s service recorded is decided the same everywhere, and drawn",
  async (language) => {
    const path = await recorded(language);
    const text = await readFile(path, "utf8");
    const own = replay(text);
    expect(own).toMatchObject({ differs_at_line: null, is_cut: false });
    expect(own.trace.status.map(({ status }) => status.mode)).toEqual(
      expect.arrayContaining(["connected", "degraded", "reconciling", "closed"]),
    );
    expect(own.incidents).toHaveLength(1);
    expect(await replayedByPython(path)).toEqual(own);
    expect(native.replay(text)).toEqual(own);

    const devtools = await open("#whatif");
    const { page } = devtools;
    await page.locator("#said td").first().waitFor();
    expect(await page.evaluate((text) => globalThis.outlast.replay(text), text)).toEqual(own);
    await page.getByText("Or what a client recorded").click();
    await page.locator("#recording").setInputFiles(path);
    const outcome = page.locator("#recording-outcome");
    await page.getByText(/each was decided the same again/).waitFor();
    expect(await outcome.textContent()).toContain(`outage.jsonl: ${own.endpoint}, `);
    expect(await page.textContent("#whatif-outcome")).toMatch(/^As it was recorded: \d+ dials?, /);
    const said = await page.locator("#said tbody tr").allTextContents();
    expect(said).toHaveLength(own.trace.lines.length);
    expect(said.at(-1)).toContain("Redis is back after");
    expect(await page.locator("#whatif-strip .span.degraded").count()).toBeGreaterThan(0);
    await devtools.expectAccessible();
    await devtools.screenshot(`recording-${language.toLowerCase()}`);
    // Its incident becomes an entry, with the times of the recording.
    await devtools.tab("Log");
    await page.getByRole("button", { name: "From the outage of What if" }).click();
    const entry = await page.getByLabel("Entry for the production log").inputValue();
    const day = new Date(own.incidents[0]!.opened_at_ms).toISOString().slice(0, 10);
    expect(entry).toMatch(new RegExp(`^## \\[${day} `));
    expect(entry).toContain(own.endpoint);
    await devtools.tab("What if");
    await page.getByRole("button", { name: "Back to the simulation" }).click();
    await page.locator("#whatif-outcome", { hasText: /^It is on Redis again/ }).waitFor();
    expect(await outcome.textContent()).toBe("");
  },
  60_000,
);

test("what is no recording is told with its line, and long ones do not make the page stand still", async () => {
  const path = await recorded("Node");
  const text = await readFile(path, "utf8");
  const { page } = await open("#whatif");
  await page.locator("#said td").first().waitFor();
  const steps = text.split("\n").length - 2;
  const load = async (...parts: (string | Buffer)[]) => {
    await writeFile(path, Buffer.concat(parts.map((part) => Buffer.from(part as string))));
    await page.locator("#recording").setInputFiles(path);
  };
  const outcome = (message: string) =>
    page.locator("#recording-outcome", { hasText: message }).waitFor();
  const line = (number: number, why: string) =>
    outcome(`outage.jsonl: line ${number} is no line of a recording: ${why}`);
  await load("hello\n");
  await line(1, "expected value");
  await load("");
  await line(1, "there is no whole line");
  await load(`${text.split("\n")[0]}\n`, Buffer.from([0xff, 0xfe, 0x0a]));
  await line(2, "");
  await load(text, "<script>globalThis.owned = 1</script>\n");
  await line(steps + 2, "");
  const once = async (message: () => Promise<void>, ...parts: string[]) => {
    return standstill(page, async () => {
      await load("hello\n");
      await line(1, "expected value");
      await writeFile(path, parts.join(""));
      await page.locator("#recording").setInputFiles(path);
      await message();
    });
  };
  expect(
    await once(() => line(1, "recursion limit exceeded"), "[".repeat(10_000_000), "\n"),
  ).toBeLessThan(200);
  expect(
    await once(
      () => outcome("outage.jsonl has 32.0 MiB; at most 32.0 MiB are read."),
      " ".repeat(33_554_433),
    ),
  ).toBeLessThan(200);
  // A checkpoint begins each copy anew.
  const copies = text.repeat(Math.floor(10_000_000 / text.length));
  expect(await once(() => outcome("each was decided the same again"), copies)).toBeLessThan(200);
  expect(await page.evaluate(() => "owned" in globalThis)).toBe(false);
});
