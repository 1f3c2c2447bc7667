/**
 * Commands as the native part reads them (`src/frames.rs`): written into memory that both sides see,
 * so that one crossing carries all that a program asks for in a tick.
 */

/** The word before a pipeline. */
const PIPELINE = -1;

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

/** A command. */
export interface Prepared {
  name: string;
  /** Strings, numbers and what else is plain: see `isPlain`. */
  args: readonly unknown[];
  /** Whether its reply is wanted as bytes. */
  buffers: boolean;
}

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
  static alone(commands: readonly Prepared[], isPipeline = false): Buffer {
    let bytes = HEAD_BYTES + 8;
    for (const { name, args } of commands) {
      bytes += 12 + bytesOf(name);
      for (const word of args) bytes += 8 + bytesOf(word);
    }
    const frames = new Frames(bytes);
    if (isPipeline) frames.addPipeline(commands);
    else for (const { name, args, buffers } of commands) frames.add(name, args, buffers);
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
  add(name: string, args: readonly unknown[], buffers: boolean): boolean {
    const begin = this.#words[END] as number;
    if (begin + 4 > this.bytes.length) return false;
    this.#words[begin >> 2] = (args.length + 1) * 2 + (buffers ? 1 : 0);
    let at = this.#addText(name, begin + 4);
    for (let place = 0; place < args.length && at > 0; place += 1) {
      const word = args[place];
      if (typeof word === "string") at = this.#addText(word, at);
      else if (word instanceof Uint8Array) at = this.#addBytes(word, at);
      else at = this.#addText(textOf(word), at);
    }
    if (at === 0) return false;
    this.#words[END] = at;
    return true;
  }

  /** Adds commands that end together; false if there is no room. */
  addPipeline(commands: readonly Prepared[]): boolean {
    const words = this.#words;
    const begin = words[END] as number;
    if (begin + 8 > this.bytes.length) return false;
    words[begin >> 2] = PIPELINE;
    words[(begin >> 2) + 1] = commands.length;
    words[END] = begin + 8;
    for (let place = 0; place < commands.length; place += 1) {
      const { name, args, buffers } = commands[place] as Prepared;
      if (!this.add(name, args, buffers)) {
        words[END] = begin;
        return false;
      }
    }
    return true;
  }

  /** Where the next word begins, or 0 if there is no room. */
  #addText(word: string, at: number): number {
    const { bytes } = this;
    const begin = at + 4;
    let { length } = word;
    if (begin + length + 4 > bytes.length) return 0;
    if (length > LOOP_CHARACTERS_MAX || !writeAscii(bytes, begin, word)) {
      // A character takes three bytes at most.
      const room = bytes.length - begin - 4;
      if (3 * length > room && Buffer.byteLength(word) > room) return 0;
      length = bytes.write(word, begin, "utf8");
    }
    this.#words[at >> 2] = length;
    return (begin + length + 3) & ~3;
  }

  #addBytes(word: Uint8Array, at: number): number {
    const begin = at + 4;
    if (begin + word.length + 4 > this.bytes.length) return 0;
    this.bytes.set(word, begin);
    this.#words[at >> 2] = word.length;
    return (begin + word.length + 3) & ~3;
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
  if (word instanceof Uint8Array) return word.length;
  return Buffer.byteLength(typeof word === "string" ? word : textOf(word));
}
