// Simulates a day of 1,000 clients in WASM, and prints the seconds that each kind of outage took, as JSON. All
// but the first last the whole day, so that every client dials all day long.
import { simulateFleet } from "../../bindings-wasm/dist/node.js";

const CLIENTS = 1_000;
const DAY_MS = 86_400_000;
const OUTAGES = {
  "refused for ten minutes": { kind: "connection_refused", until_ms: 610_000 },
  "refused all day": { kind: "connection_refused", until_ms: DAY_MS },
  "no answer all day": { kind: "connect_timeout", until_ms: DAY_MS },
  "no name all day": { kind: "dns_error", until_ms: DAY_MS },
};

const seconds = {};
for (const [name, outage] of Object.entries(OUTAGES)) {
  const started = performance.now();
  const { dials } = simulateFleet(
    { profile: "production" },
    { ...outage, duration_ms: DAY_MS },
    CLIENTS,
  );
  seconds[name] = {
    seconds: (performance.now() - started) / 1_000,
    dials: dials.reduce((sum, each) => sum + each, 0),
  };
}
process.stdout.write(`${JSON.stringify(seconds)}\n`);
