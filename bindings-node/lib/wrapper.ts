/**
 * One shared client, made from the environment: `REDIS_URL`, or `REDIS_HOST`, `REDIS_PORT`,
 * `REDIS_PASSWORD` and `REDIS_DB`. With `REDIS_CLUSTER=true` these name nodes of a cluster, with commas
 * between several (`REDIS_HOST=one:7000,two:7000`). Redis is optional in development and required in production, by
 * `NODE_ENV` unless `OUTLAST_PROFILE` names the profile.
 */

import { invalidOption } from "./errors.js";
import type { RedisOptions } from "./options.js";
import { Redis } from "./redis.js";
import { placesOf } from "./sentinels.js";

const PORT = 6379;

let shared: Redis | undefined;

/** The shared client; it dials with its first command. Throws where a variable is not allowed. */
export function getRedis(): Redis {
  shared ??= made();
  return shared;
}

/** Closes the shared client once its commands have ended; the next `getRedis` makes a new one. */
export async function closeRedis(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.quit();
}

/** Whether Redis itself answers; an answer from memory does not count. Never rejects. */
export async function healthCheck(): Promise<boolean> {
  try {
    const redis = getRedis();
    await redis.ping();
    return redis.getStatus().redis_connected;
  } catch {
    return false;
  }
}

function made(): Redis {
  const cluster = isCluster();
  const options: RedisOptions = { lazyConnect: true };
  const url = variable("REDIS_URL");
  if (url !== undefined) return new Redis(cluster ? ofCluster(url) : url, options);
  const [host, port] = [variable("REDIS_HOST"), variable("REDIS_PORT")];
  const nodes = placesOf(host ?? "localhost", "REDIS_HOST", Number(port ?? PORT));
  const place = {
    ...(cluster ? { cluster: { nodes } } : { host, port }),
    password: variable("REDIS_PASSWORD"),
    db: variable("REDIS_DB"),
  };
  const given = Object.entries(place).filter(([, value]) => value !== undefined);
  return new Redis({ ...options, ...(Object.fromEntries(given) as RedisOptions) });
}

function isCluster(): boolean {
  const value = variable("REDIS_CLUSTER");
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw invalidOption(`invalid REDIS_CLUSTER "${value}": allowed is true, false or unset`);
}

/** The same place as one node of a cluster. */
function ofCluster(url: string): string {
  return url.replace(/^(rediss?):\/\//i, "$1-cluster://");
}

/** A variable that is empty is not set: that is how deployments clear one. */
function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}
