/** The replies of a pipeline, told when the last has come. */

import { errorOf } from "./errors.js";
import type { ErrorInfo } from "./errors.js";
import type { Settler } from "./waiters.js";

export type Replies = [error: Error | null, reply?: unknown][];

export class Gathered {
  readonly #replies: Replies;
  readonly #told: (replies: Replies) => void;
  #missing: number;

  constructor(count: number, told: (replies: Replies) => void) {
    this.#replies = new Array<Replies[number]>(count);
    this.#told = told;
    this.#missing = count;
  }

  put(place: number, reply: Replies[number]): void {
    this.#replies[place] = reply;
    this.#missing -= 1;
    if (this.#missing === 0) this.#told(this.#replies);
  }
}

/** Commands of a pipeline that end together. */
export class Part implements Settler {
  readonly #gathered: Gathered;
  /** The place of the next of them, and of what follows the last. */
  #next: number;
  readonly #end: number;

  constructor(gathered: Gathered, begin: number, end: number) {
    this.#gathered = gathered;
    this.#next = begin;
    this.#end = end;
  }

  /** How many commands they are that have no reply yet. */
  get missing(): number {
    return this.#end - this.#next;
  }

  /** Whether a list as `resolve` takes it has an error. */
  static hasError(ended: unknown): boolean {
    return (ended as unknown[]).some((one, place) => place % 2 === 0 && one === false);
  }

  /** Replies to those that come next. */
  add(replies: unknown[]): void {
    for (let place = 0; place < replies.length; place += 1) this.#put([null, replies[place]]);
  }

  /** Of each whether it went well, and its reply or error. */
  resolve(ended: unknown): void {
    const list = ended as unknown[];
    for (let at = 0; at < list.length; at += 2) {
      const value = list[at + 1];
      this.#put(list[at] === true ? [null, value] : [errorOf(value as ErrorInfo)]);
    }
  }

  reject(error: Error): void {
    while (this.missing > 0) this.#put([error]);
  }

  #put(reply: Replies[number]): void {
    // The last one ends the pipeline, and its program may ask for more at once.
    this.#next += 1;
    this.#gathered.put(this.#next - 1, reply);
  }
}
