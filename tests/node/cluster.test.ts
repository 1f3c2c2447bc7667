/** A real cluster: by its URL, by ioredis' `Cluster`, with masters that are killed and slots that move. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Queue, Worker } from "bullmq";
import type { QueueOptions } from "bullmq";
import { Cluster as StockCluster } from "ioredis";
import outlast, { Cluster, Redis } from "outlast";
import type { ClusterOptions, RedisOptions } from "outlast";
import { health } from "outlast/health";
import { createCluster } from "outlast/node-redis";
import { causeOutage } from "outlast/testing";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { expect, expectTypeOf, onTestFinished, test, vi } from "vitest";

import { Nodes, keyIn, oneInEach, slotOf } from "./cluster.ts";
import { eventually, program, rejection, thrown } from "./helpers.ts";

const quick = {
  profile: "production",
  logger: false,
  serverDelayMs: 20,
  serverDelayMsMax: 100,
  jitterPercent: 0,
  connectTimeoutMs: 1_000,
} as const satisfies RedisOptions;

const CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot";

const [one, two, three] = oneInEach("same");
const tag = `{${one}}`;

function byUrl(nodes: Nodes, options: RedisOptions = {}): Redis {
  const redis = new Redis(nodes.url, { ...quick, ...options });
  onTestFinished(() => redis.disconnect());
  return redis;
}

function ours(nodes: Nodes, options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster(nodes.places, { ...quick, ...options });
  onTestFinished(() => cluster.disconnect());
  return cluster;
}

/** Whether a call ends before anything but promises is run. */
async function inTheSameTick<T>(call: () => Promise<T>): Promise<T> {
  let isLater = false;
  setImmediate(() => (isLater = true));
  const value = await call();
  expect(isLater).toBe(false);
  return value;
}

const isAway = (client: Redis | Cluster): boolean => client.getStatus().mode === "degraded";
const isBack = (client: Redis | Cluster): boolean => client.getStatus().mode === "connected";

test("a cluster by its URL", async () => {
  const nodes = await Nodes.start();
  const redis = byUrl(nodes);
  const keys = oneInEach("url");
  await Promise.all(keys.map((key, at) => redis.set(key, at)));
  expect(await Promise.all([0, 1, 2].map((at) => nodes.read(at, keys[at] as string)))).toEqual([
    "0",
    "1",
    "2",
  ]);
  expect(await redis.mget(...keys, "none")).toEqual(["0", "1", "2", null]);
  expect(await redis.dbsize()).toBe(3);
  const replies = await redis.pipeline().incr(keys[2]).incr(keys[0]).get(keys[1]).exec();
  expect(replies).toEqual([
    [null, 3],
    [null, 1],
    [null, "1"],
  ]);
  expect((await rejection(redis.sinter(...keys))).message).toBe(CROSS_SLOT);
  expect(await redis.multi().incr(`{${keys[1]}}a`).incr(`{${keys[1]}}b`).exec()).toEqual([
    [null, 1],
    [null, 1],
  ]);
  expect((await rejection(redis.multi().incr(keys[0]).incr(keys[1]).exec())).message).toBe(
    CROSS_SLOT,
  );
  const status = redis.getStatus();
  expect(status.endpoint).toBe(nodes.url);
  expect(status.shards.map(({ mode }) => mode)).toEqual(["connected", "connected", "connected"]);
  const copy = redis.duplicate();
  onTestFinished(() => copy.disconnect());
  expect(await copy.get(keys[1])).toBe("1");
  expect(await redis.quit()).toBe("OK");
  expect(redis.status).toBe("end");
});

