#!/usr/bin/env node
/** The command `npx outlast`: see `npx outlast --help`. */

import { commandLine } from "../index.js";

// Node's own handlers would kill the process before the server has ended well.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.exit(commandLine(process.argv.slice(2)));
