// The service of service.mjs on ioredis, to compare: the same routes, for the same requests.
//
//   REDIS_URL=redis://localhost:6379 PORT=8000 node plain_service.mjs
//
// ioredis as its documentation shows it, with a command timeout of a second, its `error` event
// logged, and a log line and a 503 for every command that fails.

import express from "express";
import { Redis } from "ioredis";

const SESSION_SECONDS = 1800;
const prefix = process.env.KEY_PREFIX ?? "";

const redis = new Redis(process.env.REDIS_URL ?? "redis://localhost:6379", {
  commandTimeout: 1000,
});
redis.on("error", (error) => console.error("redis:", error.message));

const app = express();
app.use(express.json());

app.post("/visits", async (_request, response) => {
  response.json({ visits: await redis.incr(`${prefix}visits`) });
});

app.put("/session/:name", async (request, response) => {
  const session = JSON.stringify(request.body);
  await redis.setex(`${prefix}session:${request.params.name}`, SESSION_SECONDS, session);
  response.status(204).end();
});

app.get("/session/:name", async (request, response) => {
  const session = await redis.get(`${prefix}session:${request.params.name}`);
  if (session === null) response.status(404).json({ error: "no such session" });
  else response.type("json").send(session);
});

app.get("/health", async (request, response) => {
  // Always 200, as in service.mjs: it is alive, whatever Redis is.
  let ready = true;
  try {
    await redis.ping();
  } catch (error) {
    console.error(`${request.path}: ${error.message}`);
    ready = false;
  }
  response.json({ live: true, ready });
});

app.use((error, request, response, _next) => {
  console.error(`${request.path}: ${error.message}`);
  response.status(error.status ?? 503).json({ error: "Redis is unavailable" });
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");

process.on("SIGTERM", () => {
  server.close();
  redis.disconnect();
});
