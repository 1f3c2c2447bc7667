#!/usr/bin/env python3
"""Prints what `cargo bench --bench store` measured as one Markdown table, and writes it as JSON.

    store_table.py CRITERION_FOLDER OUTPUT_FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Commands in what criterion calls one iteration.
BATCH = 100


def commands_per_second(folder: Path) -> float:
    """The median of a benchmark's samples."""
    estimates = json.loads((folder / "new" / "estimates.json").read_text(encoding="utf-8"))
    return BATCH / (estimates["median"]["point_estimate"] / 1e9)


def rows(criterion: Path) -> list[dict]:
    """One row for each workload: `get_10000_t1` is GET on 10,000 keys by one thread."""
    found = []
    for group in sorted(criterion.glob("*_*_t*")):
        command, keys, threads = group.name.split("_")
        ours, redis = (commands_per_second(group / name) for name in ("outlast", "redis"))
        found.append(
            {
                "command": command.upper(),
                "keys": int(keys),
                "threads": int(threads.removeprefix("t")),
                "store_per_second": round(ours),
                "redis_per_second": round(redis),
                "ratio": round(ours / redis, 2),
            }
        )
    return sorted(found, key=lambda row: (row["keys"], row["threads"], row["command"]))


def main() -> int:
    """Fails where nothing was measured."""
    criterion, output = map(Path, sys.argv[1:])
    measured = rows(criterion)
    if not measured:
        print(f"no measurements in {criterion}", file=sys.stderr)
        return 1
    output.mkdir(parents=True, exist_ok=True)
    (output / "store.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    print("| command | keys | threads | store, a second | redis-server, pipelines of 100 | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for row in measured:
        print(
            f"| {row['command']} | {row['keys']:,} | {row['threads']} "
            f"| {row['store_per_second']:,} | {row['redis_per_second']:,} | {row['ratio']} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
