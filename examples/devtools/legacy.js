// The clients beside outlast: a naive one, and the rules of the two wrappers that outlast replaces.
// Each answers its dials `[at_ms, wait_ms]`, its log lines `[at_ms, count]` and when it is on Redis again.

const NAIVE_RETRY_MS = 5_000;

/** Dials every 5 s and logs each failure. */
export function naive({ faults }) {
  const dials = [];
  const lines = [];
  let backAt = null;
  let at = 0;
  for (const fault of faults) {
    // Away from the outage before: it notices nothing new.
    if (fault.from_ms < at) continue;
    lines.push([fault.from_ms, 1]);
    for (at = fault.from_ms + NAIVE_RETRY_MS; isDown(faults, at); at += NAIVE_RETRY_MS) {
      dials.push([at, NAIVE_RETRY_MS]);
      lines.push([at, 1]);
    }
    dials.push([at, NAIVE_RETRY_MS]);
    backAt = at;
  }
  return { dials, lines, backAt };
}

/**
 * The Python wrapper: 60 s doubled before its first use, cap 300 s, jitter of up to 20% on top; it
 * logs every failure, and a recovery never leads it back to Redis.
 */
export function pythonWrapper({ faults, duration_ms: end, seed }) {
  const dials = [];
  const lines = [];
  const draw = drawn(seed);
  const [first] = faults;
  if (first === undefined) return { dials, lines, backAt: null };
  lines.push([first.from_ms, 1]);
  let at = first.from_ms;
  for (let failures = 1; at < end; failures += 1) {
    const wait = Math.min(60_000 * 2 ** failures, 300_000) * (1 + 0.2 * draw());
    at += wait;
    if (at >= end) break;
    dials.push([at, wait]);
    if (!isDown(faults, at)) break;
    lines.push([at, 1]);
  }
  return { dials, lines, backAt: null };
}

/**
 * The Node wrapper: three retries after 50, 100 and 150 ms, then the client has ended for good, and
 * every command repeats the error.
 */
export function nodeWrapper({ faults, duration_ms: end, calls_per_second: calls }) {
  const dials = [];
  const lines = [];
  const [first] = faults;
  if (first === undefined) return { dials, lines, backAt: null };
  let at = first.from_ms;
  lines.push([at, 1]);
  for (let retry = 1; retry <= 3; retry += 1) {
    const wait = Math.min(retry * 50, 2_000);
    at += wait;
    dials.push([at, wait]);
    if (!isDown(faults, at)) return { dials, lines, backAt: at };
    lines.push([at, 1]);
  }
  // A line a command, summed over steps that a plot can show.
  const step = Math.max(1_000, (end - at) / 500);
  for (let until = at + step; until <= end; until += step)
    lines.push([until, (calls * step) / 1_000]);
  return { dials, lines, backAt: null };
}

const isDown = (faults, at) =>
  faults.some(({ from_ms, until_ms }) => from_ms <= at && at < until_ms);

/** Numbers from 0 to 1, the same for the same seed. */
function drawn(seed) {
  let state = Number(BigInt(seed) % 2_147_483_647n) || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
