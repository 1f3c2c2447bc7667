import type { Outlast } from "./types.js";

/** Of all that the generated code exports, what people are to see. */
export function surface(generated: Outlast): Outlast {
  return Object.freeze({
    version: generated.version,
    classify: generated.classify,
    classifyReply: generated.classifyReply,
    failureKinds: generated.failureKinds,
    policy: generated.policy,
    classOf: generated.classOf,
    decide: generated.decide,
    freshness: generated.freshness,
    rateLimits: generated.rateLimits,
    knobs: generated.knobs,
    backoffSchedule: generated.backoffSchedule,
    simulate: generated.simulate,
    simulateFleet: generated.simulateFleet,
    parseStatus: generated.parseStatus,
    logEntry: generated.logEntry,
    checkLog: generated.checkLog,
    replay: generated.replay,
    Engine: generated.Engine,
    Throttle: generated.Throttle,
  });
}
