/** Spans and metrics as OpenTelemetry's own SDK gets them, through an outage. */

import { SpanKind, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { instrument } from "outlast/opentelemetry";
import type { Metered } from "outlast/opentelemetry";
import { expect, onTestFinished, test } from "vitest";

import { Server, client, eventually, rejection } from "./helpers.ts";

/** An application's providers. */
class Telemetry {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly tracers = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.#spans)],
  });
  readonly meters = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: this.#metrics,
        exportIntervalMillis: 3_600_000,
      }),
    ],
  });
  readonly stop: () => void;

  constructor(...clients: Metered[]) {
    const { tracers: tracerProvider, meters: meterProvider } = this;
    this.stop = instrument({ clients, tracerProvider, meterProvider });
    const manager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(manager);
    onTestFinished(async () => {
      this.stop();
      context.disable();
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
    });
  }

  /** The spans that have ended since this was asked last. */
  spans(): ReadableSpan[] {
    const spans = [...this.#spans.getFinishedSpans()];
    this.#spans.reset();
    return spans;
  }

  /** The value of the one point with these attributes; of a histogram its count. */
  async value(name: string, attributes: Record<string, unknown> = {}): Promise<number> {
    const points = (await this.#points()).get(name) ?? [];
    const found = points.filter((point) =>
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    );
    expect(found, name).toHaveLength(1);
    const { value } = found[0]!;
    return typeof value === "number" ? value : (value as { count: number }).count;
  }

  async names(): Promise<string[]> {
    return [...(await this.#points()).keys()];
  }

  async #points() {
    this.#metrics.reset();
    await this.meters.forceFlush();
    const scopes = this.#metrics.getMetrics().at(-1)?.scopeMetrics ?? [];
    const all = scopes.flatMap((scope) => scope.metrics);
    return new Map(all.map((metric) => [metric.descriptor.name, metric.dataPoints]));
  }
}

test("a command is a span of its caller's trace", async () => {
  const server = await Server.start();
  const { redis } = client(server.url);
  const telemetry = new Telemetry();
  const tracer = telemetry.tracers.getTracer("app");
  const parent = tracer.startSpan("request");
  await context.with(trace.setSpan(context.active(), parent), async () => {
    await redis.set("secret-key", "secret-value");
    expect(await redis.get("secret-key")).toBe("secret-value");
    await redis.pipeline().set("a", 1).incr("a").exec();
  });
  const spans = telemetry.spans();
  expect(spans.map(({ name }) => name)).toEqual(["SET", "GET", "SET", "INCR"]);
  for (const span of spans) {
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toEqual({
      "db.system.name": "redis",
      "db.operation.name": span.name,
      "db.namespace": "0",
      "server.address": "127.0.0.1",
      "server.port": server.port,
    });
    expect(JSON.stringify([span.name, span.attributes, span.events])).not.toContain("secret");
  }
});

test("what failed is told by its code, and nothing is told after the end", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { rules: [["lock:*", "lock"]] });
  const telemetry = new Telemetry(redis);
  await redis.set("k", "v");
  await rejection(redis.lpush("k", "x"));
  const wrong = telemetry.spans().at(-1)!;
  expect(wrong.attributes["error.type"]).toBe("command_error");
  expect(wrong.status.code).toBe(SpanStatusCode.ERROR);
  await server.kill();
  await eventually("it is noticed", () => redis.getStatus().mode === "degraded");
  expect(await redis.get("k")).toBe("v");
  await rejection(redis.set("lock:1", "mine"));
  const [served, refused] = telemetry.spans();
  expect(served!.attributes).not.toHaveProperty("error.type");
  expect(refused!.attributes["error.type"]).toMatch(/^connection_(refused|lost)$/);
  telemetry.stop();
  await redis.get("k");
  expect(telemetry.spans()).toEqual([]);
});

test("metrics are observed through an outage", async () => {
  const server = await Server.start();
  const { redis } = client(server.url, { serverDelayMs: 20, serverDelayMsMax: 50 });
  const telemetry = new Telemetry(redis);
  for (let number = 0; number < 10; number += 1) await redis.set("k", "v");
  const place = { "server.address": "127.0.0.1", "server.port": server.port };
  const answered = { "outlast.answered_by": "redis", ...place };
  expect(await telemetry.value("outlast.commands", answered)).toBe(10);
  expect(await telemetry.value("db.client.operation.duration", { ...place })).toBe(10);
  const idle = { "db.client.connection.state": "idle" };
  expect(await telemetry.value("db.client.connection.count", idle)).toBe(1);
  expect(await telemetry.value("outlast.redis_connected")).toBe(1);
  await server.kill();
  await eventually("it is noticed", () => redis.getStatus().mode === "degraded");
  await redis.set("k", "w");
  expect(await telemetry.value("outlast.redis_connected")).toBe(0);
  expect(await telemetry.value("outlast.mode", { "outlast.mode": "degraded" })).toBe(1);
  expect(await telemetry.value("outlast.journal_keys")).toBe(1);
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await telemetry.value("outlast.replayed_keys")).toBe(1);
  const types = redis.metrics().matchAll(/^# TYPE (\w+) (counter|gauge)$/gm);
  const told = await telemetry.names();
  expect(told).toHaveLength(Array.from(types).length + 1);
  expect(told.every((name) => /^(outlast|db\.client\.(connection|operation))\./.test(name)));
});
