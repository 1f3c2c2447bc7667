/** From the arguments of `new Redis` to a URL and knobs. What they mean is checked natively. */

import type { RedisOptions as StockOptions } from "ioredis";

import { urlOfCluster } from "./clusters.js";
import type { ClusterPlaces } from "./clusters.js";
import { invalidOption } from "./errors.js";
import type { InvalidOption } from "./errors.js";
import type { Logger } from "./events.js";
import { loginOf, urlOfSentinels } from "./sentinels.js";
import type { PolicyOptions } from "./types.js";

/** PEM text, or several of them. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** TLS as ioredis is told of it. */
export interface TlsOptions {
  /** Authorities to trust instead of the machine's. */
  ca?: Pem;
  /** The client's certificate, and its key. */
  cert?: Pem;
  key?: Pem;
  /** The name that the server's certificate must be for; the host unless told otherwise. */
  servername?: string;
  /** `false` checks no certificate; a warning is logged once. */
  rejectUnauthorized?: boolean;
}

/** Options of ioredis that take more here. */
type Taken = "host" | "port" | "path" | "db" | "tls" | "lazyConnect";

/** The options of ioredis, and every knob by its name, in camelCase or snake_case. */
export interface RedisOptions extends Omit<StockOptions, Taken>, PolicyOptions {
  host?: string | undefined;
  port?: number | string | undefined;
  /** A unix socket, instead of host and port. */
  path?: string | undefined;
  /** TLS, with these certificates; `true` or `{}` for the machine's authorities. */
  tls?: TlsOptions | boolean | undefined;
  /** The same as files. */
  tlsCaFile?: string;
  tlsCertificateFile?: string;
  tlsKeyFile?: string;
  tlsServerName?: string;
  tlsInsecure?: boolean;
  /** The name in `CLIENT LIST`; `connectionName` is the same. */
  clientName?: string;
  /** A file that keeps what is written while Redis is away; one for each client. */
  journalPath?: string;
  db?: number | string | undefined;
  /** Nodes of a cluster, as a URL `redis-cluster://host:port,host:port` names them. */
  cluster?: ClusterPlaces | undefined;
  /** Where log lines go; `console` unless told otherwise. */
  logger?: Logger | false | undefined;
}

/** What a client is made of. */
export interface Settings {
  url: string;
  knobs: PolicyOptions;
  logger: Logger | undefined;
}

/** Options of ioredis that it acts on itself, or that mean nothing here. */
const STOCK = new Set(
  (
    "family keepAlive noDelay disconnectTimeout disableClientInfo clientInfoTag sentinels name role " +
    "sentinelUsername sentinelPassword sentinelRetryStrategy sentinelReconnectStrategy " +
    "sentinelCommandTimeout sentinelTLS sentinelMaxConnections preferredSlaves natMap " +
    "enableTLSForSentinelMode updateSentinels failoverDetector enableOfflineQueue enableReadyCheck " +
    "autoResubscribe autoResendUnfulfilledCommands keyPrefix reconnectOnError readOnly stringNumbers " +
    "protocol replyMapping maxRetriesPerRequest maxLoadingRetryTime enableAutoPipelining " +
    "autoPipeliningIgnoredCommands blockingTimeout blockingTimeoutGrace retryStrategy scripts monitor " +
    "Connector cluster showFriendlyErrorStack socketTimeout offlineQueue commandQueue himportFieldsets"
  ).split(" "),
);

/** How a client may be made: a URL or the path of a socket, a port, options, or nothing. */
export type RedisArguments =
  | [options?: RedisOptions]
  | [urlOrPath: string | undefined, options?: RedisOptions]
  | [port: number, options?: RedisOptions]
  | [port: number, host: string, options?: RedisOptions];

/** What the constructor of ioredis is given: it is not to dial, and fails at no URL. */
export function stockArguments(given: readonly unknown[]): [StockOptions] {
  const [first] = given;
  const isUrl = typeof first === "string" && /^[a-z]+:\/\//i.test(first);
  const readable = !isUrl || (/^rediss?:/i.test(first) && isParseable(first));
  const place = readable ? given.filter((value) => typeof value !== "object") : [];
  const options = given.filter((value) => typeof value === "object" && value !== null);
  const merged = Object.assign({}, ...options, { lazyConnect: true }) as StockOptions;
  // All three forms of it take options last; TypeScript cannot see which this is.
  return [...place, merged] as unknown as [StockOptions];
}

