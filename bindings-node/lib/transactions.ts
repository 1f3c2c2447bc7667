/**
 * MULTI to EXEC. A pipeline hands its commands over one after the other: they leave in one piece,
 * so that no command of another caller comes between. Without a pipeline they go over a connection of
 * the client's own, or, Redis being away, are kept until EXEC.
 */

import type { Command } from "ioredis";

import { asScript, settlerOf } from "./commands.js";
import { namedWithin } from "./errors.js";
import type { Link } from "./link.js";

type Pipelined = Command & { pipelineIndex?: number };

export class Transactions {
  /** No connection is the client's own: what has no pipeline is kept until EXEC, too. */
  readonly #keepsAll: boolean;
  /** MULTI and what came after it. */
  #commands: Command[] | undefined;
  #isPiped = false;
  /** WATCH or MULTI went over a connection of the client's own. */
  #isWatching = false;
  #isQueueing = false;

  constructor(keepsAll: boolean) {
    this.#keepsAll = keepsAll;
  }

  /** Whether a connection of the client's own has the transaction. */
  get isHeld(): boolean {
    return this.#isWatching || this.#isQueueing;
  }

  get isOpen(): boolean {
    return this.isHeld || this.#commands !== undefined;
  }

  /** Notes what goes over a connection of the client's own. */
  follow(name: string): void {
    if (name === "multi") this.#isQueueing = true;
    if (name === "watch") this.#isWatching = true;
    if (name === "exec" || name === "discard") this.#isQueueing = this.#isWatching = false;
    if (name === "unwatch") this.#isWatching = false;
  }

  /** Takes a command that is part of a transaction; false if it is none. */
  take(command: Pipelined, name: string, link: Link, place: object): boolean {
    const commands = this.#commands;
    if (commands === undefined) {
      this.#isPiped = command.pipelineIndex !== undefined;
      if (name !== "multi" || this.#goesAlone(link)) return false;
      this.#commands = [command];
      if (!this.#isPiped) command.resolve("OK");
      return true;
    }
    // A script that one node of a cluster knows may be unknown to the one that does the transaction.
    asScript(command, this.#keepsAll ? {} : place);
    commands.push(command);
    if (name === "discard") this.#discard(commands);
    else if (name === "exec") this.#execute(commands, link);
    else if (!this.#isPiped) command.resolve("QUEUED");
    return true;
  }

  #goesAlone(link: Link): boolean {
    return !this.#isPiped && !this.#keepsAll && link.isConnected;
  }

  #discard(commands: Command[]): void {
    this.#commands = undefined;
    const last = commands.length - 1;
    for (const [place, command] of commands.entries()) {
      command.resolve(place === 0 || place === last ? "OK" : "QUEUED");
    }
  }

  #execute(commands: Command[], link: Link): void {
    this.#commands = undefined;
    const waiting = commands.map(settlerOf);
    const settler = {
      resolve(replies: unknown) {
        for (const [place, reply] of (replies as unknown[]).entries()) {
          if (reply instanceof Error) waiting[place]?.reject(reply);
          else waiting[place]?.resolve(reply);
        }
      },
      reject(error: Error) {
        for (const each of waiting) each.reject(error);
      },
    };
    const inner = commands.slice(1, -1).map(({ name, args }) => ({ name, args, buffers: true }));
    link.transact(settler, inner);
  }
}

/** Replies to MULTI, to each command, and to EXEC. */
export function transactionOf(replies: unknown[]): unknown[] {
  const named = namedWithin(replies) as unknown[];
  return [...named.slice(0, -1), namedWithin(named.at(-1))];
}