test("what needs connections of its own has them", async () => {
  const nodes = await Nodes.start();
  const redis = byUrl(nodes);
  const [list, other] = oneInEach("list");
  const heard: unknown[] = [];
  redis.on("message", (...values) => heard.push(values));
  expect(await redis.subscribe("news")).toBe(1);
  // On a cluster another connection has the subscriptions.
  await redis.publish("news", "hello");
  await eventually("it is heard", () => heard.length > 0);
  expect(heard).toEqual([["news", "hello"]]);
  const popped = [redis.blpop(list, 5), redis.blpop(other, 5)];
  await redis.rpush(list, "a");
  await redis.rpush(other, "b");
  expect(await Promise.all(popped)).toEqual([
    [list, "a"],
    [other, "b"],
  ]);
  await redis.multi({ pipeline: false });
  expect(await redis.set(`{${list}}`, 1)).toBe("QUEUED");
  expect(await redis.exec()).toEqual([[null, "OK"]]);
  for (const call of [() => redis.watch(list), () => redis.auth("x"), () => redis.wait(1, 1)]) {
    expect(await rejection(call())).toMatchObject({ code: "invalid_argument" });
  }
  expect(await redis.get(`{${list}}`)).toBe("1");
});

test("subscriptions of shards, and connections that are given up", async () => {
  const nodes = await Nodes.start();
  const cluster = ours(nodes, { shardedSubscribers: true });
  const heard: unknown[] = [];
  cluster.on("smessage", (channel, message) => heard.push([channel, message]));
  await cluster.ssubscribe(one);
  await eventually("it is heard", async () => {
    await cluster.spublish(one, "hello");
    return heard.length > 0;
  });
  expect(heard[0]).toEqual([one, "hello"]);
  const told: string[] = [];
  for (const name of ["close", "ready"]) cluster.on(name, () => told.push(name));
  const { dials } = cluster.getStatus();
  cluster.disconnect(true);
  await eventually("it is back", () => told.includes("ready"));
  expect(told).toEqual(["close", "ready"]);
  await eventually("all shards are", () => isBack(cluster));
  expect(cluster.getStatus().dials).toBeGreaterThanOrEqual(dials + 3);
});

test("a master is killed: its keys are in memory, others on Redis, and come back once", async () => {
  const nodes = await Nodes.start({ replicas: true });
  const cluster = ours(nodes);
  const told: string[] = [];
  for (const name of ["connect", "ready", "close", "end", "degraded", "recovered"]) {
    cluster.on(name, () => told.push(name));
  }
  cluster.on("node error", (error, key) => told.push(`${error.name} ${key}`));
  const keys = oneInEach("fate");
  const counters = oneInEach("count");
  await Promise.all(keys.map((key) => cluster.set(key, "before")));
  // 50 callers count, each after the last reply: on the first shard not while its master dies, for Redis itself loses
  // what had not reached the replica.
  const counted = [0, 0, 0];
  let [first, isOver] = [1, false];
  const count = async (caller: number): Promise<void> => {
    for (let turn = caller; !isOver; turn += 1) {
      const at = first + (turn % (3 - first));
      await cluster.incr(counters[at] as string);
      counted[at] = (counted[at] ?? 0) + 1;
    }
  };
  const callers = Array.from({ length: 50 }, (_, caller) => count(caller));
  await cluster.incrby(counters[0], 1_000);
  await eventually("they count", () => Math.min(...counted.slice(1)) > 100);
  await eventually("the replica has all", () => nodes.isReplicated(0));
  await nodes.server(0).kill();
  await eventually("it is noticed", () => isAway(cluster));
  expect(await inTheSameTick(() => cluster.get(keys[0]))).toBe("before");
  expect(await inTheSameTick(() => cluster.set(keys[0], "during"))).toBe("OK");
  expect(await cluster.mget(...keys)).toEqual(["during", "before", "before"]);
  expect(await cluster.set(keys[1], "on Redis")).toBe("OK");
  expect(await nodes.read(1, keys[1])).toBe("on Redis");
  // What asks by keys asks for their shard.
  const counter = async (key: string) => (await cluster.rateLimited(key, 9, 60)).counted_by;
  expect(await counter(keyIn(0, "limit"))).toBe("process");
  expect(await counter(keyIn(1, "limit"))).toBe("redis");
  expect(cluster.status).toBe("ready");
  const gone = `127.0.0.1:${nodes.server(0).port}`;
  await eventually("the node's error is told", () => told.length === 4);
  expect(told.slice(0, 2)).toEqual(["connect", "ready"]);
  expect(told.slice(2).sort()).toEqual([`RedisUnavailable ${gone}`, "degraded"]);
  first = 0;
  await eventually("they count in memory", () => (counted[0] ?? 0) > 1_000);
  await nodes.promoted(0);
  await eventually("all is on Redis", () => isBack(cluster));
  const before = [...counted];
  await eventually("they count on Redis", () => counted.every((n, at) => n > (before[at] ?? 0)));
  isOver = true;
  await Promise.all(callers);
  expect(await nodes.read(3, keys[0])).toBe("during");
  const held = await Promise.all(
    [3, 1, 2].map((at, third) => nodes.read(at, counters[third] as string)),
  );
  // None lost, none counted twice.
  expect(held.map(Number)).toEqual([1_000 + (counted[0] ?? 0), counted[1], counted[2]]);
  expect(told.at(-1)).toBe("recovered");
  expect(cluster.nodes("master").map(({ options }) => options.port)).toContain(
    nodes.server(3).port,
  );
});

