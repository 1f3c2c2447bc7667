// Works through ioredis, to see what becomes of it beside outlast.
import { Redis } from "ioredis";

import { drive } from "./working.mjs";

await drive(async (url) => {
  const place = new URL(url);
  const knob = (name) => Number(place.searchParams.get(name));
  const redis = new Redis({
    host: place.hostname,
    port: Number(place.port),
    commandTimeout: knob("command_timeout_ms"),
    connectTimeout: knob("connect_timeout_ms"),
  });
  const lines = [];
  redis.on("error", (error) => lines.push(String(error.message)));
  return {
    call: (...args) => redis.call(...args),
    status: () => null,
    log: () => lines,
    close: () => redis.disconnect(),
  };
});
