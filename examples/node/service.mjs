// A small web service on outlast, which keeps answering while Redis is down.
//
//   REDIS_URL=redis://localhost:6379 PORT=8000 node service.mjs
//
//   POST /visits        counts a visit
//   PUT  /session/:id   keeps a session, any JSON, for half an hour
//   GET  /session/:id   reads it back
//   GET  /health        for probes and for people
//
// For callers on this machine: /outlast/livez, /outlast/readyz, /outlast/status, and with
// DEVTOOLS_FOLDER=<folder> the devtools page at /outlast/devtools/.

import express from "express";
import { Redis } from "outlast";
import { health } from "outlast/health";

const SESSION_SECONDS = 1800;
const prefix = process.env.KEY_PREFIX ?? "";

const redis = new Redis(process.env.REDIS_URL ?? "redis://localhost:6379", {
  profile: "production",
});

try {
  await redis.connect();
} catch (error) {
  // Production starts only with Redis there. An outage that comes later stops nothing.
  console.error(`not started: ${error.message}`);
  process.exit(1);
}

const app = express();
app.use(health(redis, { devtools: process.env.DEVTOOLS_FOLDER }));
app.use(express.json());

app.post("/visits", async (_request, response) => {
  try {
    response.json({ visits: await redis.incr(`${prefix}visits`) });
  } catch (error) {
    if (error.code !== "maybe_applied") throw error;
    // Redis went away after this INCR was sent and before it answered. Once more could count
    // twice, so the visitor is told that the visit was taken, but no number.
    response.status(202).json({ visits: null });
  }
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

app.get("/health", (_request, response) => {
  // Always 200: restarting this service would not bring Redis back, and would lose what was
  // written meanwhile. People and dashboards read the mode.
  const status = redis.getStatus();
  response.json({ live: true, ready: status.mode !== "closed", redis: status });
});

app.use((error, request, response, _next) => {
  // What outlast neither does nor may pretend to have done: a lock, say, or a full memory.
  console.error(`${request.path}: ${error.message}`);
  response.status(error.status ?? 503).json({ error: error.code });
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");

process.on("SIGTERM", () => {
  server.close();
  redis.quit();
});
