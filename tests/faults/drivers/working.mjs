// What every Node driver does: orders from stdin, work in loops, a line for each operation.
// See the README of this folder's parent for the lines.
import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Nanoseconds for which each thread of this process could have run, and had no processor. */
function waits() {
  const found = new Map();
  try {
    for (const task of readdirSync("/proc/self/task")) {
      const text = readFileSync(`/proc/self/task/${task}/schedstat`, "utf8");
      found.set(task, Number(text.split(" ")[1]));
    }
  } catch {
    // A thread has just ended, or this system does not tell: what is missing is not subtracted.
  }
  return found;
}

/** Milliseconds of that since then, of the threads that are still there. */
function waitedMs(before) {
  let waited = 0;
  for (const [task, since] of waits()) waited += since - (before.get(task) ?? 0);
  return waited / 1e6;
}

/**
 * Whether this is what such a command answers. A value is the one that was set before it, where
 * that is known.
 */
function fits(op, number, reply) {
  if (op === "INCR") return Number.isInteger(reply) && reply > 0;
  if (op === "SET") return reply === "OK";
  return number === undefined || reply === String(number);
}

class Work {
  #client;
  #order;
  #stopped = false;
  #workers;

  constructor(client, order) {
    this.#client = client;
    this.#order = order;
    this.#workers = Array.from({ length: order.workers }, (_, worker) => this.#work(worker));
  }

  async stop() {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #work(worker) {
    const { prefix, pause_ms: pauseMs = 5 } = this.#order;
    const counter = `${prefix}:n:${worker}`;
    const key = `${prefix}:k:${worker}`;
    for (let number = 1; !this.#stopped; number += 1) {
      await this.#timed(worker, undefined, "INCR", counter);
      const isSet = await this.#timed(worker, undefined, "SET", key, String(number));
      await this.#timed(worker, isSet ? number : undefined, "GET", key);
      await wait(pauseMs);
    }
  }

  async #timed(worker, number, op, ...args) {
    const before = waits();
    const began = performance.now();
    let outcome;
    try {
      const reply = await this.#client.call(op, ...args);
      outcome = fits(op, number, reply) ? "ok" : "wrong_reply";
    } catch (error) {
      outcome = error.code ?? error.name;
    }
    const took = performance.now() - began;
    tell({ op, worker, took_ms: took, waited_ms: waitedMs(before), outcome });
    return outcome === "ok";
  }
}

/** Obeys until stdin ends. The client has `call`, `status`, `log` and `close`. */
export async function drive(makeClient) {
  let client;
  let work;
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const answer = { answer: order.do };
    switch (order.do) {
      case "open":
        try {
          client = await makeClient(order.url);
          work = new Work(client, order);
        } catch (error) {
          answer.error = String(error.message);
        }
        break;
      case "status":
        answer.status = client.status();
        break;
      case "stop":
        await work.stop();
        break;
      case "close":
        await client.close();
        answer.log = client.log();
    }
    tell(answer);
  }
}
