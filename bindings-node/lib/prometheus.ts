/**
 * The metrics of clients in a registry of `prom-client`, beside those of the application:
 *
 *     register(redis);
 *     register({ cache, jobs }, registry);
 *
 * They are read when they are scraped.
 */

import { register as globalRegistry } from "prom-client";
import type { Metric, Registry } from "prom-client";

import { families } from "./exposition.js";
import type { Family, Metered } from "./exposition.js";

export type { Metered };

/** Clients by name. Their samples have the name as the label `client`. */
export type Named = Record<string, Metered>;

/**
 * Registers one client, or several by name, with a registry (`prom-client`'s own). What it answers takes
 * them out again.
 */
export function register(
  clients: Metered | Named,
  registry: Registry = globalRegistry,
): () => void {
  const named = isMetered(clients) ? { "": clients } : clients;
  const read = (): Family[] => Object.entries(named).flatMap(readOf);
  const metrics = new Map(read().map((family) => [family.name, metricOf(family, read)]));
  for (const metric of metrics.values()) registry.registerMetric(metric as unknown as Metric);
  return () => {
    for (const name of metrics.keys()) registry.removeSingleMetric(name);
  };
}

function isMetered(clients: Metered | Named): clients is Metered {
  return typeof clients.metrics === "function";
}

function readOf([client, metered]: [string, Metered]): Family[] {
  const found = families(metered.metrics());
  if (client === "") return found;
  return found.map((family) => ({
    ...family,
    samples: family.samples.map((sample) => ({ ...sample, labels: { ...sample.labels, client } })),
  }));
}

/** What a registry asks of a metric. */
function metricOf({ name, type, help }: Family, read: () => Family[]): object {
  const values = (): object[] => {
    const own = read().filter((family) => family.name === name);
    return own
      .flatMap((family) => family.samples)
      .map(({ name: metricName, labels, value }) => ({ metricName, labels, value }));
  };
  return {
    name,
    get: () => ({ name, help, type, aggregator: "sum", values: values() }),
    reset: () => undefined,
  };
}
