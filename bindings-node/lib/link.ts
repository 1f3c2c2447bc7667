/**
 * The client on Node's own loop: commands leave through, and replies come back on, a socket of
 * this thread. The native part dials in the background, and hands over connections that are ready.
 */

import { closeSync } from "node:fs";
import { Socket } from "node:net";

import * as native from "../index.js";
import { Answers } from "./answers.js";
import { deadLettersOf } from "./dead-letters.js";
import type { DeadLetter } from "./dead-letters.js";
import { closed, errorOf, guarded } from "./errors.js";
import type { ErrorInfo } from "./errors.js";
import type { Happening } from "./events.js";
import { ANSWERED, Frames, PENDING } from "./frames.js";
import type { Prepared } from "./frames.js";
import { Part } from "./gathered.js";
import type { Gathered } from "./gathered.js";
import { rejected } from "./promises.js";
import { transactionOf } from "./transactions.js";
import type { Status } from "./types.js";
import { Waiter, Waiters } from "./waiters.js";
import type { Settler } from "./waiters.js";

/** What a turn says of the socket, apart from the number of one to take over. */
const KEEP = -1;
const CLOSE = -2;

/** Commands of a pipeline that end together: what their replies cost is done in one turn of the loop. */
const PIPELINE_COMMANDS_MAX = 512;

/** The longest time that a timer takes. */
const TIMER_MS_MAX = 2_147_483_647;

/** The functions of libuv are Node's own; elsewhere JavaScript has the socket. */
const POLLS = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

type ClusterNode = [host: string, port: number, isMaster: boolean, isReached: boolean];

export class Link {
  readonly #native: native.Client;
  /** Hands over what was gathered. */
  readonly #flushNative: () => unknown;
  readonly #tell: (happenings: Happening[]) => void;
  readonly #deadlineMs: number;
  readonly #frames = new Frames();
  readonly #waiters = new Waiters();
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #staysAlive: NodeJS.Timeout | undefined;
  #turnPlanned = false;
  #flushPlanned = false;
  #starting: Waiter | undefined;
  #draining: Waiter | undefined;
  #closed = false;
  /** The process may end when nothing waits. */
  #mayEnd = false;
  /** Is told when a dial has ended, whichever way. */
  #dialEnded: (() => void) | undefined;
  readonly #answers = new Answers();

  constructor(url: string, options: object, tell: (happenings: Happening[]) => void) {
    this.#tell = tell;
    // What could not be made may have something to tell nevertheless.
    let isMade = false;
    this.#native = guarded(
      () =>
        new native.Client(
          url,
          options,
          this.#frames.bytes,
          () => {
            if (isMade) this.#planTurn();
          },
          (number: number, ...replies: unknown[]) => this.#replied(number, replies),
          (number: number, ...replies: unknown[]) => this.#piped(number, replies),
          (ended: unknown[]) => this.#settle(ended),
          (answers: unknown[]) => this.#answer(answers),
          POLLS,
        ),
    );
    isMade = true;
    this.#flushNative = this.#native.flusher() as () => unknown;
    this.#deadlineMs = this.#native.deadlineMs;
    if (!this.#native.lazy) this.#start();
  }

  get endpoint(): string {
    return this.#native.endpoint;
  }

  metrics(): string {
    return this.#native.metrics();
  }

  /** The nodes of a cluster: of each host, port, whether it serves slots, and whether it is reached. */
  get nodes(): ClusterNode[] {
    return this.#native.clusterNodes();
  }

