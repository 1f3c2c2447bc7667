/**
 * Probes, a status and the devtools page for a service, as middleware for Express, Connect and `http`:
 *
 *     app.use(health(redis));
 *
 * `/outlast/livez` is never red because of Redis, `/outlast/readyz` follows the option `startup`,
 * `/outlast/status` is the status with the last log lines as JSON, `/outlast/metrics` is for Prometheus
 * where the client has figures for it, and `/outlast/devtools/` the devtools page where its folder is given.
 */

import type { IncomingMessage, ServerResponse } from "node:http";

import * as native from "../index.js";
import { guarded } from "./errors.js";
import type { LogRecord, Status } from "./types.js";

/** Log lines that a status tells. */
const LINES_MAX = 200;

/** Any client of outlast. */
export interface Watched {
  getStatus(): Status;
  on?(event: "log", listener: (record: LogRecord) => void): unknown;
  metrics?(): string;
}

export interface HealthOptions {
  /** Where the answers begin (`/outlast`), below where the middleware is mounted. */
  at?: string;
  /** Addresses and networks (`10.0.0.0/8`) that may ask, beside this machine. */
  allow?: readonly string[];
  /** Names by which callers may ask for the service, beside `localhost` and its address. */
  hosts?: readonly string[];
  /** The folder of the devtools page, as `make devtools` puts it together. */
  devtools?: string | undefined;
}

/** Answers, or leaves the request to `next`; without a `next` what is not there is a 404. */
export type Middleware = (
  request: IncomingMessage & { baseUrl?: string },
  response: ServerResponse,
  next?: () => void,
) => void;

/**
 * Middleware that answers below `at`, and tells who may know where the status is with the header
 * `X-Outlast-Status`. Callers on this machine may; what comes through a proxy, or for a name that is
 * not in `hosts`, gets a 404.
 */
export function health(client: Watched, options: HealthOptions = {}): Middleware {
  const { at = "/outlast", allow = [], hosts = [], devtools } = options;
  const answers = guarded(() => new native.Health([...allow], [...hosts], devtools));
  const lines: { at_ms: number; record: LogRecord }[] = [];
  client.on?.("log", (record) => {
    lines.push({ at_ms: Date.now(), record });
    if (lines.length > LINES_MAX) lines.shift();
  });
  return (request, response, next) => {
    const mount = `${request.baseUrl ?? ""}${at}`;
    const remote = request.socket.remoteAddress ?? "";
    const path = below(request.url ?? "", at);
    if (path === undefined && next !== undefined) {
      if (answers.allows(remote, request.rawHeaders)) {
        response.setHeader("X-Outlast-Status", `${mount}/status`);
      }
      next();
      return;
    }
    const answer = answers.answer(
      request.method ?? "",
      mount,
      path ?? "",
      remote,
      request.rawHeaders,
      JSON.stringify(client.getStatus()),
      JSON.stringify(lines),
      client.metrics?.(),
    );
    response.writeHead(answer.code, answer.headers);
    response.end(answer.body);
  };
}

/** The rest of a URL's path that lies below another; what cannot be read lies nowhere. */
function below(url: string, at: string): string | undefined {
  const [path = ""] = url.split("?", 1);
  if (path !== at && !path.startsWith(`${at}/`)) return undefined;
  try {
    return decodeURIComponent(path.slice(at.length));
  } catch {
    return "";
  }
}
