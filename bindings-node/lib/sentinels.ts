/** URLs of sentinels as options of ioredis, and such options as a URL: both clients go the same way. */

import type { RedisOptions as StockOptions } from "ioredis";

import { invalidOption } from "./errors.js";
import type { InvalidOption } from "./errors.js";

const URL_OF_SENTINELS =
  /^redis(?<tls>s?)-sentinel:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<name>[^/?#]*))?(?:\/(?<db>\d*))?\/?(?:\?(?<query>[^#]*))?$/i;
const PORT = 26379;

/** The arguments of a client, with options of ioredis in place of a URL of sentinels. */
export function spelled(given: readonly unknown[]): readonly unknown[] {
  const [first, ...rest] = given;
  const parts = typeof first === "string" ? URL_OF_SENTINELS.exec(first)?.groups : undefined;
  if (parts === undefined) return given;
  const { sentinel_username, sentinel_password, sentinel_master, ...query } = Object.fromEntries(
    new URLSearchParams(parts["query"]),
  );
  const [user = "", password] = decoded(parts["login"] ?? "");
  const options = {
    ...query,
    sentinels: placesOf(parts["hosts"] ?? "", "sentinels", PORT),
    name: sentinel_master ?? decodeURIComponent(parts["name"] ?? ""),
    ...(user ? { username: user } : {}),
    ...(password === undefined ? {} : { password }),
    ...(parts["db"] ? { db: Number(parts["db"]) } : {}),
    ...(parts["tls"] ? { tls: {}, enableTLSForSentinelMode: true } : {}),
    ...(sentinel_username === undefined ? {} : { sentinelUsername: sentinel_username }),
    ...(sentinel_password === undefined ? {} : { sentinelPassword: sentinel_password }),
  };
  return [Object.assign(options, ...rest)];
}

/** Where sentinels are and whom they are asked for, as ioredis has it. */
export type Sentinels = Pick<
  StockOptions,
  "sentinels" | "name" | "sentinelUsername" | "sentinelPassword"
>;

/** The URL without the login at the sentinels, which is no part of it. */
export function urlOfSentinels(
  { sentinels, name }: Sentinels,
  { login, database, sealed }: { login: string; database: string | undefined; sealed: boolean },
): string {
  return [
    sealed ? "rediss-sentinel://" : "redis-sentinel://",
    login === "" ? "" : `${login}@`,
    hostsOf(sentinels ?? [], PORT),
    `/${encodeURIComponent(name ?? "")}`,
    database === undefined ? "" : `/${encodeURIComponent(database)}`,
  ].join("");
}

/** The login at the sentinels, by our names. */
export function loginOf({ sentinelUsername, sentinelPassword }: Sentinels): Record<string, string> {
  return {
    ...(sentinelUsername ? { sentinel_username: sentinelUsername } : {}),
    ...(sentinelPassword ? { sentinel_password: sentinelPassword } : {}),
  };
}

/** Places as a URL has them. */
export function hostsOf(
  places: readonly { host?: string | undefined; port?: number | undefined }[],
  defaultPort: number,
): string {
  const hosts = places.map(({ host = "localhost", port = defaultPort }) =>
    host.includes(":") ? `[${host}]:${port}` : `${encodeURIComponent(host)}:${port}`,
  );
  return hosts.join(",");
}

/** The places that a URL names, with commas between. */
export function placesOf(hosts: string, name: string, defaultPort: number): Place[] {
  return hosts.split(",").map((text) => placeOf(text, name, defaultPort));
}

/** A host, and its port. */
export interface Place {
  host: string;
  port: number;
}

/** User and password of a URL. */
export function decoded(login: string): [user?: string, password?: string | undefined] {
  if (login === "") return [];
  const [user = "", ...rest] = login.split(":");
  return [
    decodeURIComponent(user),
    rest.length > 0 ? decodeURIComponent(rest.join(":")) : undefined,
  ];
}

function placeOf(text: string, name: string, defaultPort: number): Place {
  const parts = /^(?:\[(?<six>[^\]]*)\]|(?<host>[^:]*))(?::(?<port>\d+))?$/.exec(text.trim());
  if (parts?.groups === undefined) throw invalid(name, "hosts, with commas between");
  const { six, host, port } = parts.groups;
  return { host: six ?? (host || "localhost"), port: Number(port ?? defaultPort) };
}

function invalid(name: string, allowed: string): InvalidOption {
  return invalidOption(`invalid ${name}: allowed is ${allowed}`);
}
