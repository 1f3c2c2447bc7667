#!/usr/bin/env python3
"""Faults at random, one after the other, for as long as wanted, under clients that stay the same.

    tests/faults/soak.py [--minutes 20] [--seed 1] [--drivers NAME,...]

In the end nothing is lost or doubled, no operation hung, and neither memory nor file descriptors of
the drivers grew: both are read between two faults, when the client is back on Redis.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from causes import CAUSES, Cause, Scene
from drivers import KINDS, Driver, Kind
from places import HOST, Proxy, Server, eventually
from run import BACK_SECONDS_MAX, OPTIONS, PAUSE_MS, WARM_OPERATIONS, WORKERS
from verdict import COMMAND_TIMEOUT_MS, GRACE_MS, PROMISED_OUTCOMES, Seen

# What a run may add to the memory of a program: fragments, and what a language keeps.
GROWTH_MB_MAX = 6
GROWTH_SHARE_MAX = 0.1
# File descriptors that may be open beyond those at the beginning: a dial under way, or two.
DESCRIPTORS_MAX = 4
CALM_SECONDS = 0.3
# Who is not back by then never will be.
LOST_SECONDS = 60
LINE_SECONDS = 60


@dataclass
class Tally:
    """What one driver did so far."""

    outcomes: Counter = field(default_factory=Counter)
    # INCRs by worker and outcome.
    increments: Counter = field(default_factory=Counter)
    slowest_ms: float = 0
    # The longest way back to Redis after a fault.
    back_seconds: float = 0
    memory_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, driver: Driver, cause: Cause) -> None:
        """Adds what the driver told since it was asked last."""
        seen = Seen(*driver.take())
        self.outcomes += seen.outcomes
        for told in seen.operations:
            if told["op"] == "INCR":
                self.increments[told["worker"], told["outcome"]] += 1
        self.slowest_ms = max(self.slowest_ms, seen.slowest_ms)
        if seen.slowest_ms > COMMAND_TIMEOUT_MS + GRACE_MS:
            self.faults.append(f"{cause.name}: an operation took {seen.slowest_ms:.0f} ms")
        strange = set(seen.outcomes) - PROMISED_OUTCOMES - set(cause.outcomes)
        if strange:
            self.faults.append(f"{cause.name}: outcomes {', '.join(sorted(strange))}")
        self.faults += [f"{cause.name}: on stderr: {line}" for line in seen.complaints]

    def measure(self, driver: Driver) -> None:
        memory, descriptors = driver.size()
        self.memory_mb.append(memory)
        self.descriptors.append(descriptors)

    def count(self, counted: list[int]) -> None:
        """Compares with what is on Redis in the end."""
        for worker, there in enumerate(counted):
            told = self.increments[worker, "ok"]
            doubted = self.increments[worker, "maybe_applied"]
            if not told <= there <= told + doubted:
                self.faults.append(
                    f"worker {worker}: {there} increments on Redis, {told} acknowledged, "
                    f"{doubted} in doubt"
                )

    def look_for_growth(self) -> None:
        """The last quarter against the second: the first is for warming up."""
        quarter = max(1, len(self.memory_mb) // 4)
        early, late = self.memory_mb[quarter : 2 * quarter], self.memory_mb[-quarter:]
        before = statistics.median(early or late)
        after = statistics.median(late)
        if after > before * (1 + GROWTH_SHARE_MAX) and after > before + GROWTH_MB_MAX:
            self.faults.append(f"memory grew from {before:.1f} to {after:.1f} MB")
        first, last = self.descriptors[0], max(self.descriptors[-quarter:])
        if last > first + DESCRIPTORS_MAX:
            self.faults.append(f"file descriptors grew from {first} to {last}")


def back(driver: Driver) -> bool:
    status = driver.ask("status")["status"]
    return status["redis_connected"] and status["journal_keys"] == 0


def wait_until_back(driver: Driver, tally: Tally, cause: Cause) -> None:
    """Notes how long it took: a client that is late is a fault, and no end of the run."""
    began = time.monotonic()
    eventually(f"{driver.kind.name} is back after {cause.name}", lambda: back(driver), LOST_SECONDS)
    took = time.monotonic() - began
    tally.back_seconds = max(tally.back_seconds, took)
    if took > BACK_SECONDS_MAX:
        tally.faults.append(f"{cause.name}: back only after {took:.1f} s")


def soak(scene: Scene, drivers: dict[Kind, Driver], tallies: dict[Kind, Tally], options) -> int:
    """Fault after fault until the time is over; how many there were."""
    chance = random.Random(options.seed)
    until = time.monotonic() + options.minutes * 60
    next_line = time.monotonic() + LINE_SECONDS
    rounds = 0
    while time.monotonic() < until:
        cause = chance.choice(CAUSES)
        with cause.of(scene):
            scene.last(cause.seconds * chance.uniform(0.3, 1.5))
        for kind, driver in drivers.items():
            wait_until_back(driver, tallies[kind], cause)
        scene.last(CALM_SECONDS)
        for kind, driver in drivers.items():
            tallies[kind].take(driver, cause)
            tallies[kind].measure(driver)
        rounds += 1
        if time.monotonic() > next_line:
            next_line += LINE_SECONDS
            print(f"{rounds} faults; {line_of(tallies)}", flush=True)
    return rounds


def line_of(tallies: dict[Kind, Tally]) -> str:
    def words(kind, tally):
        memory, descriptors = tally.memory_mb[-1], tally.descriptors[-1]
        count = sum(tally.outcomes.values())
        return f"{kind.name} {count} operations, {memory:.1f} MB, {descriptors} descriptors"

    return "; ".join(words(kind, tally) for kind, tally in tallies.items())


def finish(server: Server, drivers: dict[Kind, Driver], tallies: dict[Kind, Tally]) -> None:
    """All workers end, all is written back, and everything is counted."""
    nothing = CAUSES[0]
    for kind, driver in drivers.items():
        driver.ask("stop")
        eventually("all is written back", lambda driver=driver: back(driver))
        tallies[kind].take(driver, nothing)
        with server.admin as admin:
            counters = [f"soak:{kind.name}:n:{worker}" for worker in range(WORKERS)]
            tallies[kind].count([int(admin.get(counter) or 0) for counter in counters])
        driver.ask("close")
        tallies[kind].look_for_growth()


def report(rounds: int, tallies: dict[Kind, Tally]) -> int:
    print(f"\n{rounds} faults")
    failed = 0
    for kind, tally in tallies.items():
        quarter = max(1, len(tally.memory_mb) // 4)
        early = statistics.median(tally.memory_mb[quarter : 2 * quarter] or [0])
        late = statistics.median(tally.memory_mb[-quarter:])
        memory = f"{tally.memory_mb[0]:.1f} MB, {early:.1f} in the second quarter"
        first, most, last = tally.descriptors[0], max(tally.descriptors), tally.descriptors[-1]
        figures = (
            f"{sum(tally.outcomes.values())} operations {dict(tally.outcomes)}",
            f"slowest {tally.slowest_ms:.0f} ms",
            f"back within {tally.back_seconds:.1f} s",
            f"memory {memory}, {late:.1f} in the last",
            f"descriptors {first}, then at most {most}, {last} at last",
        )
        print(f"{kind.name}: {'; '.join(figures)}")
        for fault in tally.faults:
            print(f"FAILED {kind.name}: {fault}")
        failed += len(tally.faults)
    print("\nas promised" if failed == 0 else f"\n{failed} faults")
    return 1 if failed else 0


def main(arguments: list[str]) -> int:
    """Soaks; anything not as promised is exit code 1."""
    parser = argparse.ArgumentParser(description="Faults at random under clients that stay.")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drivers", help="names, with commas between")
    options = parser.parse_args(arguments)
    names = options.drivers.split(",") if options.drivers else None
    kinds = [kind for kind in KINDS if kind.is_ours and (names is None or kind.name in names)]
    print(f"seed {options.seed}, {options.minutes:g} minutes", flush=True)
    with contextlib.ExitStack() as stack:
        server = Server(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(server.kill)
        proxy = Proxy()
        stack.callback(proxy.close)
        drivers = {kind: Driver(kind) for kind in kinds}
        tallies = {kind: Tally() for kind in kinds}
        for kind, driver in drivers.items():
            stack.callback(driver.end)
            url = f"redis://{HOST}:{proxy.listen(server.port)}?{urlencode(OPTIONS)}"
            prefix = f"soak:{kind.name}"
            driver.ask("open", url=url, workers=WORKERS, prefix=prefix, pause_ms=PAUSE_MS)
            eventually("it works", lambda driver=driver: driver.acknowledged() > WARM_OPERATIONS)
            tallies[kind].measure(driver)
        rounds = soak(Scene(server, proxy), drivers, tallies, options)
        finish(server, drivers, tallies)
    return report(rounds, tallies)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
