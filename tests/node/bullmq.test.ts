/** BullMQ's queues, whose scripts are among the largest: the same jobs on both sides. */

import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from "bullmq";
import type { Job, QueueOptions } from "bullmq";
import { expect, test } from "vitest";

import { compare } from "./compare.ts";
import { eventually } from "./helpers.ts";

/** Whatever is opened here is closed, the last first. */
async function opened<T>(
  port: number,
  steps: (
    open: <C extends { close(): Promise<unknown> }>(make: (options: QueueOptions) => C) => C,
  ) => Promise<T>,
): Promise<T> {
  const closing: { close(): Promise<unknown> }[] = [];
  const connection = { host: "127.0.0.1", port };
  try {
    return await steps((make) => {
      const made = make({ connection, prefix: "q" });
      closing.unshift(made);
      return made;
    });
  } finally {
    for (const each of closing) await each.close();
  }
}

/** Names and types of keys: jobs hold the time and a token of their own. Some keys come and go. */
const shapes = (kept: Record<string, unknown>): string[][] =>
  Object.entries(kept)
    .map(([key, value]) => [key, (value as { type: string }).type])
    .filter(([key]) => !/:(limiter|marker|stalled|stalled-check)$/.test(key ?? ""));

const told = async (job: Job): Promise<unknown> => {
  const state = await job.getState();
  return [job.id, job.name, state, job.attemptsMade, job.returnvalue, job.failedReason];
};

test("jobs are added, counted, moved and removed alike", async () => {
  const answers = await compare(
    (port) =>
      opened(port, async (open) => {
        const queue = open((options) => new Queue("idle", options));
        const found: unknown[] = [];
        const first = await queue.add("first", { n: 1 });
        await queue.add("urgent", {}, { lifo: true });
        await queue.addBulk([
          { name: "low", data: {}, opts: { priority: 9 } },
          { name: "high", data: {}, opts: { priority: 1 } },
          { name: "late", data: {}, opts: { delay: 3_600_000 } },
          { name: "mine", data: { a: [1, { b: null }] }, opts: { jobId: "my-id" } },
        ]);
        await queue.add("again", {}, { jobId: "my-id" });
        for (let call = 0; call < 3; call += 1) {
          found.push((await queue.add("once", {}, { deduplication: { id: "d" } })).id);
        }
        found.push(await queue.getJobCounts(), await queue.getCountsPerPriority([0, 1, 9]));
        const waiting = await queue.getJobs(["waiting", "prioritized", "delayed"], 0, -1, true);
        found.push(await Promise.all(waiting.map(told)));
        await queue.pause();
        found.push(await queue.isPaused(), await queue.getJobCounts());
        await queue.resume();
        const late = (await queue.getDelayed())[0];
        await late?.changeDelay(60_000);
        await late?.promote();
        await first.updateData({ n: 2 });
        await first.updateProgress(50);
        await first.log("a line");
        await first.changePriority({ priority: 5 });
        found.push(await queue.getJobLogs("1"), (await queue.getJob("1"))?.progress);
        found.push((await queue.getJob("my-id"))?.data, await queue.remove("my-id"));
        await queue.upsertJobScheduler("nightly", { pattern: "0 3 * * *" }, { name: "tidy" });
        await queue.upsertJobScheduler("often", { every: 86_400_000 });
        found.push((await queue.getJobSchedulers()).map(({ key, pattern }) => [key, pattern]));
        found.push(await queue.removeJobScheduler("nightly"), await queue.getJobCounts());
        await queue.drain();
        found.push(await queue.getJobCounts());
        return found;
      }),
    (kept) =>
      shapes(kept)
        .toString()
        .replaceAll(/repeat:often:\d+/g, "repeat:often"),
  );
  expect(answers[3]).toMatchObject({ waiting: 4, prioritized: 2, delayed: 1 });
});