/** With a command that the test defines. */
interface Bumping {
  bump(key: string, argument: string): Promise<unknown>;
  multi(): { bump: Bumped };
  pipeline(): { bump: Bumped };
}

type Bumped = (key: string, argument: string) => { exec(): Promise<unknown> };

type Steps = (cluster: StockCluster) => Promise<unknown>;

const STEPS: Record<string, Steps> = {
  "commands of single keys": async (cluster) => [
    await cluster.set(one, "1"),
    await cluster.incrby(one, 4),
    await cluster.hset(two, { a: 1, b: "x" }),
    await cluster.hgetall(two),
    await cluster.getBuffer(one),
    await cluster.call("GET", one),
    await cluster.callBuffer("GET", one),
    await rejection(cluster.hget(one, "f")).then(({ message }) => message),
  ],
  "a pipeline": async (cluster) =>
    cluster
      .pipeline()
      .set(`${tag}a`, 1)
      .incr(`${tag}a`)
      .get(`${tag}a`)
      .lpush(`${tag}a`, 1)
      .exec()
      .then((replies) => replies?.map(([error, reply]) => [error?.message, reply])),
  "a transaction": async (cluster) => [
    await cluster.multi().set(`${tag}t`, 1).incr(`${tag}t`).exec(),
    await cluster
      .multi([
        ["incr", `${tag}t`],
        ["get", `${tag}t`],
      ])
      .exec(),
  ],
  callbacks: async (cluster) => [
    await new Promise((resolve) => void cluster.set(three, "v", (...told) => resolve(told))),
    await new Promise((resolve) => void cluster.get(three, (...told) => resolve(told))),
    await new Promise(
      (resolve) =>
        void cluster
          .pipeline()
          .get(three)
          .exec((...told) => resolve(told)),
    ),
  ],
  "scripts of its own": async (cluster) => {
    const lua = "return { KEYS[1], ARGV[1], redis.call('INCR', KEYS[1]) }";
    cluster.defineCommand("bump", { numberOfKeys: 1, lua });
    const bumping = cluster as unknown as Bumping;
    return [
      await bumping.bump(one, "x"),
      await bumping.bump(two, "x"),
      await bumping.bump(two, "x"),
      // The node of this key has not seen the script.
      await bumping.multi().bump(three, "x").exec(),
      await bumping.pipeline().bump(three, "x").exec(),
      await cluster.eval(lua, 1, two, "y"),
    ];
  },
  streams: async (cluster) => {
    await cluster.sadd(two, "m", "n");
    const found: string[] = [];
    for await (const members of cluster.sscanStream(two)) found.push(...(members as string[]));
    return found.sort();
  },
  "nodes, one by one": async (cluster) => {
    const masters = cluster.nodes("master");
    await Promise.all(masters.map((node) => node.flushall()));
    return [
      masters.length,
      cluster.nodes("slave").length,
      (await Promise.all(masters.map((node) => node.dbsize()))).join(),
      thrown(() => cluster.nodes("none" as "all")).message,
    ];
  },
  "what it says of itself": async (cluster) => [
    cluster.isCluster,
    cluster.status,
    cluster.slots.length,
    cluster.slots[slotOf(one)]?.length,
    cluster.options.scaleReads,
    cluster instanceof StockCluster,
    ...(await Promise.all([cluster.quit(), once(cluster, "end")])),
    cluster.status,
  ],
};

