// What the Node worker measures: other clients, a bare socket, and outlast.
//
// A client has a name, the package that it needs, and `open(place)`, which resolves with calls that
// return promises: `get(key)`, `set(key, value)`, where it has pipelines `mget(keys)` (one explicit
// pipeline of GETs), where it answers without a server `degradedGet(key)` and `degradedSet(key,
// value)`, and `close()`. `confirm()` throws if answers did not come from where the workload says
// they do. What a client cannot do yet stands in `notYet`.
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join, resolve } from "node:path";

/** Every client; those of others are looked for in the node_modules of the folder. */
export function clientsOf(folder) {
  const require = createRequire(join(resolve(folder), "none.js"));
  return [
    outlast(),
    ioredis("ioredis", require, {}),
    ioredis("ioredis-autopipe", require, { enableAutoPipelining: true }),
    nodeRedis(require),
    rawNet(),
  ];
}

/** The version of an installed package, or undefined. */
function versionOf(require, name) {
  try {
    return require(`${name}/package.json`).version;
  } catch {
    return undefined;
  }
}

function outlast() {
  const require = createRequire(import.meta.url);
  return {
    name: "outlast",
    version: versionOf(require, "outlast"),
    async open({ host, port, absentPort }) {
      const { Redis } = require("outlast");
      const client = new Redis({ host, port, profile: "production" });
      await client.connect();
      // Lazy: nothing is dialled before a degraded workload's first call.
      const settings = { host, port: absentPort, profile: "development", logger: false };
      const degraded = new Redis(settings);
      return {
        get: (key) => client.get(key),
        set: (key, value) => client.set(key, value),
        mget: (keys) => pipelined(client, keys),
        degradedGet: (key) => degraded.get(key),
        degradedSet: (key, value) => degraded.set(key, value),
        confirm() {
          if (client.getStatus().served_by_store > 0) {
            throw new Error("outlast answered from memory although its server was there");
          }
          if (degraded.getStatus().served_by_redis > 0) {
            throw new Error("a server answered where none should be");
          }
        },
        close() {
          client.disconnect();
          degraded.disconnect();
        },
      };
    },
  };
}

function ioredis(name, require, options) {
  return {
    name,
    version: versionOf(require, "ioredis"),
    async open({ host, port }) {
      const { Redis } = require("ioredis");
      const client = new Redis({ host, port, ...options });
      await client.ping();
      return {
        get: (key) => client.get(key),
        set: (key, value) => client.set(key, value),
        mget: (keys) => pipelined(client, keys),
        close: () => client.disconnect(),
      };
    },
  };
}

async function pipelined(client, keys) {
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.get(key);
  return (await pipeline.exec()).map(([, value]) => value);
}

function nodeRedis(require) {
  return {
    name: "node-redis",
    version: versionOf(require, "redis"),
    async open({ host, port }) {
      const { createClient } = require("redis");
      const client = createClient({ socket: { host, port } });
      client.on("error", () => {});
      await client.connect();
      return {
        get: (key) => client.get(key),
        set: (key, value) => client.set(key, value),
        mget(keys) {
          const multi = client.multi();
          for (const key of keys) multi.get(key);
          return multi.execAsPipeline();
        },
        close: () => client.destroy(),
      };
    },
  };
}

/** Pre-built bytes and counted line ends: the floor of the language's own sockets. */
function rawNet() {
  return {
    name: "raw-net",
    version: "",
    async open({ host, port }) {
      const socket = connect({ host, port, noDelay: true });
      await once(socket, "connect");
      const waiting = repliesOf(socket);
      const send = (message, lines) =>
        new Promise((settle) => {
          waiting.push({ settle, lines });
          socket.write(message, "latin1");
        });
      return {
        get: (key) => send(encode("GET", key), 2),
        set: (key, value) => send(encode("SET", key, value), 1),
        mget: (keys) => send(keys.map((key) => encode("GET", key)).join(""), 2 * keys.length),
        close: () => socket.destroy(),
      };
    },
  };
}

function encode(...words) {
  let message = `*${words.length}\r\n`;
  for (const word of words) message += `$${word.length}\r\n${word}\r\n`;
  return message;
}

/** The queue of those who wait for replies, each for so many lines of the socket. */
function repliesOf(socket) {
  const waiting = [];
  let head = 0;
  let rest = "";
  socket.on("data", (bytes) => {
    const lines = (rest + bytes.latin1Slice(0, bytes.length)).split("\r\n");
    rest = lines.pop();
    let at = 0;
    while (at < lines.length) {
      const next = waiting[head];
      if (at + next.lines > lines.length) break;
      head += 1;
      if (next.lines === 1) next.settle(lines[at]);
      else if (next.lines === 2) next.settle(lines[at + 1]);
      else next.settle(Array.from({ length: next.lines / 2 }, (_, i) => lines[at + 2 * i + 1]));
      at += next.lines;
    }
    if (head > 1024 || head === waiting.length) {
      waiting.splice(0, head);
      head = 0;
    }
    if (at < lines.length) rest = `${lines.slice(at).join("\r\n")}\r\n${rest}`;
  });
  return waiting;
}
