/**
 * Commands as the native part reads them (`src/frames.rs`): written into memory that both sides see,
 * so that one crossing carries all that a program asks for in a tick.
 */

/** Words of the head, by their places: see `src/frames.rs`. */
const END = 0;
const OUTCOME = 1;
const TELLING = 2;
const HEAD_BYTES = 16;

/** What became of the commands of a crossing. */
export const PENDING = 0;
export const ANSWERED = 1;

/** Enough for the commands of most ticks; others cross in memory of their own. */
const MEMORY_BYTES = 64 * 1_024;

/** Up to here a loop writes a string faster than a call of a buffer's method. */
const LOOP_CHARACTERS_MAX = 40;

/** A command's name and arguments, which are plain: see `isPlain`. */
export type Words = readonly unknown[];

export class Frames {
  readonly bytes: Buffer;
  readonly #words: Int32Array;

  constructor(bytes = MEMORY_BYTES) {
    const memory = new ArrayBuffer(Math.ceil(bytes / 4) * 4);
    this.bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory);
    this.#words[END] = HEAD_BYTES;
  }

  /** Commands in memory of their own: what the native part reads of it. */
  static alone(commands: readonly Words[], buffers: readonly boolean[]): Buffer {
    let bytes = HEAD_BYTES;
    for (const words of commands) {
      bytes += 4;
      for (const word of words) bytes += 8 + bytesOf(word);
    }
    const frames = new Frames(bytes);
    for (const [place, words] of commands.entries()) frames.add(words, buffers[place] === true);
    return frames.bytes.subarray(HEAD_BYTES, frames.#words[END]);
  }

  get isEmpty(): boolean {
    return this.#words[END] === HEAD_BYTES;
  }

  /** What became of the last commands that crossed. */
  get outcome(): number {
    return this.#words[OUTCOME] as number;
  }

  /** Whether replies are being told, after which the native part takes what is here by itself. */
  get isTelling(): boolean {
    return this.#words[TELLING] === 1;
  }

  /** Adds a command; false if there is no room. */
  add(command: Words, buffers: boolean): boolean {
    const { bytes } = this;
    const words = this.#words;
    const room = bytes.length;
    let at = words[END] as number;
    if (at + 4 > room) return false;
    words[at >> 2] = command.length * 2 + (buffers ? 1 : 0);
    at += 4;
    for (let place = 0; place < command.length; place += 1) {
      const given = command[place];
      const word = typeof given === "string" || given instanceof Uint8Array ? given : textOf(given);
      // A character of a string takes three bytes at most.
      if (at + 8 + word.length > room) return false;
      const begin = at + 4;
      let length = word.length;
      if (typeof word !== "string") {
        bytes.set(word, begin);
      } else if (length > LOOP_CHARACTERS_MAX || !writeAscii(bytes, begin, word)) {
        if (begin + 3 * length + 4 > room && begin + Buffer.byteLength(word) + 4 > room) return false;
        length = bytes.write(word, begin, "utf8");
      }
      words[at >> 2] = length;
      at = (begin + length + 3) & ~3;
    }
    words[END] = at;
    return true;
  }
}

function writeAscii(bytes: Buffer, begin: number, word: string): boolean {
  for (let place = 0; place < word.length; place += 1) {
    const code = word.charCodeAt(place);
    if (code > 0x7f) return false;
    bytes[begin + place] = code;
  }
  return true;
}

/** Numbers as JavaScript writes them; null is an empty string, as ioredis has it. */
function textOf(word: unknown): string {
  return word === null ? "" : String(word);
}

function bytesOf(word: unknown): number {
  return word instanceof Uint8Array ? word.length : Buffer.byteLength(typeof word === "string" ? word : textOf(word));
}
