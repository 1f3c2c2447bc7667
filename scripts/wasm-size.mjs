// Prints the size of each .wasm that is named, as it is and as a server would send it, as JSON.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";

const sizes = {};
for (const path of process.argv.slice(2)) {
  const bytes = readFileSync(path);
  const gzip = gzipSync(bytes, { level: 9 }).length;
  sizes[basename(path, "_bg.wasm")] = { raw: bytes.length, gzip };
}
process.stdout.write(`${JSON.stringify(sizes, null, 2)}\n`);
