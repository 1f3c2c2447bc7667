"""From results to the table: medians, and ratios to the best peer.

A ratio is the median of the ratios within each round, not the ratio of two medians: the two of a
round met the same minute of the machine.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

Result = dict[str, Any]

OURS = "outlast"
# No client: what the language's own sockets allow, so never the best peer.
RAW = "raw-"


@dataclass(frozen=True)
class Ratio:
    """To the best peer of the same workload; and how far the rounds were apart."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Row:
    """One client at one workload. Without figures the client cannot do this yet."""

    client: str
    rounds: int = 0
    ops_s: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    cpu_us: float | None = None
    ops_ratio: Ratio | None = None
    p99_ratio: Ratio | None = None
    cpu_ratio: Ratio | None = None


@dataclass(frozen=True)
class Comparison:
    """All clients of one language at one workload, the fastest first."""

    language: str
    workload: str
    best_peer: str | None
    rows: tuple[Row, ...]

    def row(self, client: str | None) -> Row | None:
        """A client's row."""
        return next((row for row in self.rows if row.client == client), None)


def compare(results: Iterable[Result]) -> list[Comparison]:
    """Compares the clients of each language, workload by workload."""
    groups: dict[tuple[str, str], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        groups[result["language"], result["workload"]][result["client"]].append(result)
    return [
        _comparison(language, workload, clients) for (language, workload), clients in groups.items()
    ]


def best_peer(clients: dict[str, list[Result]]) -> str | None:
    """The peer with the most operations a second."""
    peers = [name for name in clients if not name.startswith((OURS, RAW))]
    return max(peers, key=lambda name: _median(clients[name], "ops_s"), default=None)


def ratio(mine: list[Result], base: list[Result], field: str) -> Ratio | None:
    """The median over the rounds that both have of this field's ratio."""
    of_round = {result["round"]: result[field] for result in base}
    ratios = [
        result[field] / of_round[result["round"]]
        for result in mine
        if of_round.get(result["round"])
    ]
    if not ratios:
        return None
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """For table.json."""
    return asdict(comparison)


def _comparison(language: str, workload: str, clients: dict[str, list[Result]]) -> Comparison:
    measured = {
        name: [result for result in results if not result.get("not_yet")]
        for name, results in clients.items()
    }
    base = best_peer({name: results for name, results in measured.items() if results})
    rows = [_row(name, results, measured.get(base or "", [])) for name, results in measured.items()]
    rows.sort(key=lambda row: -math.inf if row.ops_s is None else row.ops_s, reverse=True)
    return Comparison(language, workload, base, tuple(rows))


def _row(client: str, results: list[Result], base: list[Result]) -> Row:
    if not results:
        return Row(client)
    return Row(
        client,
        len(results),
        _median(results, "ops_s"),
        _median(results, "p50_us"),
        _median(results, "p99_us"),
        _median(results, "cpu_us"),
        ratio(results, base, "ops_s"),
        ratio(results, base, "p99_us"),
        ratio(results, base, "cpu_us"),
    )


def _median(results: list[Result], field: str) -> float:
    return statistics.median(result[field] for result in results)


# The table as Markdown.

SUMMARY_HEAD = (
    "workload | outlast ops/s | best peer | its ops/s | x ops/s | lowest - highest | x CPU | x p99"
)
DETAIL_HEAD = "workload | client | ops/s | x ops/s | p50 µs | p99 µs | CPU µs | x CPU | rounds"


def markdown(comparisons: list[Comparison], preface: list[str]) -> str:
    """Ours against the best peer, then every client."""
    lines = [*preface]
    languages = sorted({comparison.language for comparison in comparisons})
    for title, head, rows_of in (
        ("outlast and the best peer", SUMMARY_HEAD, _summary_rows),
        ("every client", DETAIL_HEAD, _detail_rows),
    ):
        for language in languages:
            lines += ["", f"## {language.capitalize()}: {title}", "", _line(head.split(" | "))]
            lines.append(_line(["---"] * len(head.split(" | "))))
            for comparison in comparisons:
                if comparison.language == language:
                    lines += [_line(cells) for cells in rows_of(comparison)]
    return "\n".join(lines) + "\n"


def _summary_rows(comparison: Comparison) -> list[list[str]]:
    ours = comparison.row(OURS)
    peer = comparison.row(comparison.best_peer)
    if ours is None:
        return []
    cells = [comparison.workload, "not yet" if ours.ops_s is None else f"{ours.ops_s:,.0f}"]
    cells += [peer.client, f"{peer.ops_s:,.0f}"] if peer else ["-", "-"]
    spread = "-"
    if ours.ops_ratio:
        spread = f"{ours.ops_ratio.lowest:.2f} - {ours.ops_ratio.highest:.2f}"
    cells += [_times(ours.ops_ratio), spread, _times(ours.cpu_ratio), _times(ours.p99_ratio)]
    return [cells]


def _detail_rows(comparison: Comparison) -> list[list[str]]:
    rows = []
    for row in comparison.rows:
        cells = [comparison.workload, row.client]
        if row.ops_s is None:
            rows.append([*cells, "not yet", *["-"] * 6])
            continue
        cells += [f"{row.ops_s:,.0f}", _times(row.ops_ratio)]
        cells += [f"{row.p50_us:.1f}", f"{row.p99_us:.1f}", f"{row.cpu_us:.2f}"]
        rows.append([*cells, _times(row.cpu_ratio), str(row.rounds)])
    return rows


def _times(ratio_: Ratio | None) -> str:
    return "-" if ratio_ is None else f"{ratio_.median:.2f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
