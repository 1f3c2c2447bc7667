/**
 * The client on Node's own loop: commands leave through, and replies come back on, a socket of
 * this thread. The native part dials in the background, and hands over connections that are ready.
 */

import { closeSync } from "node:fs";
import { Socket } from "node:net";

import * as native from "../index.js";
import { closed, errorOf, guarded, namedWithin } from "./errors.js";
import type { ErrorInfo } from "./errors.js";
import type { Happening } from "./events.js";
import { ignore, rejected } from "./promises.js";
import type { Status } from "./types.js";

/** What a turn says of the socket, apart from the number of one to take over. */
const KEEP = -1;
const CLOSE = -2;

/** Answers from memory within one turn of the loop: less than a millisecond of them. */
const ANSWERS_BY_TURN_MAX = 512;

/** The longest time that a timer takes. */
const TIMER_MS_MAX = 2_147_483_647;

/** Is told how a command ended. */
export interface Settler {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A command's name and arguments, and whether its reply is wanted as bytes. */
export interface Prepared {
  args: readonly unknown[];
  buffers: boolean;
}

/** The number of a command that waits, or how it ended. */
type Outcome = number | [boolean, unknown];

interface Waiter extends Settler {
  promise: Promise<unknown>;
}

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

export class Link {
  readonly #native: native.Client;
  readonly #tell: (happenings: Happening[]) => void;
  readonly #deadlineMs: number;
  readonly #pending = new Map<number, Settler>();
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #staysAlive: NodeJS.Timeout | undefined;
  #turnPlanned = false;
  #writePlanned = false;
  #starting: Waiter | undefined;
  #draining: Waiter | undefined;
  #closed = false;
  /** Answers from memory since the loop last turned, and those that wait until it does. */
  #answers = 0;
  #deferred: (() => void)[] = [];
  #nextTurnPlanned = false;

  constructor(url: string, options: object, tell: (happenings: Happening[]) => void) {
    this.#tell = tell;
    // A client that cannot be made may still have called for a turn.
    this.#turnPlanned = true;
    this.#native = guarded(() => new native.Client(url, options, () => this.#planTurn()));
    this.#turnPlanned = false;
    this.#deadlineMs = this.#native.deadlineMs;
    if (!this.#native.lazy) this.#start();
  }

  get endpoint(): string {
    return this.#native.endpoint;
  }

  status(): Status {
    return JSON.parse(this.#native.status()) as Status;
  }

  deadLetters(): DeadLetter[] {
    return this.#native.deadLetters().map(([key, commands, error, at]) => ({
      key,
      commands,
      error: error.toString(),
      at: new Date(at),
    }));
  }

  /** Dials, unless that was done; resolves once the startup is over. */
  connect(): Promise<void> {
    this.#start();
    this.#starting ??= waiter();
    const { promise } = this.#starting;
    this.#settleStartup();
    return promise as Promise<void>;
  }

  /** Dials, unless that was done. */
  begin(): void {
    this.#start();
  }

  /** Whether the startup is over, so that a command need not wait for it. */
  get isStarted(): boolean {
    return this.#native.startup() !== null;
  }

