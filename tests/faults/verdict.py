"""What one client did under one fault, and whether that is what is promised."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# What the clients are told to keep: milliseconds.
COMMAND_TIMEOUT_MS = 300
CONNECT_TIMEOUT_MS = 500
DELAY_MS_MAX = 200
# Beyond its deadline an operation may take so much longer, besides the time in which its process
# could have run and had no processor.
GRACE_MS = 50
# An outage of two seconds, dialled at delays of 50, 75, 112, 168, 200, 200 ... ms.
DIALS_MAX = 20
# Connections: threads have one each.
CONNECTIONS_MAX = 2 * DIALS_MAX
# The first line of each kind (a fault has three at most), one on recovery, one on each that flaps.
LOG_LINES_MAX = 6
# A dial, with its delay and its deadline, and what was written is written back.
BACK_MS_MAX = CONNECT_TIMEOUT_MS + DELAY_MS_MAX * 1.2 + 500

PROMISED_OUTCOMES = {"ok", "maybe_applied", "redis_unavailable"}


@dataclass
class Seen:
    """One cell of the table."""

    operations: list[dict]
    complaints: list[str]
    log: list[str] = field(default_factory=list)
    # What its workers' counters hold in the end.
    counted: list[int] = field(default_factory=list)
    # New connections that the proxy saw; none where it was not asked.
    connections: int | None = None
    back_ms: float | None = None
    # The client's own word in the end, where it is ours.
    status: dict | None = None
    # What became of the program.
    broken: str = ""

    @property
    def slowest_ms(self) -> float:
        """Without the time in which the process had no processor."""
        times = [max(0, told["took_ms"] - told["waited_ms"]) for told in self.operations]
        return max(times, default=0)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(told["outcome"] for told in self.operations)

    @property
    def failed(self) -> int:
        return sum(told["outcome"] != "ok" for told in self.operations)

    @property
    def dials(self) -> int | None:
        return self.connections if self.status is None else self.status["dials"]

    def increments(self, worker: int, outcome: str) -> int:
        wanted = ("INCR", worker, outcome)
        found = ((told["op"], told["worker"], told["outcome"]) for told in self.operations)
        return sum(one == wanted for one in found)

    @property
    def lost(self) -> int:
        """Increments that were acknowledged and are not there."""
        return sum(
            max(0, self.increments(worker, "ok") - counted)
            for worker, counted in enumerate(self.counted)
        )

    @property
    def doubled(self) -> int:
        """Increments that are there, and that nobody was told may be."""
        told = ("ok", "maybe_applied")
        return sum(
            max(0, counted - sum(self.increments(worker, outcome) for outcome in told))
            for worker, counted in enumerate(self.counted)
        )


def faults_of(seen: Seen, cause) -> list[str]:
    """What is not as promised."""
    if seen.broken:
        return [seen.broken, *seen.complaints[:5]]
    faults = [f"on stderr: {line}" for line in seen.complaints[:3]]
    if seen.slowest_ms > COMMAND_TIMEOUT_MS + GRACE_MS:
        faults.append(f"an operation took {seen.slowest_ms:.0f} ms")
    strange = set(seen.outcomes) - PROMISED_OUTCOMES - set(cause.outcomes)
    if strange:
        faults.append(f"outcomes {', '.join(sorted(strange))}")
    if seen.lost or seen.doubled:
        faults.append(f"{seen.lost} increments lost, {seen.doubled} doubled")
    if seen.back_ms is None or seen.back_ms > BACK_MS_MAX:
        faults.append(f"back after {seen.back_ms} ms")
    if len(seen.log) > LOG_LINES_MAX:
        faults.append(f"{len(seen.log)} log lines: {seen.log}")
    return faults + counts_of(seen, cause)


def counts_of(seen: Seen, cause) -> list[str]:
    """What is wrong with the dials, and whether there was an outage at all."""
    faults = []
    status = seen.status
    if status["dials"] > DIALS_MAX:
        faults.append(f"{status['dials']} dials")
    if seen.connections is not None and seen.connections > CONNECTIONS_MAX:
        faults.append(f"{seen.connections} connections")
    noticed = status["failure_count"] > 0 or seen.failed > 0
    if noticed == cause.harmless:
        faults.append("was an outage" if noticed else "nothing was noticed of it")
    if cause.harmless and (status["served_by_store"] or status["dials"] > 1):
        faults.append(f"{status['served_by_store']} from memory, {status['dials']} dials")
    return faults
