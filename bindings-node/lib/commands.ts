/** Commands of ioredis, which carry their promise, the prefix of their keys and their transformers. */

import { Command } from "ioredis";

import { ignore } from "./promises.js";

type Transformers = Readonly<Record<string, unknown>>;

/** Names of commands whose arguments or replies ioredis gives another shape. */
export function transformers(): { argument: Transformers; reply: Transformers } {
  return (Command as unknown as { _transformer: { argument: Transformers; reply: Transformers } })
    ._transformer;
}

/** How its reply is to be read: null for bytes as they are. */
export function wantsBytes(command: Command): boolean {
  return (command as unknown as { replyEncoding: string | null }).replyEncoding !== "utf8";
}

/** Is told how a command ended. */
export interface Ends {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Ends a command; nobody needs to handle its rejection. */
export function settlerOf(command: Command): Ends {
  return {
    resolve: (value) => void command.resolve(value),
    reject(error) {
      // The place of a reply error in a program is known by its command; what it said may be secret.
      if (!("command" in error)) Object.assign(error, { command: { name: command.name } });
      command.promise.catch(ignore);
      command.reject(error);
    },
  };
}

/** The same, with numbers as text (`stringNumbers`). */
export function withTextNumbers(settler: Ends): Ends {
  return { ...settler, resolve: (value) => settler.resolve(asText(value)) };
}

function asText(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return Array.isArray(value) ? value.map(asText) : value;
}

/**
 * A script of `defineCommand` is sent whole to a place that may not know it, else by its digest:
 * it changes itself as it is written.
 */
export function asScript(command: Command, place: object): void {
  if (command.toWritable !== Command.prototype.toWritable) command.toWritable(place);
}
