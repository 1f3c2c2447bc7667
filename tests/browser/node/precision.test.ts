import * as outlast from "outlast-wasm";
import { expect, test } from "vitest";

const delays = (seed: number | bigint) =>
  outlast.backoffSchedule({ profile: "production" }, 50, seed).map((row) => row.jittered_ms);

test("seeds of 64 bits are not rounded", () => {
  expect(delays(7n)).toEqual(delays(7));
  const large = 2n ** 53n;
  expect(delays(large)).not.toEqual(delays(large + 1n));
  expect(delays(2n ** 64n - 1n)).not.toEqual(delays(2n ** 64n - 2n));
  const trace = (seed: bigint) => outlast.simulate({}, { seed }).dials;
  expect(trace(large)).not.toEqual(trace(large + 1n));
  const dials = (seed: bigint) => {
    const engine = new outlast.Engine({}, "redis://cache:6379", seed);
    engine.handle(0, { type: "start" });
    const failure = { kind: "dns_error", text: "" } as const;
    return engine.handle(0, { type: "dial_failed", dial: 1, failure }).at(-1);
  };
  expect([0n, 1n, 2n, 3n].map((more) => dials(large + more))).not.toEqual(
    [0n, 1n, 2n, 3n].map((more) => dials(large - more)),
  );
});

test.each([2 ** 53, 1.5, -1, Number.NaN, "7", 2n ** 64n, -1n, undefined, null])(
  "%s is no seed",
  (seed) => {
    expect(() => delays(seed as never)).toThrow(/^invalid seed "/);
  },
);

test("a scenario's seed is refused rather than rounded", () => {
  expect(() => outlast.simulate({}, { seed: 2 ** 53 })).toThrow();
  expect(() => outlast.simulate({}, { seed: 2n ** 64n })).toThrow();
});

test("integers of the store beyond 2^53 are bigints", () => {
  const store = new outlast.Store(10_000);
  const add = (number: string) => store.execute(0, ["INCRBY", "n", number]);
  expect(add("9007199254740991")).toEqual({ integer: 9_007_199_254_740_991 });
  expect(add("1")).toEqual({ integer: 9_007_199_254_740_992n });
  expect(add("9214364837600034815")).toEqual({ integer: 9_223_372_036_854_775_807n });
  expect(add("1")).toEqual({ error: "ERR increment or decrement would overflow" });
  store.execute(0, ["SET", "n", "-9223372036854775808"]);
  expect(add("0")).toEqual({ integer: -9_223_372_036_854_775_808n });
});

test("times up to the last date are exact, and so are the answers", () => {
  const last = 8_640_000_000_000_000;
  const engine = new outlast.Engine({ profile: "test", redial: true }, "redis://cache:6379", 1);
  engine.handle(last, { type: "start" });
  const failure = { kind: "dns_error", text: "" } as const;
  const outputs = engine.handle(last, { type: "dial_failed", dial: 1, failure });
  expect(outputs.at(-1)).toEqual({ type: "timeout", at_ms: last + 250 });
  expect(() => engine.handle(last + 1, { type: "timer" })).toThrow(/^invalid at_ms "/);
});

test("bytes beyond the memory of WASM are no limit", () => {
  const store = new outlast.Store(2 ** 40);
  expect(store.execute(0, ["SET", "a", "b"])).toEqual({ simple: "OK" });
  expect(store.execute(0, ["GET", "a"])).toEqual({ bulk: "b" });
});

test("text passes unchanged", () => {
  const store = new outlast.Store(10_000);
  const text = "žluťoučký 🦔\0\n";
  store.execute(0, ["SET", text, text]);
  expect(store.execute(0, ["GET", text])).toEqual({ bulk: text });
});