/** What was given, in one object that makes the same client. */
export function givenOptions(given: readonly unknown[], merged: StockOptions): RedisOptions {
  const options: RedisOptions = {};
  for (const value of given) if (typeof value === "object") Object.assign(options, value);
  if (typeof given[0] !== "string" && typeof given[0] !== "number") return options;
  const { host, port, path, username, password, db, tls } = merged as RedisOptions;
  const [first] = given;
  // What a URL says beyond the place are options of ours.
  const query = typeof first === "string" && isParseable(first) ? new URL(first).searchParams : [];
  const place = path ? { path } : { host, port };
  const login = { ...(username ? { username } : {}), ...(password ? { password } : {}) };
  return {
    ...Object.fromEntries(query),
    ...place,
    ...login,
    db,
    ...(tls ? { tls } : {}),
    ...options,
  };
}

function isParseable(url: string): boolean {
  try {
    return new URL(url) !== undefined;
  } catch {
    return false;
  }
}

export function settingsOf(given: readonly unknown[]): Settings {
  const rest = [...given];
  const place: RedisOptions = {};
  let url: string | undefined;
  if (typeof rest[0] === "string") {
    const first = rest.shift() as string;
    if (first.startsWith("/")) place.path = first;
    else if (/^\d+$/.test(first)) place.port = first;
    else url = first;
  } else if (rest[0] === undefined) {
    rest.shift();
  } else if (typeof rest[0] === "number") {
    place.port = rest.shift() as number;
    if (typeof rest[0] === "string") place.host = rest.shift() as string;
  }
  const options = rest.shift() ?? {};
  if (typeof options !== "object" || Array.isArray(options) || rest.length > 0) {
    throw invalid("arguments", "new Redis(url?, options?), (options) or (port, host?, options?)");
  }
  const { host, port, path, username, password, db, tls, logger, ...others } = {
    ...(options as RedisOptions),
    ...place,
  };
  const knobs = { ...ours(others), ...loginOf(others) };
  const parts = { host, port, path, username, password, db };
  const sealed = tls !== undefined && tls !== null && tls !== false;
  return {
    url: url === undefined ? urlOfAny(parts, others, sealed) : completed(url, parts, sealed),
    knobs: { ...knobs, ...(sealed ? knobsOf(tls) : {}) },
    logger: loggerOf(logger),
  };
}

/** The names of ioredis become ours. */
function ours(given: object): PolicyOptions {
  const named: Record<string, unknown> = {};
  const renamed: Record<string, string> = {
    connectTimeout: "connectTimeoutMs",
    commandTimeout: "commandTimeoutMs",
    connectionName: "clientName",
  };
  for (const [name, value] of Object.entries(given)) {
    if (STOCK.has(name)) continue;
    // 0 is no limit there.
    const isNone = value === undefined || value === null || (name in renamed && value === 0);
    if (!isNone) named[renamed[name] ?? name] = value;
  }
  return named;
}

type Parts = {
  [Name in "host" | "port" | "path" | "username" | "password" | "db"]:
    RedisOptions[Name] | undefined;
};

function loginIn({ username, password }: Pick<Parts, "username" | "password">): string {
  const secret = text("password", password);
  const user = encodeURIComponent(text("username", username) ?? "");
  return secret === undefined ? user : `${user}:${encodeURIComponent(secret)}`;
}

function urlOfAny(parts: Parts, options: RedisOptions, sealed: boolean): string {
  const asked = { login: loginIn(parts), database: text("db", parts.db), sealed };
  if (options.cluster !== undefined) {
    for (const name of ["host", "port", "path"] as const) {
      if (parts[name] !== undefined) throw invalid(name, "one of the cluster's nodes, in its list");
    }
    return urlOfCluster(options.cluster, asked);
  }
  if ((options.sentinels?.length ?? 0) > 0) return urlOfSentinels(options, asked);
  return urlOf(parts, sealed);
}

