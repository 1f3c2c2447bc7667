#!/usr/bin/env node
// Runs workloads for one Node client in this process, and prints a JSON object for each.
//
//   node_worker.mjs --list
//   node_worker.mjs --client ioredis --peers DIR --port 6379 --workloads get16_seq,get16_c50
//
// The same loop, clock and counters measure every client. `cpu_us` is user and system time of the
// whole process, all threads, for each command: what stays meaningful on a busy machine.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

import { clientsOf } from "./node_clients.mjs";

const BATCH = 100;
const KEYS = { 16: "bench:16", 1024: "bench:1k" };
const VALUES = { 16: "v".repeat(16), 1024: "v".repeat(1024) };
const KEY_SET = "bench:set";
const LATENCIES_MAX = 1 << 22;

const WORKLOADS = {
  get16_seq: { operation: "get", size: 16, tasks: 1 },
  set16_seq: { operation: "set", size: 16, tasks: 1 },
  get1k_seq: { operation: "get", size: 1024, tasks: 1 },
  set1k_seq: { operation: "set", size: 1024, tasks: 1 },
  get16_c50: { operation: "get", size: 16, tasks: 50 },
  set16_c50: { operation: "set", size: 16, tasks: 50 },
  get1k_c50: { operation: "get", size: 1024, tasks: 50 },
  set1k_c50: { operation: "set", size: 1024, tasks: 50 },
  get16_burst100: { operation: "burst", size: 16, tasks: 1 },
  get16_pipe100: { operation: "mget", size: 16, tasks: 1 },
  get1k_pipe100: { operation: "mget", size: 1024, tasks: 1 },
  degraded_get: { operation: "degradedGet", size: 16, tasks: 1 },
  degraded_set: { operation: "degradedSet", size: 16, tasks: 1 },
};

const { values: options } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    client: { type: "string" },
    peers: { type: "string", default: "." },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "6379" },
    "absent-port": { type: "string", default: "1" },
    seconds: { type: "string", default: "0.3" },
    warmup: { type: "string", default: "0.1" },
    prime: { type: "string", default: "0.5" },
    workloads: { type: "string", default: Object.keys(WORKLOADS).join() },
  },
});

await main();

async function main() {
  const known = clientsOf(options.peers);
  if (options.list) {
    const clients = known.map(({ name, version }) => [name, version !== undefined]);
    const workloads = Object.keys(WORKLOADS);
    console.log(JSON.stringify({ clients: Object.fromEntries(clients), workloads }));
    return;
  }
  const client = known.find(({ name }) => name === options.client);
  if (client === undefined) throw new Error(`unknown client ${options.client}`);
  const { host, port, "absent-port": absentPort } = options;
  const calls = await client.open({ host, port: Number(port), absentPort: Number(absentPort) });
  for (const size of [16, 1024]) {
    await calls.set(KEYS[size], VALUES[size]);
    check(await calls.get(KEYS[size]), size);
  }
  await prime(calls);
  for (const name of options.workloads.split(",")) await run(client, calls, name);
  await calls.close();
  // A client that keeps the process alive is not what is measured.
  setTimeout(() => process.exit(0), 200).unref();
}

/** Lets the compiler settle before the first workload. Not measured. */
async function prime(calls) {
  const end = performance.now() + Number(options.prime) * 1e3;
  const keys = new Array(BATCH).fill(KEYS[16]);
  const task = async () => {
    while (performance.now() < end) {
      for (let i = 0; i < 20; i += 1) {
        await calls.get(KEYS[16]);
        await calls.set(KEY_SET, VALUES[1024]);
      }
      await calls.mget?.(keys);
    }
  };
  await Promise.all(Array.from({ length: 20 }, task));
}

/** Runs a workload and prints its result; nothing is printed where it makes no sense. */
async function run(client, calls, name) {
  const { operation, size, tasks } = WORKLOADS[name];
  const told = { language: "node", client: client.name, version: client.version, workload: name };
  if (client.notYet?.includes(operation)) {
    console.log(JSON.stringify({ ...told, not_yet: true }));
    return;
  }
  if (operation !== "burst" && calls[operation] === undefined) return;
  const { call, commands } = await prepare(calls, operation, size);
  await measure(call, tasks, Number(options.warmup) * 1e3);
  const cpuBefore = cpuSeconds();
  const started = performance.now();
  const { latencies, count } = await measure(call, tasks, Number(options.seconds) * 1e3);
  const elapsed = (performance.now() - started) / 1e3;
  const cpu = cpuSeconds() - cpuBefore;
  calls.confirm?.();
  check(await calls.get(KEYS[16]), 16);
  console.log(JSON.stringify({ ...told, ...figures(latencies, count * commands, elapsed, cpu) }));
}

/** What is called again and again, and how many commands that is. */
async function prepare(calls, operation, size) {
  const key = KEYS[size];
  const value = VALUES[size];
  switch (operation) {
    case "get":
      return { call: () => calls.get(key), commands: 1 };
    case "set":
      return { call: () => calls.set(KEY_SET, value), commands: 1 };
    case "burst":
      return { call: () => Promise.all(repeated(() => calls.get(key))), commands: BATCH };
    case "mget": {
      const keys = new Array(BATCH).fill(key);
      const replies = await calls.mget(keys);
      if (replies.length !== BATCH) throw new Error("wrong number of replies");
      check(replies[BATCH - 1], size);
      return { call: () => calls.mget(keys), commands: BATCH };
    }
    default:
      return degraded(calls, operation, key, value);
  }
}

/** Degraded calls take less time than reading the clock: a hundred for each reading. */
async function degraded(calls, operation, key, value) {
  await calls.degradedSet(key, value);
  check(await calls.degradedGet(key), value.length);
  const one =
    operation === "degradedGet"
      ? () => calls.degradedGet(key)
      : () => calls.degradedSet(key, value);
  const call = async () => {
    for (let i = 0; i < BATCH; i += 1) await one();
  };
  return { call, commands: BATCH };
}

function repeated(call) {
  const promises = new Array(BATCH);
  for (let i = 0; i < BATCH; i += 1) promises[i] = call();
  return promises;
}

/** So many tasks call until the time is over; how long each call took, in milliseconds. */
async function measure(call, tasks, milliseconds) {
  const latencies = new Float64Array(LATENCIES_MAX);
  let count = 0;
  const end = performance.now() + milliseconds;
  const task = async () => {
    let before = performance.now();
    while (before < end) {
      await call();
      const after = performance.now();
      if (count < LATENCIES_MAX) latencies[count] = after - before;
      count += 1;
      before = after;
    }
  };
  await Promise.all(Array.from({ length: tasks }, task));
  return { latencies: latencies.subarray(0, Math.min(count, LATENCIES_MAX)), count };
}

/** The result of a workload. */
function figures(latencies, operations, elapsed, cpu) {
  latencies.sort();
  const last = latencies.length - 1;
  const at = (share) => latencies[Math.min(last, Math.floor(latencies.length * share))] * 1e3;
  return {
    ops: operations,
    ops_s: rounded(operations / elapsed, 1),
    p50_us: rounded(at(0.5), 2),
    p99_us: rounded(at(0.99), 2),
    cpu_us: rounded((cpu / operations) * 1e6, 4),
  };
}

function rounded(number, digits) {
  return Number(number.toFixed(digits));
}

/** What this process has used so far, with all its threads. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Refuses a reply that is not the value. */
function check(reply, size) {
  if (reply?.length !== size) throw new Error(`wrong reply: ${reply}`);
}
