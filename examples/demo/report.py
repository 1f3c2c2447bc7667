"""What the demo prints, in 100 columns: a line a second, and the closing tables."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

from demo.services import Service
from demo.traffic import Traffic

WIDTH = 100
TITLE_WIDTH = max(len(title) for title in ("outlast, Python", "outlast, Node"))
LOG_LINES_SHOWN_MAX = 3


@dataclass
class Run:
    """A service with its users."""

    service: Service
    traffic: Traffic
    truth: Truth | None = None
    shown_mode: str = "-"

    def dials(self) -> int:
        return self.traffic.figures.dials if self.service.on_outlast else self.service.dials()


@dataclass
class Truth:
    """What is found in Redis in the end, against what the users were told."""

    counter: int
    counted: int
    in_doubt: int
    sessions: int
    sessions_in_outage: int
    lost: list[str] = field(default_factory=list)

    @property
    def counter_is_right(self) -> bool:
        """Every visit that was answered with a number counts once, one in doubt at most once."""
        return self.counted <= self.counter <= self.counted + self.in_doubt


# While it runs.


def phase(text: str) -> None:
    print(f"\n-- {text} {'-' * (WIDTH - len(text) - 4)}", flush=True)


def live_header(runs: list[Run]) -> None:
    print("   |" + "|".join(f"{run.service.title:^23}" for run in runs).rstrip())
    print("  s|" + "|".join(" ok fail    ms log dial" for _ in runs), flush=True)


def live_row(second: int, runs: list[Run]) -> None:
    """One line for the last second; log lines and dials are totals."""
    cells = []
    for run in runs:
        past = run.traffic.figures.take_second()
        logged = len(run.service.log_lines())
        cells.append(
            f"{past.answered:>3}{past.failed or '-':>5}{past.slowest_ms:>6.0f}"
            f"{logged:>4}{run.dials():>5}"
        )
    print(f"{second:>3}|" + "|".join(cells), flush=True)
    for run in runs:
        mode = run.traffic.figures.mode
        if mode != run.shown_mode:
            if run.shown_mode != "-":
                print(f"   * {run.service.title} is {mode} (was {run.shown_mode})", flush=True)
            run.shown_mode = mode


# In the end.


def closing_table(runs: list[Run], *, with_redis: bool) -> None:
    phase("In the end")
    heads = ("answered", "failed", "slowest ms", "p99 ms", "log lines", "dials")
    back_head = "back on Redis after" if with_redis else "mode"
    widths = [len(head) + 2 for head in heads]
    print(
        " " * TITLE_WIDTH
        + "".join(f"{head:>{width}}" for head, width in zip(heads, widths))
        + f"  {back_head}"
    )
    for run in runs:
        figures = run.traffic.figures
        values = (
            figures.answered,
            figures.failed,
            f"{max(figures.latencies_ms, default=0):.0f}",
            f"{figures.p99_ms():.0f}",
            len(run.service.log_lines()),
            run.dials(),
        )
        back = figures.back_after_seconds
        last = figures.mode if not with_redis else "not back" if back is None else f"{back:.1f} s"
        print(
            f"{run.service.title:<{TITLE_WIDTH}}"
            + "".join(f"{value:>{width}}" for value, width in zip(values, widths))
            + f"  {last}"
        )


def truth_table(runs: list[Run], *, with_redis: bool) -> None:
    """Whether what the users were told is what Redis has."""
    place = "on Redis" if with_redis else "in memory"
    blank = " " * TITLE_WIDTH
    print(f"\n{blank}  {'visits':^21}  {'sessions':>26}")
    print(
        f"{blank}  {'answered':>10}{place:>11}"
        f"  {'written':>9}{'in the outage':>15}{place:>11}{'read as absent':>16}"
    )
    for run in runs:
        truth, figures = run.truth, run.traffic.figures
        if truth is None:
            continue
        told = f"{truth.counted}+{truth.in_doubt}?" if truth.in_doubt else str(truth.counted)
        kept = truth.sessions - len(truth.lost)
        print(
            f"{run.service.title:<{TITLE_WIDTH}}  {told:>10}{truth.counter:>11}"
            f"  {truth.sessions:>9}{truth.sessions_in_outage:>15}{kept:>11}"
            f"{figures.forgotten_reads + figures.wrong_reads:>16}"
        )
    for line in remarks(runs):
        print(line)


def remarks(runs: list[Run]) -> list[str]:
    """What in the table needs a word."""
    said = []
    for run in runs:
        title, truth, figures = run.service.title, run.truth, run.traffic.figures
        if truth is None:
            continue
        over = truth.counter - truth.counted - truth.in_doubt
        if truth.in_doubt:
            said.append(f"{title}: {truth.in_doubt} visits in doubt (202): sent as Redis died.")
        if over > 0:
            said.append(f"{title}: {over} visits were counted that it said had failed.")
        if figures.forgotten_reads:
            said.append(
                f"{title}: {figures.forgotten_reads} reads in the outage did not find a session"
                " that was written before it."
            )
        if figures.wrong_reads:
            said.append(f"{title}: {figures.wrong_reads} reads did not give what was written.")
    return ["", *said] if said else []


def logs(runs: list[Run]) -> None:
    """The first lines of each log, as they are."""
    phase("What they logged")
    for run in runs:
        lines = run.service.log_lines()
        print(f"{run.service.title}: {len(lines)} line{'' if len(lines) == 1 else 's'}")
        for line in lines[:LOG_LINES_SHOWN_MAX]:
            print(textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    "))
        if len(lines) > LOG_LINES_SHOWN_MAX:
            print(f"  and {len(lines) - LOG_LINES_SHOWN_MAX} more")


def production_log(run: Run) -> list[str]:
    """Shows what a service wrote of the outage by itself; what is wrong with that."""
    phase(f"Written by the service on {run.service.title} to its production log")
    entry = run.service.production_log()
    print(entry, end="")
    return [] if entry else [f"{run.service.title} wrote no entry of its outage"]


def faults(runs: list[Run], *, with_redis: bool) -> list[str]:
    """What a service on outlast did that it promises not to do."""
    found = []
    for run in runs:
        if not run.service.on_outlast:
            continue
        title, figures, truth = run.service.title, run.traffic.figures, run.truth
        if figures.failed:
            found.append(f"{title}: {figures.failed} requests failed")
        if not figures.answered:
            found.append(f"{title}: no request was answered")
        if with_redis and figures.back_at is None:
            found.append(f"{title}: it did not come back to Redis")
        if truth is None:
            found.append(f"{title}: what it wrote could not be read")
            continue
        if figures.wrong_reads:
            found.append(f"{title}: {figures.wrong_reads} reads did not give what was written")
        if not truth.counter_is_right:
            found.append(
                f"{title}: the counter is {truth.counter}, and {truth.counted} visits were answered"
                f" ({truth.in_doubt} more in doubt)"
            )
        if truth.lost:
            found.append(f"{title}: {len(truth.lost)} sessions are lost, such as {truth.lost[0]}")
    return found
