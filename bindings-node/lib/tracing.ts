/** The channels of `node:diagnostics_channel`: ioredis' own for commands, ours for outages. */

import { channel, tracingChannel } from "node:diagnostics_channel";
import type { Channel } from "node:diagnostics_channel";

import type { Command } from "ioredis";

import type { Happening } from "./events.js";
import { handled } from "./promises.js";

const commands = tracingChannel<string, object>("ioredis:command");
const happenings: Record<Happening["type"], Channel> = {
  log: channel("outlast:log"),
  mode: channel("outlast:mode"),
  dialling: channel("outlast:dialling"),
  dial_failed: channel("outlast:dial_failed"),
  incident: channel("outlast:incident"),
};

type Traced = Command & { isTraced?: boolean };

/** Whether somebody wants to be told of each command. */
export function isTraced(): boolean {
  const { start, asyncEnd, error } = commands;
  return start.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers;
}

/** Sends a command, and tells of it as ioredis does. */
export function traced(
  command: Traced,
  send: () => Promise<unknown>,
  context: () => object,
): Promise<unknown> {
  if (command.isTraced === true || !isTraced()) return send();
  command.isTraced = true;
  return handled(commands.tracePromise(send, context()));
}

/** Tells what happened, to those who do not have the client. */
export function publish(happening: Happening, endpoint: string): void {
  const told = happenings[happening.type];
  if (told.hasSubscribers) told.publish({ endpoint, ...happening });
}
