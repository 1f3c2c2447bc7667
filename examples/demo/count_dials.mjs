// Counts a Node program's connection attempts, a byte in a file for each.
//
//   DIALS_FILE=dials node --import ./count_dials.mjs program.mjs
//
// The program is as it is: Node itself tells of every client socket, also of those that are refused.

import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";

subscribe("net.client.socket", () => appendFileSync(process.env.DIALS_FILE, "."));
