/** Writes of outages that Redis refused for good. */

import type { Client } from "../index.js";

/** A write of an outage that Redis refused for good. */
export interface DeadLetter {
  key: Buffer;
  /** What was to write it; commands that Redis did not refuse were done. */
  commands: Buffer[][];
  /** What Redis said. */
  error: string;
  /** When. */
  at: Date;
}

export function deadLettersOf(client: Client): DeadLetter[] {
  return client.deadLetters().map(([key, commands, error, at]) => ({
    key,
    commands,
    error: error.toString(),
    at: new Date(at),
  }));
}
