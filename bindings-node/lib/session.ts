/**
 * A connection of a client's own, for what no shared one can carry: subscriptions, blocking
 * commands, WATCH, a database chosen later. It is one of ioredis; Redis being away, its commands
 * wait for Redis as they do there.
 */

import { Cluster as StockCluster, Redis as Stock } from "ioredis";
import type { Command, RedisOptions as StockOptions } from "ioredis";

import type { ClusterPlaces } from "./clusters.js";

const MESSAGES = [
  "message",
  "messageBuffer",
  "pmessage",
  "pmessageBuffer",
  "smessage",
  "smessageBuffer",
] as const;

export class Session {
  readonly #redis: Stock | StockCluster;
  #isClosed = false;

  /** To the server that the options name, or to this cluster, with a connection for each node. */
  constructor(
    options: StockOptions,
    cluster: ClusterPlaces | undefined,
    emit: (event: string, ...values: unknown[]) => void,
  ) {
    // The command that comes here has its prefix, and its pipeline.
    const bare = { keyPrefix: "", scripts: undefined, enableAutoPipelining: false } as const;
    const own: StockOptions = { ...options, ...bare, lazyConnect: true };
    if (cluster === undefined) {
      this.#redis = new Stock(...([own] as unknown as []));
    } else {
      const { nodes, ...others } = cluster;
      const { host: _host, port: _port, path: _path, retryStrategy: _delays, ...node } = own;
      const told = {
        ...bare,
        lazyConnect: true,
        ...others,
        redisOptions: node,
      } as ConstructorParameters<typeof StockCluster>[1];
      this.#redis = new StockCluster(nodes, told);
    }
    // The client's own events tell of an outage, once for each cause.
    this.#redis.on("error", () => undefined);
    for (const name of MESSAGES) this.#redis.on(name, (...values) => emit(name, ...values));
    this.#redis.on("select", (database) => emit("select", database));
  }

  get condition(): Stock["condition"] {
    return this.#redis instanceof StockCluster ? null : this.#redis.condition;
  }

  /** Whether only commands about subscriptions may be sent: a cluster's client has another connection for those. */
  get isSubscriber(): boolean {
    return !(this.#redis instanceof StockCluster) && this.#redis.mode === "subscriber";
  }

  send(command: Command): unknown {
    if (this.#redis instanceof StockCluster) this.#sayClosed(command);
    return this.#redis.sendCommand(command);
  }

  /** As for one server: who closes while a cluster is connected to is not told that no node is there. */
  #sayClosed(command: Command): void {
    const { reject } = command;
    command.reject = (error) => reject(this.#isClosed ? new Error("Connection is closed.") : error);
  }

  quit(): Promise<unknown> {
    return this.#redis.status === "ready" ? this.#redis.quit() : Promise.resolve(this.close());
  }

  close(): void {
    this.#isClosed = true;
    this.#redis.disconnect();
  }
}
