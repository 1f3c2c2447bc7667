/**
 * Spans and metrics for OpenTelemetry, by its conventions for database clients:
 *
 *     const stop = instrument({ clients: [redis] });
 *
 * Each command becomes a span of its caller's trace, named after the command, whether Redis answered it or
 * memory. No argument is told. Commands come over the channel `ioredis:command`, so those of every client of
 * the process do, ioredis' own included; do not use another instrumentation of ioredis beside this one.
 * Metrics are observed when they are exported, and are those of `redis.metrics()` but for the histograms, in
 * place of which each command is measured here.
 */

import { tracingChannel } from "node:diagnostics_channel";

import { SpanKind, SpanStatusCode, context, metrics, trace } from "@opentelemetry/api";
import type {
  Attributes,
  BatchObservableResult,
  Histogram,
  Meter,
  MeterProvider,
  Observable,
  Span,
  Tracer,
  TracerProvider,
} from "@opentelemetry/api";

import { families } from "./exposition.js";
import type { Family, Labels, Metered } from "./exposition.js";
import { version } from "./inspect.js";

export type { Metered };

export interface TelemetryOptions {
  /** The clients whose metrics are observed (none). */
  clients?: readonly Metered[];
  /** In place of the provider that the application has set. */
  tracerProvider?: TracerProvider;
  /** In place of the provider that the application has set. */
  meterProvider?: MeterProvider;
}

/** The context that ioredis gives a command on its channel. */
interface Traced {
  command: string;
  database?: number;
  serverAddress?: string;
  serverPort?: number;
  error?: unknown;
}

interface Begun {
  span: Span;
  began: number;
  attributes: Attributes;
}

const NAME = "outlast";

/** Prometheus' names for attributes, put as the conventions put them. */
const ATTRIBUTES: Labels = {
  db_system_name: "db.system.name",
  db_namespace: "db.namespace",
  server_address: "server.address",
  server_port: "server.port",
  db_client_connection_state: "db.client.connection.state",
  error_type: "error.type",
  answered_by: "outlast.answered_by",
  mode: "outlast.mode",
};

/** The bounds that the conventions give for this histogram, in seconds. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Tells of commands from now on, until the function is called that it answers. */
export function instrument(options: TelemetryOptions = {}): () => void {
  const tracers = options.tracerProvider ?? trace.getTracerProvider();
  const meters = options.meterProvider ?? metrics.getMeterProvider();
  const meter = meters.getMeter(NAME, version());
  const endSpans = traceCommands(tracers.getTracer(NAME, version()), meter);
  const endMetrics = (options.clients ?? []).map((client) => observe(client, meter));
  return () => {
    endSpans();
    for (const end of endMetrics) end();
  };
}

function traceCommands(tracer: Tracer, meter: Meter): () => void {
  const durations = meter.createHistogram("db.client.operation.duration", {
    unit: "s",
    description: "How long commands took, by whoever they were answered.",
    advice: { explicitBucketBoundaries: SECONDS },
  });
  const begun = new WeakMap<object, Begun>();
  const finish = (traced: object): void => {
    const command = begun.get(traced);
    if (command === undefined) return;
    begun.delete(traced);
    end(command, (traced as Traced).error, durations);
  };
  const handlers = {
    start: (traced: object) => void begun.set(traced, begin(traced as Traced, tracer)),
    // What failed before there was a promise ends here.
    end: (traced: object) => {
      if ((traced as Traced).error !== undefined) finish(traced);
    },
    asyncStart: () => undefined,
    asyncEnd: finish,
    error: () => undefined,
  };
  const commands = tracingChannel<string, object>("ioredis:command");
  commands.subscribe(handlers);
  return () => void commands.unsubscribe(handlers);
}

function begin(traced: Traced, tracer: Tracer): Begun {
  const name = traced.command.toUpperCase();
  const attributes: Attributes = { "db.system.name": "redis", "db.operation.name": name };
  if (traced.database !== undefined) attributes["db.namespace"] = String(traced.database);
  if (traced.serverAddress !== undefined) attributes["server.address"] = traced.serverAddress;
  if (traced.serverPort !== undefined) attributes["server.port"] = traced.serverPort;
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context.active());
  return { span, began: performance.now(), attributes };
}

function end({ span, began, attributes }: Begun, error: unknown, durations: Histogram): void {
  const failed: Attributes = {};
  if (error !== undefined) {
    const code = codeOf(error);
    failed["error.type"] = code;
    span.setAttribute("error.type", code);
    // The words of an error may quote a key.
    span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  }
  span.end();
  durations.record((performance.now() - began) / 1_000, { ...attributes, ...failed });
}

/** The failure of Redis where there was one, else the code of the error, else its name. */
function codeOf(error: unknown): string {
  const { failure, code, name } = error as Record<"failure" | "code" | "name", unknown>;
  const told = [failure, code, name].find((word) => typeof word === "string" && word !== "");
  return typeof told === "string" ? told : "_OTHER";
}

/** Makes an instrument for each metric of a client, but for histograms. */
function observe(client: Metered, meter: Meter): () => void {
  const observables = new Map<string, Observable>();
  for (const { name, type, help } of families(client.metrics())) {
    if (type === "histogram") continue;
    const options = { description: help };
    const made =
      type === "counter"
        ? meter.createObservableCounter(named(name), options)
        : meter.createObservableGauge(named(name), options);
    observables.set(name, made);
  }
  const read = (result: BatchObservableResult): void => {
    for (const family of families(client.metrics())) told(family, observables, result);
  };
  const all = [...observables.values()];
  meter.addBatchObservableCallback(read, all);
  return () => {
    meter.removeBatchObservableCallback(read, all);
  };
}

function told(
  family: Family,
  observables: ReadonlyMap<string, Observable>,
  result: BatchObservableResult,
): void {
  const observable = observables.get(family.name);
  if (observable === undefined) return;
  for (const { labels, value } of family.samples) {
    const attributes = Object.entries(labels).map(([label, text]) => {
      const name = ATTRIBUTES[label] ?? label;
      return [name, name === "server.port" ? Number(text) : text];
    });
    result.observe(observable, value, Object.fromEntries(attributes) as Attributes);
  }
}

/** A metric of Prometheus, named as the conventions do. */
function named(name: string): string {
  const plain = name.replace(/_total$/, "");
  const prefix = ["db_client_connection_", "outlast_"].find((one) => plain.startsWith(one)) ?? "";
  return prefix.replaceAll("_", ".") + plain.slice(prefix.length);
}
