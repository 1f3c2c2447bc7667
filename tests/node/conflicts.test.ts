import { readFile } from "node:fs/promises";

import { causeOutage } from "outlast/testing";
import { expect, test } from "vitest";

import { Server, client, eventually } from "./helpers.ts";

interface Case {
  name: string;
  options?: { rules?: string; shadow?: boolean };
  held: string[][];
  known: string[][];
  ours: string[][];
  theirs: string[][];
  holds: { args: string[]; lines: string[] }[];
  conflicts: number;
  replayed: number;
  dead_letters: { key: string; commands: string[][]; error: string }[];
}

const file = new URL("../vectors/conflicts.json", import.meta.url);
const { outages } = JSON.parse(await readFile(file, "utf8")) as { outages: Case[] };

test.each(outages)("others change keys meanwhile: $name", async (outage) => {
  const server = await Server.start();
  const { redis } = client(server.url, outage.options);
  const run = async (commands: string[][]): Promise<void> => {
    for (const [name, ...args] of commands) await redis.call(name!, ...args);
  };
  const others = async (commands: string[][]): Promise<void> => {
    for (const args of commands) await server.cli(...args);
  };
  await redis.ping();
  await others(outage.held);
  await run(outage.known);
  const away = await causeOutage(redis, "lost");
  await run(outage.ours);
  await others(outage.theirs);
  await away.end();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  for (const { args, lines } of outage.holds) {
    expect((await server.cli(...args)).split("\n")).toEqual(lines);
  }
  const letters = outage.dead_letters;
  const { conflicts, replayed } = outage;
  expect(redis.getStatus()).toMatchObject({ conflicts, replayed, replay_refused: letters.length });
  const told = redis.deadLetters().map(({ key, commands, error }) => ({
    key: key.toString(),
    commands: commands.map((args) => args.map((arg) => arg.toString())),
    error,
  }));
  const beginning = letters.map((letter) => ({
    ...letter,
    error: expect.stringMatching(`^${letter.error}`) as string,
  }));
  expect(told).toEqual(beginning);
});
