/** URLs of clusters as options, and such options as a URL; the nodes for ioredis' cluster client. */

import type { ClusterOptions } from "ioredis";

import { decoded, hostsOf, placesOf } from "./sentinels.js";
import type { Place } from "./sentinels.js";

const URL_OF_CLUSTER =
  /^redis(?<tls>s?)-cluster:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<db>\d*))?\/?(?:\?(?<query>[^#]*))?$/i;
const PORT = 6379;

/** A cluster, and what ioredis is told of it for the connections that are its own. */
export interface ClusterPlaces extends Pick<
  ClusterOptions,
  "dnsLookup" | "shardedSubscribers" | "slotsRefreshTimeout"
> {
  /** Some of its nodes, which tell of the others. */
  nodes: Place[];
}

/** The arguments of a client, with options in place of a URL of a cluster. */
export function clustered(given: readonly unknown[]): readonly unknown[] {
  const [first, ...rest] = given;
  const parts = typeof first === "string" ? URL_OF_CLUSTER.exec(first)?.groups : undefined;
  if (parts === undefined) return given;
  const [user = "", password] = decoded(parts["login"] ?? "");
  const options = {
    ...Object.fromEntries(new URLSearchParams(parts["query"])),
    cluster: { nodes: placesOf(parts["hosts"] ?? "", "cluster", PORT) },
    ...(user ? { username: user } : {}),
    ...(password === undefined ? {} : { password }),
    ...(parts["db"] ? { db: Number(parts["db"]) } : {}),
    ...(parts["tls"] ? { tls: {} } : {}),
  };
  return [Object.assign(options, ...rest)];
}

/** The URL of a cluster. */
export function urlOfCluster(
  { nodes }: ClusterPlaces,
  { login, database, sealed }: { login: string; database: string | undefined; sealed: boolean },
): string {
  return [
    sealed ? "rediss-cluster://" : "redis-cluster://",
    login === "" ? "" : `${login}@`,
    hostsOf(nodes, PORT),
    database === undefined ? "" : `/${encodeURIComponent(database)}`,
  ].join("");
}
