import * as outlast from "outlast-wasm";
import type { OutlastError, Store, StoreArgument } from "outlast-wasm";
import { expect, test } from "vitest";

function thrown(call: () => unknown): OutlastError {
  try {
    call();
  } catch (error) {
    return error as OutlastError;
  }
  throw new Error("nothing was thrown");
}

test("commands take plain values and answer plain values", () => {
  const store = new outlast.Store({ bytesMax: 1_000_000 });
  expect(store.exec("SET", "a", 41)).toBe("OK");
  expect(store.exec("INCR", "a")).toBe(42);
  expect(store.exec("INCRBY", "a", 2n ** 60n)).toBe(2n ** 60n + 42n);
  expect(store.exec("GET", "no")).toBe(null);
  expect(store.exec("ZADD", "board", 3, "ada", 1.5, "bob")).toBe(2);
  expect(store.exec("ZRANGE", "board", 0, -1, "WITHSCORES")).toEqual(["bob", "1.5", "ada", "3"]);
  const bytes = Uint8Array.of(0xff, 0x00, 0xfe);
  store.exec("SET", "bytes", bytes);
  expect(store.exec("GET", "bytes")).toEqual(bytes);
});

test("the session lasts: databases, transactions, RESP 3", () => {
  const store = new outlast.Store();
  store.exec("HSET", "h", "f", 1);
  store.exec("SELECT", 3);
  expect(store.exec("EXISTS", "h")).toBe(0);
  store.exec("SELECT", 0);
  expect(store.exec("MULTI")).toBe("OK");
  expect(store.exec("INCR", "h")).toBe("QUEUED");
  expect(store.exec("INCR", "n")).toBe("QUEUED");
  const [wrong, right] = store.exec("EXEC") as [OutlastError, number];
  expect(wrong).toBeInstanceOf(Error);
  expect(wrong.code).toBe("command_error");
  expect(right).toBe(1);
  expect(store.exec("HELLO", 3)).toBeInstanceOf(Map);
  expect(store.exec("HGETALL", "h")).toEqual(new Map([["f", "1"]]));
  store.exec("ZADD", "z", 1.25, "m");
  expect(store.exec("ZSCORE", "z", "m")).toBe(1.25);
  store.exec("SADD", "s", "m");
  expect(store.exec("SMEMBERS", "s")).toEqual(new Set(["m"]));
});

test("a subscriber gets its messages", () => {
  const store = new outlast.Store();
  store.exec("HELLO", 3);
  expect(store.exec("SUBSCRIBE", "news")).toEqual(["subscribe", "news", 1]);
  expect(store.exec("PUBLISH", "news", "hi")).toBe(1);
  expect(store.messages()).toEqual([["message", "news", "hi"]]);
  expect(store.messages()).toEqual([]);
});

test("time is an argument, or now", () => {
  const store = new outlast.Store();
  store.execAt(1_000, ["SET", "a", "b", "PX", 50]);
  expect(store.execAt(1_050, ["GET", "a"])).toBe("b");
  expect(store.execAt(1_051, ["GET", "a"])).toBe(null);
  store.exec("SET", "a", "b", "PXAT", Date.now() + 60_000);
  expect(store.exec("PTTL", "a")).toBeGreaterThan(50_000);
});

test("blocking commands time out at once", () => {
  expect(new outlast.Store().exec("BLPOP", "q", 0)).toBe(null);
});

test.each<[string, readonly unknown[], string, RegExp]>([
  ["an error reply", ["INCR", "text"], "command_error", /^ERR value is not an integer/],
  ["the wrong type", ["LPUSH", "text", "x"], "command_error", /^WRONGTYPE /],
  ["an unknown command", ["NOSUCH"], "unsupported_locally", /unknown command/],
  ["a script", ["EVAL", "return 1", 0], "unsupported_locally", /./],
  ["a full store", ["SET", "big", "x".repeat(5_000)], "limit_reached", /^OOM /],
  ["no command", [], "invalid_argument", /^no command is given$/],
  ["an object", ["SET", "a", {}], "invalid_argument", /^an argument is no text/],
  ["no number", ["SET", "a", Number.NaN], "invalid_argument", /^an argument is no text/],
  ["nothing", ["SET", "a", undefined], "invalid_argument", /^an argument is no text/],
])("%s is an Error with a code", (_, args, code, message) => {
  const store = new outlast.Store(4_096);
  store.exec("SET", "text", "a");
  const error = thrown(() => store.exec(...(args as StoreArgument[])));
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("OutlastError");
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(store.exec("GET", "text")).toBe("a");
});

test("options are checked", () => {
  const made = (options: unknown) => thrown(() => new outlast.Store(options as number)).message;
  expect(made({ bytesMax: -1 })).toContain("bytes_max");
  expect(made({ eviction: "lru" })).toMatch(/^invalid eviction "lru": allowed is one of noevict/);
  expect(made({ bytes: 1 })).toContain("unknown field `bytes`");
  const store: Store = new outlast.Store({ bytesMax: 20_000, eviction: "allkeys-lru" });
  for (let number = 0; number < 100; number += 1) store.exec("SET", number, "x".repeat(1_000));
  expect(store.exec("EXISTS", 99)).toBe(1);
  expect(store.exec("EXISTS", 0)).toBe(0);
});
