import { once } from "node:events";

import { expect, test } from "vitest";

import { port, run } from "./front.ts";
import { client } from "./helpers.ts";

test.each(["SIGINT", "SIGTERM"] as const)("it serves until %s comes", async (signal) => {
  const front = run(["serve", "--port", "0"]);
  const { redis } = client(`redis://127.0.0.1:${await port(front)}`);
  await redis.connect();
  expect(await redis.set("k", "v")).toBe("OK");
  expect(await redis.get("k")).toBe("v");
  const ended = once(front.child, "close");
  front.child.kill(signal);
  expect(await ended).toEqual([0, null]);
  expect(front.text.stderr).toBe("");
});

test("the password is asked for, and not printed", async () => {
  const front = run(["serve", "--port", "0"], { OUTLAST_SERVE_PASSWORD: "sekret" });
  const number = await port(front);
  const { redis } = client(`redis://:sekret@127.0.0.1:${number}`);
  await redis.connect();
  expect(await redis.ping()).toBe("PONG");
  const { redis: stranger } = client(`redis://127.0.0.1:${number}`);
  await expect(stranger.connect()).rejects.toThrow(/NOAUTH|auth/i);
  expect(front.text.stdout + front.text.stderr).not.toContain("sekret");
});

test("a wrong call says what is wrong", async () => {
  const { child, text } = run(["serve", "--port", "x"]);
  expect(await once(child, "close")).toEqual([2, null]);
  expect(text.stderr).toContain("invalid value 'x' for '--port");
});
