// Works through the Node client.
import { Redis } from "outlast";

import { drive } from "./working.mjs";

await drive(async (url) => {
  const redis = new Redis(url, { logger: false });
  const lines = [];
  redis.on("log", ({ level, code, message }) => lines.push(`${level} ${code}: ${message}`));
  redis.on("error", () => {});
  return {
    call: (...args) => redis.call(...args),
    status: () => redis.getStatus(),
    log: () => lines,
    close: () => redis.disconnect(),
  };
});
