// Many clients through one outage: how many dial in each second around the return of Redis.

/** Seconds that are shown before and after the return. */
const BEFORE = 10;
const AFTER_MAX = 330;
/** Clients between two signs of progress. */
const SLICE = 100;

/** Dials a second of `clients` clients, and when the last of them was on Redis again. */
export function fleet(outlast, { options, scenario, clients }, onProgress) {
  const end = Math.max(0, ...scenario.faults.map(({ until_ms }) => until_ms));
  const cap = outlast.policy(options).network_delay_ms_max;
  const after = Math.min(AFTER_MAX, Math.ceil(cap / 1_000) + 10);
  const first = Math.max(0, Math.floor(end / 1_000) - BEFORE);
  const dials = new Array(BEFORE + after).fill(0);
  let lastBack = 0;
  let notBack = 0;
  for (let client = 0; client < clients; client += SLICE) {
    onProgress({ client, clients });
    const some = Math.min(SLICE, clients - client);
    const part = outlast.simulateFleet(
      options,
      {
        ...scenario,
        calls_per_second: 1,
        seed: scenario.seed + client,
        duration_ms: end + after * 1_000,
      },
      some,
    );
    for (let second = 0; second < dials.length; second += 1) {
      dials[second] += part.dials[first + second] ?? 0;
    }
    notBack += some - part.return_ms.length;
    lastBack = Math.max(lastBack, part.return_ms.at(-1) ?? 0);
  }
  return { first, dials, lastBack, notBack };
}

/** The same for clients that all lost Redis in one moment and dial every 5 s since. */
export function naiveFleet({ faults }, clients, first, length) {
  const last = faults.at(-1);
  const dials = new Array(length).fill(0);
  if (last === undefined) return dials;
  for (let at = last.from_ms + 5_000; ; at += 5_000) {
    const second = Math.floor(at / 1_000) - first;
    if (second >= 0 && second < length) dials[second] += clients;
    if (at >= last.until_ms || second >= length) return dials;
  }
}
