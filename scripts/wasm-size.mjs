// Prints the size of each build's .wasm, as it is and as a server would send it, as JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const folder = process.argv[2];
const sizes = {};
for (const build of ["web", "node"]) {
  const bytes = readFileSync(join(folder, build, "outlast_wasm_bg.wasm"));
  sizes[build] = { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}
process.stdout.write(`${JSON.stringify(sizes, null, 2)}\n`);
