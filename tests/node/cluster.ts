/** A real Redis Cluster on the loopback address: three masters, each with as many replicas. */

import { Server, eventually, freePort } from "./helpers.ts";

const SLOTS = 16_384;
const THIRD = Math.floor(SLOTS / 3);

/** The polynomial of CRC16 (XMODEM) that clusters hash keys with. */
const POLYNOMIAL = 0x1021;

/** The slot of a key, by the cluster specification: not by the code that is tested. */
export function slotOf(key: string): number {
  const tag = /\{([^}]+)\}/.exec(key)?.[1];
  let crc = 0;
  for (const byte of Buffer.from(tag ?? key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 0x8000 ? ((crc << 1) ^ POLYNOMIAL) & 0xffff : (crc << 1) & 0xffff;
    }
  }
  return crc % SLOTS;
}

/** The third of the slots that a key lies in, and so the place of its first master. */
export const thirdOf = (key: string): number => Math.min(Math.floor(slotOf(key) / THIRD), 2);

/** A key of this name in a third of the slots. */
export function keyIn(third: number, name: string): string {
  for (let number = 0; ; number += 1) {
    if (thirdOf(`${name}:${number}`) === third) return `${name}:${number}`;
  }
}

/** Keys of this name, one in each third. */
export const oneInEach = (name: string): [string, string, string] => [
  keyIn(0, name),
  keyIn(1, name),
  keyIn(2, name),
];

export class Nodes {
  /** Masters first. */
  readonly servers: Server[];
  readonly ids: string[];

  private constructor(servers: Server[], ids: string[]) {
    this.servers = servers;
    this.ids = ids;
  }

  static async start({ replicas = false, options = [] as string[] } = {}): Promise<Nodes> {
    const ports = await Promise.all(Array.from({ length: replicas ? 6 : 3 }, freePort));
    const servers = await Promise.all(
      ports.map((bus) =>
        Server.start(
          ...["--cluster-enabled", "yes", "--cluster-port", String(bus)],
          ...["--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"],
          ...["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"],
          ...["--appendonly", "no", ...options],
        ),
      ),
    );
    const ids = await Promise.all(servers.map((server) => server.cli("CLUSTER", "MYID")));
    const nodes = new Nodes(servers, ids);
    await nodes.#join(ports);
    return nodes;
  }

  async #join(buses: number[]): Promise<void> {
    const [first] = this.servers as [Server];
    for (const [at, server] of this.servers.entries()) {
      // Epochs that are told apart by chance take their time.
      await server.cli("CLUSTER", "SET-CONFIG-EPOCH", String(at + 1));
      const begin = at * THIRD;
      const end = at === 2 ? SLOTS - 1 : begin + THIRD - 1;
      if (at < 3) await server.cli("CLUSTER", "ADDSLOTSRANGE", String(begin), String(end));
      if (at > 0) {
        await server.cli("CLUSTER", "MEET", "127.0.0.1", String(first.port), String(buses[0]));
      }
    }
    for (const [at, server] of this.servers.entries()) {
      await eventually("every node knows every other", async () => {
        const known = (await server.cli("CLUSTER", "NODES")).split("\n");
        return (
          known.length === this.servers.length && !known.some((line) => /handshake/.test(line))
        );
      });
      const master = this.ids[at % 3] as string;
      if (at >= 3) await eventually("it becomes a replica", () => replicates(server, master));
    }
    for (const [at, server] of this.servers.entries()) {
      // A replica is told of once others have heard that it received something.
      await eventually("it tells of all", async () => {
        const slots = (await server.cli("CLUSTER", "SLOTS")).split("\n");
        return this.servers.every(({ port }) => slots.includes(String(port)));
      });
      await eventually("the cluster is whole", () => isWhole(server));
      if (at >= 3) await eventually("the replica is linked", () => isLinked(server));
    }
  }

  /** Its URL, by way of two of its nodes. */
  get url(): string {
    return `redis-cluster://${this.places.map(({ host, port }) => `${host}:${port}`).join(",")}`;
  }

  /** The first two masters. */
  get places(): { host: string; port: number }[] {
    return this.servers.slice(0, 2).map(({ port }) => ({ host: "127.0.0.1", port }));
  }

  server(at: number): Server {
    return this.servers[at] as Server;
  }

  /** What a node holds at a key, past every client. */
  read(at: number, key: string): Promise<string> {
    return this.server(at).cli("GET", key);
  }

  /** Whether the replica of a third has all that its master has. */
  async isReplicated(third: number): Promise<boolean> {
    const offset = async (at: number): Promise<string | undefined> =>
      /master_repl_offset:(\d+)/.exec(await this.server(at).cli("INFO", "replication"))?.[1];
    return (await offset(third)) === (await offset(third + 3));
  }

  /** Waits until the replica of a third is its master. */
  async promoted(third: number): Promise<void> {
    const end = performance.now() + 25_000;
    const isMaster = async () => (await this.server(third + 3).cli("ROLE")).startsWith("master");
    while (!(await isMaster())) {
      if (performance.now() > end) throw new Error("no replica was promoted");
    }
  }
}

async function replicates(server: Server, master: string): Promise<boolean> {
  return (await server.cli("CLUSTER", "REPLICATE", master)) === "OK";
}

async function isWhole(server: Server): Promise<boolean> {
  const info = await server.cli("CLUSTER", "INFO");
  return info.includes("cluster_state:ok") && info.includes(`cluster_slots_ok:${SLOTS}`);
}

async function isLinked(server: Server): Promise<boolean> {
  return (await server.cli("INFO", "replication")).includes("master_link_status:up");
}