  /** Sends a command, or has it answered from memory at once. */
  submit(args: readonly unknown[], buffers: boolean): Promise<unknown> {
    if (this.#draining !== undefined) return rejected(closed());
    const outcome = this.#native.submit(args as unknown[], buffers) as Outcome;
    if (typeof outcome !== "number" && outcome[0] && this.#mayAnswerNow()) {
      return Promise.resolve(outcome[1]);
    }
    const pending = waiter();
    this.#take(outcome, pending);
    return pending.promise;
  }

  /** As `submit`, and tells this settler. */
  submitFor(settler: Settler, args: readonly unknown[], buffers: boolean): void {
    if (this.#draining !== undefined) settler.reject(closed());
    else this.#take(this.#native.submit(args as unknown[], buffers), settler);
  }

  /** Sends what stands between MULTI and EXEC in one piece; replies are bytes. */
  transact(settler: Settler, commands: readonly (readonly unknown[])[]): void {
    const named = {
      resolve: (replies: unknown) => settler.resolve(transactionOf(replies as unknown[])),
      reject: (error: Error) => settler.reject(error),
    };
    if (this.#draining !== undefined) settler.reject(closed());
    else this.#take(this.#native.submitTransaction(commands as unknown[][]), named);
  }

  /** Sends commands that follow one another, and tells each settler. */
  submitAll(settlers: readonly Settler[], commands: readonly Prepared[]): void {
    const args: unknown[] = [];
    const lengths: number[] = [];
    const buffers: boolean[] = [];
    for (const command of commands) {
      args.push(...command.args);
      lengths.push(command.args.length);
      buffers.push(command.buffers);
    }
    if (this.#draining !== undefined) {
      for (const settler of settlers) settler.reject(closed());
      return;
    }
    const isIdle = this.#pending.size === 0;
    const outcomes = this.#native.submitAll(args, lengths, buffers) as Outcome[];
    outcomes.forEach((outcome, place) => {
      const settler = settlers[place] as Settler;
      if (typeof outcome === "number") this.#pending.set(outcome, settler);
      else this.#take(outcome, settler);
    });
    if (this.#pending.size === 0) return;
    this.#wait();
    if (isIdle) this.#write();
    else this.#planWrite();
  }

  /** Whether commands go to Redis at this moment. */
  get isConnected(): boolean {
    return this.#native.connected;
  }

  #take(outcome: Outcome, settler: Settler): void {
    if (typeof outcome === "number") {
      this.#await(outcome, settler);
      return;
    }
    const [ok, value] = outcome;
    const tell = ok
      ? () => settler.resolve(value)
      : () => settler.reject(errorOf(value as ErrorInfo));
    if (ok && this.#mayAnswerNow()) tell();
    else this.#deferred.push(tell);
    this.#planNextTurn();
  }

  /**
   * Whether an answer from memory may be told in this turn of the loop. A program that asks again and
   * again would else keep the loop from everything else; what it is refused is told later at once,
   * for programs try again when they are refused.
   */
  #mayAnswerNow(): boolean {
    this.#answers += 1;
    this.#planNextTurn();
    return this.#answers <= ANSWERS_BY_TURN_MAX && this.#deferred.length === 0;
  }

  #planNextTurn(): void {
    if (this.#nextTurnPlanned) return;
    this.#nextTurnPlanned = true;
    setImmediate(() => {
      this.#nextTurnPlanned = false;
      this.#answers = 0;
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const tell of deferred) tell();
    });
  }

  #await(number: number, settler: Settler): void {
    this.#pending.set(number, settler);
    this.#wait();
    if (this.#pending.size === 1) this.#write();
    else this.#planWrite();
  }

  /** Something waits for its reply. */
  #wait(): void {
    if (this.#staysAlive === undefined) this.#start();
    this.#timer ??= this.#wakeIn(this.#deadlineMs);
  }

  /** Gives up the connection as if it were lost, so that Redis is dialled anew. */
  reconnect(): void {
    const socket = this.#socket;
    if (socket !== undefined) this.#lostSocket(socket, "the client asked to reconnect");
  }

  /** Closes once every command that waits has ended; no other is taken. */
  drain(): Promise<void> {
    this.#draining ??= waiter();
    if (this.#pending.size === 0) this.close();
    return this.#draining.promise as Promise<void>;
  }

  /** Closes. Commands that wait are rejected, in a moment. */
  close(): void {
    this.#closed = true;
    this.#native.close();
    clearInterval(this.#staysAlive);
    this.#planTurn();
  }

  #start(): void {
    if (this.#closed) return;
    // As long as Redis may be needed the process stays, whether a socket is open or not: what
    // was written in an outage is to reach Redis.
    this.#staysAlive ??= setInterval(() => {}, TIMER_MS_MAX);
    this.#native.start();
  }

  /** Any thread of the native part may ask for a turn; it comes after what the sockets have. */
  #planTurn(): void {
    if (this.#turnPlanned) return;
    this.#turnPlanned = true;
    // A loop that was blocked finds replies and deadlines due at once: replies go first.
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turnPlanned = false;
    const [settlements, socket, nextInMs, happenings] = this.#native.turn();
    clearTimeout(this.#timer);
    this.#timer = nextInMs < 0 ? undefined : this.#wakeIn(nextInMs);
    if (socket !== KEEP) this.#drop();
    if (socket !== KEEP && socket !== CLOSE) this.#adopt(socket);
    this.#write();
    if (happenings !== null) this.#tell(JSON.parse(happenings) as Happening[]);
    this.#settle(settlements);
    this.#settleStartup();
    if (this.#closed) this.#draining?.resolve(undefined);
  }

  #wakeIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#planTurn(), Math.min(ms, TIMER_MS_MAX)).unref();
  }

  #adopt(fd: number): void {
    let socket: Socket;
    try {
      socket = new Socket({ fd, readable: true, writable: true });
    } catch (error) {
      closeSync(fd);
      this.#lost(String(error));
      return;
    }
    this.#socket = socket.setNoDelay();
    let reason: string | undefined;
    socket.on("data", (bytes: Uint8Array) => {
      this.#settle(this.#native.receive(bytes));
      // What could not be settled may have to go out once more.
      if (this.#pending.size > 0) this.#planWrite();
    });
    socket.on("error", (error) => (reason = error.message));
    socket.on("end", () => this.#lostSocket(socket, reason));
    socket.on("close", () => this.#lostSocket(socket, reason));
  }

  #lostSocket(socket: Socket, reason: string | undefined): void {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#lost(reason);
  }

  #lost(reason: string | undefined): void {
    this.#settle(this.#native.lost(reason));
    this.#planTurn();
  }

  /** Forgets the socket: what it still has to say concerns nobody. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  /** An idle connection is written to at once; commands of one tick leave in one write. */
  #planWrite(): void {
    if (this.#writePlanned) return;
    this.#writePlanned = true;
    process.nextTick(() => {
      this.#writePlanned = false;
      this.#write();
    });
  }

  #write(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const output = this.#native.takeOutput();
    if (output === null) return;
    if (typeof output === "string") socket.write(output, "latin1");
    else socket.write(output);
  }

  /** `[number, count, reply…]` or `[number, -1, error]`, one after the other. */
  #settle(settlements: unknown[]): void {
    let at = 0;
    while (at < settlements.length) {
      const number = settlements[at] as number;
      const count = settlements[at + 1] as number;
      at += 2;
      if (count < 0) this.#taken(number)?.reject(errorOf(settlements[at++] as ErrorInfo));
      for (let place = 0; place < count; place += 1) {
        this.#taken(number + place)?.resolve(settlements[at++]);
      }
    }
    if (this.#draining !== undefined && this.#pending.size === 0 && !this.#closed) this.close();
  }

  #taken(number: number): Settler | undefined {
    const settler = this.#pending.get(number);
    this.#pending.delete(number);
    return settler;
  }

  #settleStartup(): void {
    const starting = this.#starting;
    const outcome = starting && this.#native.startup();
    if (!starting || !outcome) return;
    this.#starting = undefined;
    const [ok, value] = outcome;
    if (ok) starting.resolve(undefined);
    else starting.reject(errorOf(value as ErrorInfo));
  }
}

/** Replies to MULTI, to each command, and to EXEC. */
function transactionOf(replies: unknown[]): unknown[] {
  const named = namedWithin(replies) as unknown[];
  return [...named.slice(0, -1), namedWithin(named.at(-1))];
}

/** A promise whose rejection nobody needs to handle; whoever awaits it still gets it. */
function waiter(): Waiter {
  const made = {} as Waiter;
  made.promise = new Promise((resolve, reject) => {
    made.resolve = resolve;
    made.reject = (error) => {
      made.promise.catch(ignore);
      reject(error);
    };
  });
  return made;
}