test("a worker takes jobs in the same order, fails, retries and finishes them alike", async () => {
  const answers = await compare(
    (port) =>
      opened(port, async (open) => {
        const queue = open((options) => new Queue("busy", options));
        const events = open((options) => new QueueEvents("busy", options));
        await events.waitUntilReady();
        const order: string[] = [];
        const work = async (job: Job): Promise<unknown> => {
          order.push(`${job.name} ${job.attemptsMade}`);
          if (job.name === "flaky" && job.attemptsMade < 2) throw new Error("not yet");
          if (job.name === "hopeless") throw new UnrecoverableError("never");
          return { done: job.name };
        };
        await queue.add("plain", {});
        const low = await queue.add("low", {}, { priority: 5 });
        await queue.add("high", {}, { priority: 1 });
        const worker = open(
          (options) =>
            new Worker("busy", work, { ...options, autorun: false, metrics: { maxDataPoints: 5 } }),
        );
        worker.run().catch(() => undefined);
        await low.waitUntilFinished(events, 20_000);
        // What follows arrives at a worker that waits.
        const jobs = [await queue.add("late", {}, { delay: 100 })];
        await jobs[0]?.waitUntilFinished(events, 20_000);
        const backoff = { type: "fixed", delay: 20 };
        jobs.push(await queue.add("flaky", {}, { attempts: 3, backoff }));
        await jobs[1]?.waitUntilFinished(events, 20_000);
        const failed: unknown[] = [];
        for (const [name, attempts] of [
          ["hopeless", 3],
          ["flaky", 2],
        ] as const) {
          const job = await queue.add(name, {}, { attempts });
          failed.push(
            await job.waitUntilFinished(events, 20_000).catch((error: Error) => error.message),
          );
          jobs.push(job);
        }
        const again = (await queue.getJob(jobs[3]?.id ?? "")) as Job;
        await again.retry();
        await again.waitUntilFinished(events, 20_000);
        await eventually("nothing is active", async () => (await queue.getActiveCount()) === 0);
        const ended = await queue.getJobs(["completed", "failed"], 0, -1, true);
        const states = (await Promise.all(ended.map(told))).sort();
        const counts = await queue.getJobCounts();
        const { count } = await queue.getMetrics("completed");
        const cleaned = (await queue.clean(0, 100, "failed")).length;
        return { order, failed, states, counts, count, cleaned, after: await queue.getJobCounts() };
      }),
    shapes,
  );
  expect(answers.order.slice(0, 4)).toEqual(["plain 0", "high 0", "low 0", "late 0"]);
  expect(answers.counts).toMatchObject({ completed: 6, failed: 1 });
});

test("a flow waits for its children alike, and a limited queue is let on", async () => {
  const answers = await compare(
    (port) =>
      opened(port, async (open) => {
        const flows = open((options) => new FlowProducer(options));
        const events = open((options) => new QueueEvents("parents", options));
        await events.waitUntilReady();
        const order: string[] = [];
        const child = async (job: Job): Promise<number> => {
          order.push(job.name);
          return Number(job.name);
        };
        const sum = async (job: Job): Promise<number> =>
          Object.values(await job.getChildrenValues<number>()).reduce((all, one) => all + one, 0);
        const { job } = await flows.add({
          name: "sum",
          queueName: "parents",
          opts: { jobId: "sum" },
          children: [1, 2, 3, 4].map((number) => ({
            name: `${number}`,
            queueName: "children",
            opts: { jobId: `child-${number}` },
          })),
        });
        const before = await told(job);
        open((options) => new Worker("parents", sum, options));
        open(
          (options) =>
            new Worker("children", child, { ...options, limiter: { max: 2, duration: 100 } }),
        );
        const total = await job.waitUntilFinished(events, 20_000);
        const { processed } = await job.getDependencies();
        return { before, total, processed, order };
      }),
    shapes,
  );
  expect(answers).toMatchObject({ total: 10, order: ["1", "2", "3", "4"] });
});

test("nothing is left of an obliterated queue", async () => {
  const left = await compare((port) =>
    opened(port, async (open) => {
      const queue = open((options) => new Queue("gone", options));
      await queue.addBulk(Array.from({ length: 1_500 }, (_, n) => ({ name: "job", data: { n } })));
      const before = await queue.getJobCounts();
      await queue.obliterate();
      return before;
    }),
  );
  expect(left["waiting"]).toBe(1_500);
});
