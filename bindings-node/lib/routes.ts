/** Which commands a connection shared by all callers can carry, and which need one of their own. */

import type { Command, RedisOptions } from "ioredis";

/** What a command needs. */
export type Need = "shared" | "own" | "pins";

/** They change or ask what a connection remembers, so one that only this client has carries them. */
const OWN = new Set(
  (
    "subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe watch unwatch multi exec " +
    "discard client monitor wait waitaof readonly readwrite asking himport sync psync " +
    "blpop brpop brpoplpush blmove blmovem blmpop bzpopmin bzpopmax bzmpop"
  ).split(" "),
);

/** After one of these every command has to follow over that same connection. */
const PINS = new Set(["select", "auth", "hello", "reset"]);

/** They are about one connection, and of a cluster there is one to each node. */
const OF_ONE_NODE: ReadonlyMap<string, string> = new Map([
  ...["select", "auth", "hello", "reset"].map((name) => [name, "as options"] as const),
  ...["watch", "unwatch"].map((name) => [name, "by a script"] as const),
  ...["readonly", "readwrite", "asking"].map((name) => [name, "by the client itself"] as const),
  ...["monitor", "wait", "waitaof", "sync", "psync"].map(
    (name) => [name, "on one of its nodes"] as const,
  ),
]);

/** Why a cluster's client refuses a command; nothing where it does not. */
export function refusalOnCluster(name: string): string | undefined {
  const way = OF_ONE_NODE.get(name);
  if (way === undefined) return undefined;
  return `${name.toUpperCase()} is of one connection: on a cluster this is done ${way}`;
}

const MAY_BLOCK = new Set(["xread", "xreadgroup"]);

/** Names of commands that are never sent over the shared connection without a closer look. */
export const EXCEPTIONS: ReadonlySet<string> = new Set([...OWN, ...PINS, ...MAY_BLOCK, "quit"]);

export function needOf(name: string, args: Command["args"]): Need {
  if (!EXCEPTIONS.has(name)) return "shared";
  if (PINS.has(name)) return "pins";
  if (MAY_BLOCK.has(name)) return args.some(isBlock) ? "own" : "shared";
  return OWN.has(name) ? "own" : "shared";
}

function isBlock(argument: unknown): boolean {
  if (typeof argument === "string") return argument.toLowerCase() === "block";
  return argument instanceof Uint8Array && argument.length === 5 && isBlock(String(argument));
}

const IN_SUBSCRIBER_MODE = new Set(
  "subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe ping quit".split(" "),
);

/** Whether a connection of RESP 2 that has subscriptions takes the command. */
export function inSubscriberMode(name: string): boolean {
  return IN_SUBSCRIBER_MODE.has(name);
}

/** With one of these, ioredis does something to every command. */
const DETOURS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["keyPrefix", Boolean],
  ["enableAutoPipelining", Boolean],
  ["stringNumbers", Boolean],
  ["showFriendlyErrorStack", Boolean],
  ["enableOfflineQueue", (value) => value === false],
]);

/**
 * Tells whether every command takes the detour over ioredis, now and whenever one of these options
 * is changed: to ask them for each command would take longer than the command.
 */
export function watchDetours(options: RedisOptions, told: (isDetoured: boolean) => void): void {
  const values = new Map(Object.entries(options).filter(([name]) => DETOURS.has(name)));
  const tell = (): void => {
    told([...DETOURS].some(([name, isOne]) => isOne(values.get(name))));
  };
  for (const name of DETOURS.keys()) {
    Object.defineProperty(options, name, {
      configurable: true,
      enumerable: true,
      get: () => values.get(name) as unknown,
      set(value: unknown) {
        values.set(name, value);
        tell();
      },
    });
  }
  tell();
}
