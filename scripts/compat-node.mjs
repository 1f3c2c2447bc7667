// Prints what the tests of ioredis say of ioredis and of outlast, and which pass on ioredis alone.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
const [stock, ours] = [read("ioredis"), read("outlast")];

console.log("| | passed | failed | pending |");
console.log("| --- | --- | --- | --- |");
for (const [name, { stats }] of [
  ["ioredis", stock],
  ["outlast", ours],
]) {
  console.log(`| ${name} | ${stats.passes} | ${stats.failures} | ${stats.pending} |`);
}

const passed = new Set(ours.passes.map(({ fullTitle }) => fullTitle));
const lost = stock.passes.filter(({ fullTitle }) => !passed.has(fullTitle));
console.log(`\n${lost.length} pass on ioredis alone:`);
for (const { file, fullTitle } of lost)
  console.log(`- ${file?.split("/test/").at(-1)}: ${fullTitle}`);
process.exitCode = lost.length > 0 ? 1 : 0;
