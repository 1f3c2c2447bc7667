import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { Redis } from "outlast";
import type { RedisOptions } from "outlast";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { Server, client, codes, eventually, freePort, rejection, thrown } from "./helpers.ts";
import type { Recorded } from "./helpers.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "outlast-node-tls-"));
const file = (name: string): string => join(folder, name);
const quick = { serverDelayMs: 20, serverDelayMsMax: 100 };

beforeAll(() => run(join(import.meta.dirname, "..", "certificates"), [folder]));
afterAll(() => rmSync(folder, { recursive: true }));

/** A server that speaks TLS with this certificate, and its URL. */
async function startTls(name: string, ...options: string[]): Promise<[Server, string]> {
  const port = await freePort();
  const pair = ["--tls-cert-file", file(`${name}.pem`), "--tls-key-file", file(`${name}.key`)];
  const place = ["--tls-port", `${port}`, "--tls-ca-cert-file", file("ca.pem")];
  return [await Server.start(...place, ...pair, ...options), `rediss://127.0.0.1:${port}`];
}

async function outlastsAnOutage({ redis }: Recorded, server: Server): Promise<void> {
  await redis.connect();
  const large = "v".repeat(100_000);
  expect(await redis.set("k", large)).toBe("OK");
  expect(await redis.get("k")).toBe(large);
  const many = await Promise.all(Array.from({ length: 200 }, () => redis.incr("n")));
  expect(new Set(many).size).toBe(200);
  await server.kill();
  await eventually("the outage is noticed", () => redis.getStatus().mode === "degraded");
  expect(await redis.set("k", "w")).toBe("OK");
  expect(await redis.get("k")).toBe("w");
  await server.restart();
  await eventually("back on Redis", () => redis.getStatus().redis_connected);
  expect(await redis.get("k")).toBe("w");
  expect(await server.cli("GET", "k")).toBe("w");
}

test("TLS by URL, and by the options of ioredis", async () => {
  const [server, url] = await startTls("server");
  const files = {
    tlsCaFile: file("ca.pem"),
    tlsCertificateFile: file("client.pem"),
    tlsKeyFile: file("client.key"),
  };
  await outlastsAnOutage(client(url, { ...quick, ...files }), server);
  const [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map((name) =>
    readFileSync(file(name)),
  );
  const tls = { ca: [ca!.toString()], cert: cert!, key: key!, servername: "localhost" };
  // ioredis takes TLS from the option, whatever the URL says.
  const plain = url.replace("rediss:", "redis:");
  await outlastsAnOutage(client(plain, { ...quick, tls }), server);
});

test("no certificate is checked where nothing unauthorized is rejected", async () => {
  const [, url] = await startTls("expired", "--tls-auth-clients", "no");
  const insecure = client(url, { tls: { rejectUnauthorized: false } });
  await insecure.redis.connect();
  expect(await insecure.redis.ping()).toBe("PONG");
  expect(codes(insecure)).toEqual(["tls_insecure"]);
  const secure = client(url, { startupAttemptsMax: 1, tlsCaFile: file("ca.pem") });
  const error = await rejection(secure.redis.connect());
  expect(error["failure"]).toBe("tls_error");
  expect(error.message).toContain("the server's certificate has expired");
});

test("what is wrong with TLS is told at once", () => {
  const message = (options: object): string => thrown(() => new Redis(options)).message;
  expect(message({ tls: { checkServerIdentity: null } })).toContain("invalid tls.checkServerIdent");
  expect(message({ tls: { ca: "no PEM" } })).toContain("invalid tls_ca_pem");
  expect(message({ tls: true, tlsCaFile: "/none.pem" })).toContain('tls_ca_file "/none.pem"');
  expect(message({ tlsCaFile: "/none.pem" })).toContain("only with TLS");
  expect(message({ path: "/r.sock", port: 1 })).toContain("invalid path");
});

test("a unix socket by URL, by path and by option", async () => {
  const path = file("my redis.sock");
  const server = await Server.start("--unixsocket", path);
  await outlastsAnOutage(client(`unix://${path.replace(" ", "%20")}`, quick), server);
  await outlastsAnOutage(client(path, quick), server);
  await server.cli("CONFIG", "SET", "requirepass", "p@ss word");
  const options: RedisOptions = { path, db: 1, password: "p@ss word", profile: "production" };
  const redis = new Redis({ ...options, logger: false });
  onTestFinished(() => redis.disconnect());
  await redis.connect();
  expect(redis.getStatus().endpoint).toBe(`unix://${path}?db=1`);
  const beside = client(`unix://${path.replace(" ", "%20")}`, { password: "p@ss word" });
  await beside.redis.connect();
});

const packageFile = createRequire(import.meta.url).resolve("outlast/package.json");
const command = join(dirname(packageFile), "dist", "cli.js");

test("the doctor finds Redis, and says what fails", async () => {
  const [, url] = await startTls("server", "--tls-auth-clients", "no");
  const env = { ...process.env, OUTLAST_TLS_CA_FILE: file("ca.pem") };
  const { stdout } = await run(process.execPath, [command, "doctor", url, "--json"], { env });
  const report = JSON.parse(stdout) as { ok: boolean; steps: { outcome: string }[] };
  expect(report.ok).toBe(true);
  expect(report.steps.map(({ outcome }) => outcome)).toEqual(Array(9).fill("ok"));
  const refused = `redis://:planted@127.0.0.1:${await freePort()}`;
  const failed = await rejection(run(process.execPath, [command, "doctor", refused, "--json"]));
  expect(failed["code"]).toBe(13);
  expect(JSON.parse(String(failed["stdout"]))).toMatchObject({ kind: "connection_refused" });
  expect(`${String(failed["stdout"])}${String(failed["stderr"])}`).not.toContain("planted");
});
