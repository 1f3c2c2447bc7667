/** What `new Cluster` is told, as options of a client of that cluster. */

import { lookup } from "node:dns";

import type { ClusterNode, ClusterOptions as StockOptions } from "ioredis";

import { invalidOption } from "./errors.js";
import type { Logger } from "./events.js";
import type { RedisOptions } from "./options.js";
import type { Place } from "./sentinels.js";
import type { PolicyOptions } from "./types.js";

const PORT = 6379;

/** Options of each node: those of `Redis` that name no place. */
export type NodeOptions = Omit<
  RedisOptions,
  "host" | "port" | "path" | "cluster" | "sentinels" | "retryStrategy" | "readOnly"
>;

/** The options of ioredis' `Cluster`, and every knob by its name. */
export interface ClusterOptions
  extends Omit<StockOptions, "redisOptions" | "lazyConnect">, PolicyOptions {
  redisOptions?: NodeOptions | undefined;
  /** Where log lines go; `console` unless told otherwise. */
  logger?: Logger | false | undefined;
}

/** One of the nodes that tell of the others: a URL, a port, or a place, with a login perhaps. */
export type StartupNode = ClusterNode | (Place & Login);

interface Login {
  username?: string | undefined;
  password?: string | undefined;
  tls?: RedisOptions["tls"];
}

/** Delays are the policy's, and who is dialled when; these are read and decide nothing. */
const DELAYS = [
  "retryDelayOnFailover",
  "retryDelayOnClusterDown",
  "retryDelayOnTryAgain",
  "retryDelayOnMoved",
] as const;

export function redisOptionsOf(
  startupNodes: readonly StartupNode[],
  options: ClusterOptions,
): RedisOptions {
  if (!Array.isArray(startupNodes) || startupNodes.length === 0) {
    throw invalid("startupNodes", startupNodes, "a list of at least one node");
  }
  const {
    redisOptions = {},
    clusterRetryStrategy,
    clusterNodeRetryStrategy: _ofNodes,
    enableReadyCheck: _everyDialDoes,
    scaleReads,
    maxRedirections,
    slotsRefreshTimeout,
    slotsRefreshInterval,
    shardedSubscribers,
    useSRVRecords,
    resolveSrv: _withoutRecords,
    dnsLookup,
    natMap,
    himportFieldsets,
    scripts: _ofTheShell,
    ...others
  } = options;
  const read: ClusterOptions = others;
  for (const name of DELAYS) {
    isDelay(name, read[name]);
    delete read[name];
  }
  isDelay("slotsRefreshTimeout", slotsRefreshTimeout);
  if (useSRVRecords) throw invalid("useSRVRecords", true, "false: nodes are named by their places");
  if (himportFieldsets?.length) throw invalid("himportFieldsets", "a list", "none");
  if (natMap && (typeof natMap === "function" || Object.keys(natMap).length > 0)) {
    const allowed = "none: have nodes announce places that are reached (cluster-announce-hostname)";
    throw invalid("natMap", typeof natMap, allowed);
  }
  const nodes = startupNodes.map(nodeOf);
  for (const { host } of nodes) resolvesPlainly(dnsLookup, host);
  return {
    ...loginOf(nodes),
    ...redisOptions,
    ...read,
    ...(read.keyPrefix ? {} : prefixOf(redisOptions)),
    ...readsFrom(scaleReads),
    ...(clusterRetryStrategy === undefined
      ? {}
      : { retryStrategy: (times: number) => clusterRetryStrategy?.(times) }),
    ...(maxRedirections === undefined ? {} : { clusterRedirectsMax: maxRedirections }),
    ...(slotsRefreshInterval ? { clusterRefreshMs: slotsRefreshInterval } : {}),
    cluster: {
      nodes: nodes.map(({ host, port }) => ({ host, port })),
      ...(dnsLookup ? { dnsLookup } : {}),
      ...(shardedSubscribers === undefined ? {} : { shardedSubscribers }),
      ...(slotsRefreshTimeout === undefined ? {} : { slotsRefreshTimeout }),
    },
  };
}

function prefixOf({ keyPrefix }: NodeOptions): RedisOptions {
  return keyPrefix === undefined ? {} : { keyPrefix };
}

function readsFrom(scaleReads: StockOptions["scaleReads"]): PolicyOptions {
  if (scaleReads === undefined || scaleReads === "master") return {};
  if (scaleReads === "slave") return { clusterReadFrom: "replica" };
  throw invalid("scaleReads", scaleReads, '"master" or "slave"');
}

function isDelay(name: string, value: unknown): void {
  const isOne = value === undefined || value === null || (typeof value === "number" && value >= 0);
  if (!isOne) throw invalid(name, value, "a number of milliseconds");
}

/** Names are resolved natively: a function may only say so, as it does to have TLS check them. */
function resolvesPlainly(dnsLookup: StockOptions["dnsLookup"], host: string): void {
  if (!dnsLookup || (dnsLookup as unknown) === lookup) return;
  let isPlain = false;
  dnsLookup(host, (error, address) => (isPlain = !error && address === host));
  if (isPlain) return;
  const allowed = "dns.lookup, or a function that calls back with the name at once";
  throw invalid("dnsLookup", "another function", allowed);
}

function nodeOf(node: StartupNode): Place & Login {
  if (typeof node === "number") return { host: "127.0.0.1", port: node };
  if (typeof node === "string") return nodeOfText(node);
  if (typeof node !== "object" || node === null) {
    throw invalid("startupNodes", typeof node, "URLs, ports, or objects with host and port");
  }
  const {
    host = "127.0.0.1",
    port = PORT,
    username,
    password,
    tls,
  } = node as Partial<Place> & Login;
  return { host, port: Number(port), username, password, tls };
}

function nodeOfText(text: string): Place & Login {
  if (/^\d+$/.test(text)) return { host: "127.0.0.1", port: Number(text) };
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `redis://${text}`);
    const { protocol, hostname, port, username, password } = url;
    return {
      host: hostname.replace(/^\[|\]$/g, "") || "127.0.0.1",
      port: Number(port || PORT),
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
      ...(protocol === "rediss:" ? { tls: {} } : {}),
    };
  } catch {
    // What it says may be secret.
    throw invalid("startupNodes", "a text that is no URL", "redis://host:port or host:port");
  }
}

/** Nodes that are found by others are logged in to likewise, so all of them are. */
function loginOf(nodes: readonly (Place & Login)[]): Login {
  const logins = nodes.map(({ username, password }) => ({ username, password }));
  const [first = {}, ...rest] = logins.filter(({ password }) => password !== undefined);
  if (rest.some((other) => JSON.stringify(other) !== JSON.stringify(first))) {
    throw invalid("startupNodes", "several logins", "one login for all nodes, in redisOptions");
  }
  const tls = nodes.find((node) => node.tls)?.tls;
  return { ...given(first), ...(tls === undefined ? {} : { tls }) };
}

function given<T extends object>(values: T): T {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as T;
}

function invalid(name: string, value: unknown, allowed: string): Error {
  const shown = typeof value === "function" ? "a function" : String(value);
  return invalidOption(`invalid ${name} "${shown}": allowed is ${allowed}`);
}
