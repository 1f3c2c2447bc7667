/** Answers from memory, which are there at once. */

/** Those of one turn of the loop: less than a millisecond of them. */
const ANSWERS_BY_TURN_MAX = 512;

/**
 * Says which answers may be told in this turn of the loop. A program that asks again and again would
 * else keep the loop from everything else; what it is refused is told later at once, for programs try
 * again when they are refused.
 */
export class Answers {
  /** Answers since the loop last turned, and those that wait until it does. */
  #count = 0;
  #deferred: (() => void)[] = [];
  #isPlanned = false;

  /** Whether so many more may be told now. */
  mayTell(answers = 1): boolean {
    this.#count += answers;
    this.#planNextTurn();
    return this.#count <= ANSWERS_BY_TURN_MAX && this.#deferred.length === 0;
  }

  /** Has it told when the loop has turned. */
  defer(tell: () => void): void {
    this.#deferred.push(tell);
    this.#planNextTurn();
  }

  #planNextTurn(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#count = 0;
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const tell of deferred) tell();
    });
  }
}
