/** Those who wait for the end of a command, by the numbers of commands. */

import { ignore } from "./promises.js";

/** Is told how a command ended, and its number. */
export interface Settler {
  resolve(value: unknown, number: number): void;
  reject(error: Error, number: number): void;
}

let resolveOf: (value: unknown) => void;
let rejectOf: (error: Error) => void;

/** One function for all promises: a closure for each would cost more than the promise. */
function remember(resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  resolveOf = resolve;
  rejectOf = reject;
}

/** A promise whose rejection nobody needs to handle; whoever awaits it still gets it. */
export class Waiter implements Settler {
  readonly promise = new Promise<unknown>(remember);
  readonly resolve = resolveOf;
  readonly #reject = rejectOf;

  reject(error: Error): void {
    this.promise.catch(ignore);
    this.#reject(error);
  }
}

/** Numbers follow one another; most commands end in that order. */
export class Waiters {
  #slots = new Array<Settler | undefined>(64).fill(undefined);
  /** The first that waits, and the number of the next command. */
  #first = 0;
  #next = 0;

  get isEmpty(): boolean {
    return this.#first === this.#next;
  }

  /** The number of the next command. */
  get next(): number {
    return this.#next;
  }

  push(settler: Settler): void {
    if (this.#next - this.#first === this.#slots.length) this.#grow();
    this.#slots[this.#next & (this.#slots.length - 1)] = settler;
    this.#next += 1;
  }

  /** A command ended before anybody had to wait; nobody else waits. */
  skip(): void {
    this.#first += 1;
    this.#next += 1;
  }

  /** Whoever waits for this one. */
  find(number: number): Settler | undefined {
    if (number < this.#first || number >= this.#next) return undefined;
    return this.#slots[number & (this.#slots.length - 1)];
  }

  take(number: number): Settler | undefined {
    if (number < this.#first || number >= this.#next) return undefined;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const settler = slots[number & mask];
    slots[number & mask] = undefined;
    if (number === this.#first) {
      do this.#first += 1;
      while (this.#first < this.#next && slots[this.#first & mask] === undefined);
    }
    return settler;
  }

  #grow(): void {
    const slots = new Array<Settler | undefined>(this.#slots.length * 2).fill(undefined);
    for (let number = this.#first; number < this.#next; number += 1) {
      slots[number & (slots.length - 1)] = this.#slots[number & (this.#slots.length - 1)];
    }
    this.#slots = slots;
  }
}