test.each(Object.keys(STEPS))("as ioredis: %s", async (name) => {
  const nodes = await Nodes.start();
  const found: unknown[] = [];
  for (const made of [() => new StockCluster(nodes.places), () => ours(nodes)]) {
    const cluster = made();
    onTestFinished(() => cluster.disconnect());
    await once(cluster, "ready");
    found.push(await STEPS[name]?.(cluster));
    for (const at of [0, 1, 2]) {
      for (const command of [["FLUSHALL"], ["SCRIPT", "FLUSH"]]) {
        await nodes.server(at).cli(...command);
      }
    }
  }
  expect(found[1]).toEqual(found[0]);
});

test("options of ioredis are honoured, or refused by name", async () => {
  vi.stubEnv("REDISCLI_AUTH", "kept");
  onTestFinished(() => void vi.unstubAllEnvs());
  const nodes = await Nodes.start({ options: ["--requirepass", "kept"] });
  const redisOptions = { password: "kept", keyPrefix: "app:" };
  const scripts = { bump: { numberOfKeys: 1, lua: "return redis.call('INCR', KEYS[1])" } };
  const url = `redis://:kept@127.0.0.1:${nodes.server(0).port}`;
  const all = { redisOptions, scripts, maxRedirections: 7, slotsRefreshInterval: 500 };
  const delays = { retryDelayOnFailover: 50, retryDelayOnMoved: 0, slotsRefreshTimeout: 900 };
  const cluster = new Cluster([url, nodes.server(1).port], {
    ...quick,
    ...all,
    ...delays,
    enableReadyCheck: true,
    dnsLookup: (address, callback) => callback(null, address),
    natMap: {},
  });
  onTestFinished(() => cluster.disconnect());
  expect(await (cluster as unknown as { bump(key: string): Promise<number> }).bump(one)).toBe(1);
  expect(await nodes.server(0).cli("-c", "GET", `app:${one}`)).toMatch(/1$/);
  expect(await cluster.nodes("master")[0]?.ping()).toBe("PONG");
  expect(JSON.stringify([cluster.getStatus(), cluster])).not.toContain("kept");
  const refused: [ClusterOptions | Record<string, unknown>, string][] = [
    [{ natMap: { "10.0.0.1:1": { host: "h", port: 1 } } }, "natMap"],
    [{ scaleReads: "all" }, 'scaleReads "all": allowed is "master" or "slave"'],
    [{ scaleReads: () => [] }, "scaleReads"],
    [{ useSRVRecords: true }, "useSRVRecords"],
    [
      { dnsLookup: (_name: string, callback: Function) => callback(null, "127.0.0.1") },
      "dnsLookup",
    ],
    [{ maxRedirections: -1 }, "cluster_redirects_max"],
    [{ retryDelayOnFailover: "soon" }, "retryDelayOnFailover"],
    [{ redisOptions: { db: 3 } }, 'database "3": allowed is 0'],
    [{ redisOptions: { replyMapping: "resp3" } }, "replyMapping"],
    [{ nonsense: 1 }, "nonsense"],
  ];
  for (const [options, words] of refused) {
    const error = thrown(() => new Cluster([{ host: "a.example", port: 1 }], options));
    expect(error).toMatchObject({ code: "invalid_option" });
    expect(error.message).toContain(words);
  }
  for (const places of [[], ["redis://:a@h", "redis://:b@h"], ["re dis://:planted@"]]) {
    const error = thrown(() => new Cluster(places));
    expect(error.message).toContain("startupNodes");
    expect(error.message).not.toContain("planted");
  }
  expect(outlast.Cluster).toBe(Cluster);
  expectTypeOf(new outlast.Cluster(nodes.places, { lazyConnect: true })).toEqualTypeOf<Cluster>();
});

test("replicas are read from where the program says so", async () => {
  const nodes = await Nodes.start({ replicas: true });
  const cluster = ours(nodes, { scaleReads: "slave" });
  await cluster.set(one, "v");
  await eventually("the replica has it", () => nodes.isReplicated(0));
  // Until there is a connection to the replica the master is asked.
  await eventually("the replica is asked", async () => {
    expect(await cluster.get(one)).toBe("v");
    return (await nodes.server(3).cli("INFO", "commandstats")).includes("cmdstat_get:");
  });
  expect(
    cluster
      .nodes("slave")
      .map(({ options }) => options.port)
      .sort(),
  ).toEqual([3, 4, 5].map((at) => nodes.server(at).port).sort());
});

