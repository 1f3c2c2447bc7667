/** What the page tests share: a server for the repository's files, and a browser. */

import { access, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Outlast } from "outlast-wasm";
import { chromium, type Browser } from "playwright-core";

/** What the pages put on the console. */
declare global {
  var outlast: Outlast;
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** As strict as the page's own, and set by the server as a careful host would set it. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; " +
  "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Serves the repository on a free port of this machine. */
export async function serve(): Promise<{ origin: string; server: Server }> {
  const server = createServer(async (request, response) => {
    try {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const path = normalize(join(ROOT, decodeURIComponent(pathname)));
      if (!path.startsWith(ROOT) || path.includes(`${sep}.`)) throw new Error("not for the page");
      const file = path.endsWith(sep) ? join(path, "index.html") : path;
      const body = await readFile(file);
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, server };
}

/** Starts the Chromium that CHROME_PATH names, or the system's. */
export async function launch(): Promise<Browser> {
  const executablePath = process.env["CHROME_PATH"] ?? "/usr/bin/chromium";
  await access(executablePath);
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
