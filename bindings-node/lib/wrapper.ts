/**
 * One shared client, made from the environment: `REDIS_URL`, or `REDIS_HOST`, `REDIS_PORT`,
 * `REDIS_PASSWORD` and `REDIS_DB`. Redis is optional in development and required in production, by
 * `NODE_ENV` unless `OUTLAST_PROFILE` names the profile.
 */

import { InvalidOption } from "./errors.js";
import type { RedisOptions } from "./options.js";
import { Redis } from "./redis.js";

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
  if (variable("REDIS_CLUSTER") === "true") {
    throw new InvalidOption({
      name: "InvalidOption",
      code: "invalid_option",
      message: "REDIS_CLUSTER=true: Redis Cluster is not supported yet; allowed is false or unset",
    });
  }
  const options: RedisOptions = { lazyConnect: true };
  const url = variable("REDIS_URL");
  if (url !== undefined) return new Redis(url, options);
  const place = {
    host: variable("REDIS_HOST"),
    port: variable("REDIS_PORT"),
    password: variable("REDIS_PASSWORD"),
    db: variable("REDIS_DB"),
  };
  const given = Object.entries(place).filter(([, value]) => value !== undefined);
  return new Redis({ ...options, ...(Object.fromEntries(given) as RedisOptions) });
}

/** A variable that is empty is not set: that is how deployments clear one. */
function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}