function urlOf({ host, port, path, username, password, db }: Parts, sealed: boolean): string {
  const name = text("host", host) ?? "localhost";
  const shown = name.includes(":") ? `[${name}]` : encodeURIComponent(name);
  const number = text("port", port);
  const database = text("db", db);
  const login = loginIn({ username, password });
  const socket = text("path", path);
  if (socket !== undefined) {
    if (host !== undefined || port !== undefined || sealed) {
      throw invalid("path", "a unix socket without host, port and tls");
    }
    const place = socket.split("/").map(encodeURIComponent).join("/");
    const chosen = database === undefined ? "" : `?db=${encodeURIComponent(database)}`;
    return `unix://${login === "" ? "" : `${login}@`}${place}${chosen}`;
  }
  return [
    sealed ? "rediss://" : "redis://",
    login === "" ? "" : `${login}@`,
    shown,
    number === undefined ? "" : `:${encodeURIComponent(number)}`,
    database === undefined ? "" : `/${encodeURIComponent(database)}`,
  ].join("");
}

/** A URL names the place; who logs in, and TLS, may be told beside it. */
function completed(url: string, parts: Parts, sealed: boolean): string {
  const { host, port, path, username, password, db } = parts;
  for (const [name, value] of Object.entries({ host, port, path, db })) {
    if (value !== undefined) throw invalid(name, "in the URL or as an option, not both");
  }
  const place = sealed ? url.replace(/^redis:/, "rediss:") : url;
  if (username === undefined && password === undefined) return place;
  const login = { username: text("username", username), password: text("password", password) };
  try {
    const completed = new URL(place);
    for (const name of ["username", "password"] as const) {
      const value = login[name] ?? "";
      // Without a host, as for a unix socket, there is no place for a login before it.
      if (completed.host !== "") completed[name] = encodeURIComponent(value);
      else if (value !== "") completed.searchParams.set(name, value);
    }
    return completed.href;
  } catch {
    // Told natively, without what may be secret in it.
    return place;
  }
}

/** What ioredis' `tls` says, by our names. */
function knobsOf(tls: TlsOptions | true): Record<string, string> {
  if (tls === true) return {};
  if (typeof tls !== "object") throw invalid("tls", "true, false or an object");
  const { ca, cert, key, servername, rejectUnauthorized, ...others } = tls;
  const known = "ca, cert, key, servername, rejectUnauthorized";
  for (const name of Object.keys(others)) throw invalid(`tls.${name}`, `one of ${known}`);
  const knobs: Record<string, string> = {};
  const material = { tls_ca_pem: ca, tls_certificate_pem: cert, tls_key_pem: key };
  for (const [name, value] of Object.entries(material)) {
    if (value !== undefined) knobs[name] = pem(name, value);
  }
  if (servername !== undefined) knobs["tls_server_name"] = text("tls.servername", servername) ?? "";
  if (rejectUnauthorized !== undefined) {
    if (typeof rejectUnauthorized !== "boolean") throw invalid("tls.rejectUnauthorized", "boolean");
    knobs["tls_insecure"] = String(!rejectUnauthorized);
  }
  return knobs;
}

function pem(name: string, value: Pem): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (Array.isArray(value)) return value.map((one: Pem) => pem(name, one)).join("\n");
  throw invalid(name, "PEM text, as string or Buffer, or a list of them");
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw invalid(name, "a string or a number");
}

function loggerOf(logger: RedisOptions["logger"] | null): Logger | undefined {
  if (logger === false) return undefined;
  if (logger === undefined || logger === null) return console;
  for (const name of ["info", "warn", "error"] as const) {
    if (typeof logger[name] !== "function") {
      throw invalid("logger", "false, or an object with info, warn and error");
    }
  }
  return logger;
}

/** The value is not shown: it may be a secret in the wrong place. */
function invalid(name: string, allowed: string): InvalidOption {
  return invalidOption(`invalid ${name}: allowed is ${allowed}`);
}
