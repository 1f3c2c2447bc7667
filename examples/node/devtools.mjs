// The devtools page of a service, and the status that its tab Live asks for.
//
// It tells what an operator sees, so only callers on this machine get it, whatever address the service
// listens on.

import express from "express";

const LINES_MAX = 200;
// The names under which a browser on this machine knows the service; under any other, a page of
// somebody else could ask for it by pointing its own name here.
const HOSTS = ["localhost", "127.0.0.1", "::1", "[::1]"];
const LOOPBACK = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/;

/** The page for `app.use("/devtools", …)`; `folder` is what scripts/build-devtools made. */
export function devtools(folder, redis) {
  const lines = [];
  redis.on("log", (record) => {
    lines.push({ at_ms: Date.now(), record });
    if (lines.length > LINES_MAX) lines.shift();
  });
  const router = express.Router();
  router.use((request, response, next) => {
    const isHere = LOOPBACK.test(request.socket.remoteAddress) && HOSTS.includes(request.hostname);
    if (isHere) next();
    else response.status(404).end();
  });
  router.get("/status", (_request, response) => {
    response.json({ status: redis.getStatus(), lines });
  });
  router.use(express.static(folder));
  return router;
}
