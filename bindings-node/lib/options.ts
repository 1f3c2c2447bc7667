/** From the arguments of `new Redis` to a URL and knobs. What they mean is checked natively. */

import { InvalidOption } from "./errors.js";
import type { Logger } from "./events.js";
import type { PolicyOptions } from "./types.js";

/** Where Redis is, who logs in, and every knob by its name, in camelCase or snake_case. */
export interface RedisOptions extends PolicyOptions {
  host?: string;
  port?: number | string;
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

/** How a client may be made: a URL, a port, options, or nothing for the local Redis. */
export type RedisArguments =
  | [options?: RedisOptions]
  | [url: string | undefined, options?: RedisOptions]
  | [port: number, options?: RedisOptions]
  | [port: number, host: string, options?: RedisOptions];

export function settingsOf(given: readonly unknown[]): Settings {
  const rest = [...given];
  const place: RedisOptions = {};
  let url: string | undefined;
  if (typeof rest[0] === "string") {
    url = rest.shift() as string;
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
  const { host, port, username, password, db, logger, ...knobs } = {
    ...(options as RedisOptions),
    ...place,
  };
  const parts = { host, port, username, password, db };
  return {
    url: url === undefined ? urlOf(parts) : completed(url, parts),
    knobs,
    logger: loggerOf(logger),
  };
}

type Parts = {
  [Name in "host" | "port" | "username" | "password" | "db"]: RedisOptions[Name] | undefined;
};

function urlOf({ host, port, username, password, db }: Parts): string {
  const name = text("host", host) ?? "localhost";
  const shown = name.includes(":") ? `[${name}]` : encodeURIComponent(name);
  const number = text("port", port);
  const database = text("db", db);
  const secret = text("password", password);
  const user = encodeURIComponent(text("username", username) ?? "");
  const login = secret === undefined ? user : `${user}:${encodeURIComponent(secret)}`;
  return [
    "redis://",
    login === "" ? "" : `${login}@`,
    shown,
    number === undefined ? "" : `:${encodeURIComponent(number)}`,
    database === undefined ? "" : `/${encodeURIComponent(database)}`,
  ].join("");
}

/** A URL names the place; who logs in may be told beside it. */
function completed(url: string, { host, port, username, password, db }: Parts): string {
  for (const [name, value] of Object.entries({ host, port, db })) {
    if (value !== undefined) throw invalid(name, "in the URL or as an option, not both");
  }
  if (username === undefined && password === undefined) return url;
  const login = {
    username: encodeURIComponent(text("username", username) ?? ""),
    password: encodeURIComponent(text("password", password) ?? ""),
  };
  try {
    return Object.assign(new URL(url), login).href;
  } catch {
    // Told natively, without what may be secret in it.
    return url;
  }
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
