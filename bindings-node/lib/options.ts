/** From the arguments of `new Redis` to a URL and knobs. What they mean is checked natively. */

import { InvalidOption } from "./errors.js";
import type { Logger } from "./events.js";
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

/** Where Redis is, who logs in, and every knob by its name, in camelCase or snake_case. */
export interface RedisOptions extends PolicyOptions {
  host?: string;
  port?: number | string;
  /** A unix socket, instead of host and port. */
  path?: string;
  /** TLS, with these certificates; `true` or `{}` for the machine's authorities. */
  tls?: TlsOptions | boolean;
  /** The same as files. */
  tlsCaFile?: string;
  tlsCertificateFile?: string;
  tlsKeyFile?: string;
  tlsServerName?: string;
  tlsInsecure?: boolean;
  /** The name in `CLIENT LIST`. */
  clientName?: string;
  /** The version of RESP; 2 unless told otherwise. */
  protocol?: 2 | 3;
  username?: string;
  password?: string;
  db?: number | string;
  /** Where log lines go; `console` unless told otherwise. */
  logger?: Logger | false;
}

/** What a client is made of. */
export interface Settings {
  url: string;
  knobs: PolicyOptions;
  logger: Logger | undefined;
}

/** How a client may be made: a URL or the path of a socket, a port, options, or nothing. */
export type RedisArguments =
  | [options?: RedisOptions]
  | [urlOrPath: string | undefined, options?: RedisOptions]
  | [port: number, options?: RedisOptions]
  | [port: number, host: string, options?: RedisOptions];

export function settingsOf(given: readonly unknown[]): Settings {
  const rest = [...given];
  const place: RedisOptions = {};
  let url: string | undefined;
  if (typeof rest[0] === "string") {
    const first = rest.shift() as string;
    if (first.startsWith("/")) place.path = first;
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
  const { host, port, path, username, password, db, tls, logger, ...knobs } = {
    ...(options as RedisOptions),
    ...place,
  };
  const parts = { host, port, path, username, password, db };
  const sealed = tls !== undefined && tls !== null && tls !== false;
  return {
    url: url === undefined ? urlOf(parts, sealed) : completed(url, parts, sealed),
    knobs: { ...knobs, ...(sealed ? knobsOf(tls) : {}) },
    logger: loggerOf(logger),
  };
}

type Parts = {
  [Name in "host" | "port" | "path" | "username" | "password" | "db"]:
    RedisOptions[Name] | undefined;
};

function urlOf({ host, port, path, username, password, db }: Parts, sealed: boolean): string {
  const name = text("host", host) ?? "localhost";
  const shown = name.includes(":") ? `[${name}]` : encodeURIComponent(name);
  const number = text("port", port);
  const database = text("db", db);
  const secret = text("password", password);
  const user = encodeURIComponent(text("username", username) ?? "");
  const login = secret === undefined ? user : `${user}:${encodeURIComponent(secret)}`;
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
  return new InvalidOption({
    name: "InvalidOption",
    code: "invalid_option",
    message: `invalid ${name}: allowed is ${allowed}`,
  });
}