  status(): Status {
    this.#flush();
    return JSON.parse(this.#native.status()) as Status;
  }

  deadLetters(): DeadLetter[] {
    return deadLettersOf(this.#native);
  }

  /** Dials, unless that was done; resolves once the startup is over. */
  connect(): Promise<void> {
    this.#start();
    this.#starting ??= new Waiter();
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
  submit(name: string, args: readonly unknown[], buffers: boolean): Promise<unknown> {
    if (this.#draining !== undefined) return rejected(closed());
    // An idle connection is written to at once; commands of one tick leave in one write.
    const isIdle = this.#isIdle;
    if (!this.#frames.add(name, args, buffers)) {
      const waiter = new Waiter();
      this.#submitAlone(waiter, { name, args, buffers });
      return waiter.promise;
    }
    if (isIdle) {
      const told = this.#flushNative();
      const { outcome } = this.#frames;
      if (outcome === ANSWERED && this.#answers.mayTell()) {
        this.#waiters.skip();
        return Promise.resolve(told);
      }
      const waiter = new Waiter();
      this.#waiters.push(waiter);
      this.#crossed(outcome, told);
      return waiter.promise;
    }
    const waiter = new Waiter();
    this.#waiters.push(waiter);
    this.#planFlush();
    return waiter.promise;
  }

  /** Sends a command after those that were sent in this tick, and tells the settler of it. */
  submitNext(command: Prepared, settler: Settler): void {
    if (this.#draining !== undefined) {
      settler.reject(closed(), this.#waiters.next);
      return;
    }
    const isIdle = this.#isIdle;
    if (this.#frames.add(command.name, command.args, command.buffers)) this.#waiters.push(settler);
    else this.#submitAlone(settler, command);
    if (isIdle) this.#flush();
    else this.#planFlush();
  }

  /** Sends the commands of a pipeline. */
  submitPipeline(commands: readonly Prepared[], gathered: Gathered): void {
    const isIdle = this.#isIdle;
    for (let begin = 0; begin < commands.length; begin += PIPELINE_COMMANDS_MAX) {
      const end = Math.min(begin + PIPELINE_COMMANDS_MAX, commands.length);
      const some = begin === 0 && end === commands.length ? commands : commands.slice(begin, end);
      this.#submitPart(some, new Part(gathered, begin, end));
    }
    if (isIdle) this.#flush();
    else this.#planFlush();
  }

  #submitPart(commands: readonly Prepared[], part: Part): void {
    if (this.#draining !== undefined) {
      part.reject(closed());
      return;
    }
    if (this.#frames.addPipeline(commands)) {
      this.#waiters.push(part);
      return;
    }
    this.#flush();
    this.#waiters.push(part);
    const told = this.#native.submitFrames(Frames.alone(commands, true));
    this.#crossed(this.#frames.outcome, told);
  }

  /** Sends what stands between MULTI and EXEC in one piece; replies are bytes. */
  transact(settler: Settler, commands: readonly Prepared[]): void {
    if (this.#draining !== undefined) {
      settler.reject(closed(), this.#waiters.next);
      return;
    }
    this.#flush();
    this.#waiters.push({
      resolve: (replies, number) => settler.resolve(transactionOf(replies as unknown[]), number),
      reject: (error, number) => settler.reject(error, number),
    });
    const told = this.#native.submitTransaction(Frames.alone(commands));
    this.#crossed(this.#frames.outcome, told);
  }

  get #isIdle(): boolean {
    return this.#waiters.isEmpty && !this.#frames.isTelling;
  }

  /** Sends a command for which there is no room, after those that wait to be sent. */
  #submitAlone(settler: Settler, command: Prepared): void {
    this.#flush();
    if (this.#frames.add(command.name, command.args, command.buffers)) {
      this.#waiters.push(settler);
      this.#flush();
      return;
    }
    this.#waiters.push(settler);
    const told = this.#native.submitFrames(Frames.alone([command]));
    this.#crossed(this.#frames.outcome, told);
  }

  #flush(): void {
    if (this.#frames.isEmpty) return;
    const told = this.#flushNative();
    this.#crossed(this.#frames.outcome, told);
  }

  /** What became of commands that crossed: all of them have their waiters. */
  #crossed(outcome: number, told: unknown): void {
    if (outcome === ANSWERED) this.#answer([this.#waiters.next - 1, true, told]);
    else if (outcome !== PENDING) this.#answer(told as unknown[]);
    if (this.#waiters.isEmpty) return;
    this.#wait();
    if (this.#socket !== undefined) this.#write();
  }

  /** Tells how commands ended that were answered from memory, or refused, as they were handed in. */
  #answer(answers: unknown[]): void {
    for (let at = 0; at < answers.length; at += 3) {
      const number = answers[at] as number;
      const settler = this.#waiters.take(number);
      const value = answers[at + 2];
      const isPart = settler instanceof Part;
      const answered = isPart ? settler.missing : 1;
      const isRefused = isPart && Part.hasError(value);
      if (answers[at + 1] === true && !isRefused && this.#answers.mayTell(answered))
        settler?.resolve(value, number);
      else if (answers[at + 1] === true) this.#answers.defer(() => settler?.resolve(value, number));
      else this.#answers.defer(() => settler?.reject(errorOf(value as ErrorInfo), number));
    }
    this.#closeIfDrained();
  }

  /** Whether the startup is over, and commands for a key do not go to Redis. */
  isAwayFor(key: string): boolean {
    return !this.#native.connectedFor(Buffer.from(key)) && this.isStarted;
  }

  /** Whether commands go to Redis at this moment. */
  get isConnected(): boolean {
    return this.#native.connected;
  }

  /** Something waits for its reply. */
  #wait(): void {
    if (this.#staysAlive === undefined) this.#start();
    this.#timer ??= this.#wakeIn(this.#deadlineMs);
    if (this.#mayEnd) this.#staysAlive?.ref();
  }

  /** Fails as if Redis were away in this way; resolves when that is so. */
  async causeOutage(cause: string): Promise<void> {
    this.#flush();
    guarded(() => this.#native.causeOutage(cause));
    await this.#turned();
  }

  /** Dials; resolves when that dial has ended. */
  async endOutage(): Promise<void> {
    if (this.#closed) return;
    const ended = new Promise<void>((resolve) => (this.#dialEnded = resolve));
    this.#native.endOutage();
    await ended;
  }

  /** Counts a request in this process alone. */
  limitLocally(rule: native.RateLimit, key: string): string | null {
    return rule.locally(this.#native, Buffer.from(key));
  }

  /** Lets the process end when nothing waits. */
  unref(): void {
    this.#mayEnd = true;
    if (this.#waiters.isEmpty) this.#staysAlive?.unref();
  }

  /** Keeps the process alive. */
  ref(): void {
    this.#mayEnd = false;
    this.#staysAlive?.ref();
  }

  /** Resolves when what is due has been done. */
  #turned(): Promise<void> {
    this.#planTurn();
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Gives up the connection as if it were lost, so that Redis is dialled anew. */
  reconnect(): void {
    this.#flush();
    this.#drop();
    this.#settle(this.#native.giveUp("the client asked to reconnect"));
    this.#planTurn();
  }

  /** Closes once every command that waits has ended; no other is taken. */
  drain(): Promise<void> {
    this.#flush();
    this.#draining ??= new Waiter();
    if (this.#waiters.isEmpty) this.close();
    return this.#draining.promise as Promise<void>;
  }

  /** Closes. Commands that wait are rejected, in a moment. */
  close(): void {
    this.#flush();
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
    if (this.#mayEnd) this.#staysAlive.unref();
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
    this.#flush();
    const [settlements, socket, nextInMs, happenings] = this.#native.turn();
    clearTimeout(this.#timer);
    this.#timer = nextInMs < 0 ? undefined : this.#wakeIn(nextInMs);
    if (socket !== KEEP) this.#drop();
    if (socket !== KEEP && socket !== CLOSE) this.#adopt(socket);
    this.#write();
    if (happenings !== null) this.#happened(JSON.parse(happenings) as Happening[]);
    this.#settle(settlements);
    this.#settleStartup();
    if (this.#closed) this.#draining?.resolve(undefined);
  }

  #happened(happenings: Happening[]): void {
    this.#tell(happenings);
    const isEnded = happenings.some(
      (one) => one.type === "dial_failed" || (one.type === "mode" && one.mode !== "degraded"),
    );
    if (!isEnded) return;
    this.#dialEnded?.();
    this.#dialEnded = undefined;
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
      if (!this.#waiters.isEmpty) this.#planFlush();
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

  /** What was gathered while replies are told, the native part takes by itself. */
  #planFlush(): void {
    this.#wait();
    if (this.#flushPlanned || this.#frames.isTelling) return;
    this.#flushPlanned = true;
    process.nextTick(() => {
      this.#flushPlanned = false;
      this.#flush();
      this.#write();
    });
  }

  /** Where JavaScript has the socket. */
  #write(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const output = this.#native.takeOutput();
    if (output === null) return;
    if (typeof output === "string") socket.write(output, "latin1");
    else socket.write(output);
  }

  /** Replies to the command with this number and those that follow it. */
  #replied(number: number, replies: unknown[]): void {
    for (let place = 0; place < replies.length; place += 1) {
      this.#waiters.take(number + place)?.resolve(replies[place], number + place);
    }
    this.#closeIfDrained();
  }

  /** Replies to commands of the pipeline with this number, each of which went well. */
  #piped(number: number, replies: unknown[]): void {
    const part = this.#waiters.find(number) as Part | undefined;
    // Whoever is told the last reply may ask for more: nobody waits for this one by then.
    if (part?.missing === replies.length) this.#waiters.take(number);
    part?.add(replies);
    this.#closeIfDrained();
  }

  /** Of each command its number, whether it went well, and its reply or error. */
  #settle(ended: unknown[]): void {
    for (let at = 0; at < ended.length; at += 3) {
      const number = ended[at] as number;
      const settler = this.#waiters.take(number);
      if (ended[at + 1] === true) settler?.resolve(ended[at + 2], number);
      else settler?.reject(errorOf(ended[at + 2] as ErrorInfo), number);
    }
    this.#closeIfDrained();
  }

  #closeIfDrained(): void {
    if (this.#mayEnd && this.#waiters.isEmpty) this.#staysAlive?.unref();
    if (this.#draining !== undefined && this.#waiters.isEmpty && !this.#closed) this.close();
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