test("slots move to another node while callers count", async () => {
  const nodes = await Nodes.start();
  const cluster = ours(nodes);
  const key = keyIn(0, "moving");
  const slot = String(slotOf(key));
  let [counted, isOver] = [0, false];
  const count = async (): Promise<void> => {
    while (!isOver) {
      await cluster.incr(key);
      counted += 1;
    }
  };
  const callers = Array.from({ length: 10 }, count);
  await eventually("they count", () => counted > 100);
  const [from, to] = [nodes.server(0), nodes.server(1)];
  await to.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", nodes.ids[0] as string);
  await from.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", nodes.ids[1] as string);
  await from.cli("MIGRATE", "127.0.0.1", String(to.port), key, "0", "5000");
  for (const at of [1, 0, 2]) {
    await nodes.server(at).cli("CLUSTER", "SETSLOT", slot, "NODE", nodes.ids[1] as string);
  }
  const before = counted;
  await eventually("they count there", () => counted > before + 100);
  isOver = true;
  await Promise.all(callers);
  expect(await nodes.read(1, key)).toBe(String(counted));
  expect(cluster.getStatus().redirects).toBeGreaterThan(0);
  expect(isBack(cluster)).toBe(true);
});

test("outages on demand, figures, dead letters, incidents and probes", async () => {
  const nodes = await Nodes.start();
  const cluster = ours(nodes, { rules: [["lock:*", "lock"]], incidentMergeMs: 0 });
  const server = createServer(health(cluster)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/outlast`;
  const incidents: (string | undefined)[] = [];
  cluster.on("incident", (_incident, entry) => incidents.push(entry));
  const keys = oneInEach("drill");
  await cluster.set(keys[0], 0);
  await cluster.del(keys[0]);
  const outage = await causeOutage(cluster, "refused");
  expect(cluster.getStatus()).toMatchObject({
    mode: "degraded",
    last_failure_type: "connection_refused",
  });
  for (const key of keys) {
    expect(await inTheSameTick(() => cluster.rpush(key, "a"))).toBe(1);
  }
  expect(await cluster.rateLimited(keys[1], 10, 60)).toMatchObject({ counted_by: "process" });
  expect(await rejection(cluster.set("lock:1", "me", "NX"))).toMatchObject({
    code: "redis_unavailable",
  });
  expect((await fetch(`${at}/livez`)).status).toBe(200);
  // Another program makes it a list of its own: what was pushed meanwhile is refused.
  await nodes.server(2).cli("SET", keys[2], "text");
  await outage.end();
  await eventually("all is on Redis", () => isBack(cluster));
  expect(await nodes.server(1).cli("LRANGE", keys[1], "0", "-1")).toBe("a");
  const status = (await (await fetch(`${at}/status`)).json()) as { status?: unknown };
  expect(JSON.stringify(status)).toContain("shards");
  expect(await (await fetch(`${at}/metrics`)).text()).toContain("outlast_");
  expect(cluster.metrics()).toContain("outlast_");
  await eventually(
    "incidents are over",
    () => incidents.filter((entry) => entry !== undefined).length > 0,
  );
  expect(cluster.deadLetters().map(({ key }) => String(key))).toEqual([keys[2]]);
  expect(await cluster.rateLimited(keys[1] + "r", 10, 60)).toMatchObject({ counted_by: "redis" });
});

test("signals, scopes and events that are heard late", async () => {
  const nodes = await Nodes.start();
  const closed: string[] = [];
  {
    await using cluster = ours(nodes);
    cluster.on("end", () => closed.push("end"));
    const controller = new AbortController();
    const aborted = cluster.withAbortSignal(controller.signal).get(one);
    controller.abort(new Error("enough"));
    expect((await rejection(aborted)).message).toBe("enough");
    expect(await cluster.cached(one, 60, async () => 7)).toBe(7);
    await cluster.mset({ [one]: 1, [two]: 2, [three]: 3 });
    const found: string[] = [];
    for await (const keys of cluster.scanStream()) found.push(...(keys as string[]));
    expect(found.sort()).toEqual([one, two, three].sort());
    const copy = cluster.duplicate([], { keyPrefix: "p:" });
    onTestFinished(() => copy.disconnect());
    await copy.set(one, "copied");
    expect(await cluster.get(`p:${one}`)).toBe("copied");
  }
  expect(closed).toEqual(["end"]);
});

test("a process ends when it is idle, says nothing, and leaves nothing unhandled", async () => {
  const nodes = await Nodes.start();
  const places = JSON.stringify(nodes.places);
  const start = `import { Cluster } from "outlast";
    const cluster = new Cluster(${places}, { profile: "production", logger: false });`;
  const idle = await program(`${start} cluster.unref(); console.log(await cluster.set("k", "v"));`);
  expect(idle).toEqual({ code: 0, signal: null, stdout: "OK\n", stderr: "" });
  const closed = await program(`${start}
    await cluster.ping();
    for (let n = 0; n < 100; n++) cluster.incr("n" + n);
    cluster.get(undefined);
    cluster.multi().incr("a").incr("b").exec();
    cluster.disconnect();
    await new Promise((resolve) => cluster.on("end", resolve));
    cluster.get("k");
    console.log("ended");`);
  expect(closed).toEqual({ code: 0, signal: null, stdout: "ended\n", stderr: "" });
  const quit = await program(`${start}
    const replies = Array.from({ length: 100 }, (_, n) => cluster.incr("n" + n));
    console.log(await cluster.quit(), (await Promise.all(replies)).length);`);
  expect(quit).toEqual({ code: 0, signal: null, stdout: "OK 100\n", stderr: "" });
});

test("node-redis' createCluster", async () => {
  const nodes = await Nodes.start();
  const rootNodes = nodes.places.map((socket) => ({ socket }));
  const cluster = createCluster({ rootNodes, defaults: quick });
  onTestFinished(() => cluster.destroy());
  await cluster.connect();
  expect(await cluster.set(one, "1")).toBe("OK");
  expect(await cluster.get(one)).toBe("1");
  expect(await cluster.hSet(two, { a: "1" })).toBe(1);
  expect(await cluster.hGetAll(two)).toEqual({ a: "1" });
  expect(await cluster.multi().incr(one).get(one).exec()).toEqual([2, "2"]);
  expect(await cluster.sendCommand(one, true, ["GET", one])).toBe("2");
  expect(cluster.getStatus().shards).toHaveLength(3);
  await cluster.close();
  const wrong = { rootNodes, nodeAddressMap: {} } as unknown as Parameters<typeof createCluster>[0];
  expect(thrown(() => createCluster(wrong)).message).toContain("nodeAddressMap");
});

test("rate-limiter-flexible counts on a cluster, and from memory", async () => {
  const nodes = await Nodes.start();
  const cluster = ours(nodes);
  const limiter = new RateLimiterRedis({ storeClient: cluster, points: 3, duration: 60 });
  const remaining = async (key: string): Promise<number> =>
    (await limiter.consume(key)).remainingPoints;
  expect(await Promise.all(["a", "b", "c"].map(remaining))).toEqual([2, 2, 2]);
  await nodes.server(0).kill();
  await eventually("it is noticed", () => isAway(cluster));
  expect(await Promise.all(["a", "b", "c"].map(remaining))).toEqual([1, 1, 1]);
});

test("BullMQ on a cluster, with its keys in one slot", async () => {
  const nodes = await Nodes.start();
  const connection = ours(nodes) as unknown as QueueOptions["connection"];
  const [done, errors]: [unknown[], string[]] = [[], []];
  const options = { connection, prefix: "{q}" };
  const queue = new Queue("work", options);
  const worker = new Worker("work", async (job) => void done.push(job.data), options);
  const note = ({ message }: Error): unknown => errors.push(message);
  for (const each of [queue, worker] as Queue[]) each.on("error", note);
  try {
    await queue.addBulk([1, 2, 3].map((data) => ({ name: "job", data })));
    await eventually("all is done", () => done.length === 3);
    expect(done).toEqual([1, 2, 3]);
  } finally {
    await worker.close();
    await queue.close();
  }
  expect(errors).toEqual([]);
});
