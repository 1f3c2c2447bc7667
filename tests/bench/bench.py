#!/usr/bin/env python3
"""Compares outlast with other Redis clients, side by side, on servers of its own.

Writes build/bench/results.jsonl (every round), table.md and table.json, and prints the table.
Nothing here passes or fails by a time; the exit code says whether every client ran.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import ratios
import rounds
import servers

ROOT = Path(__file__).resolve().parent.parent.parent
OUTPUT = ROOT / "build" / "bench"
WASM_SIZE = ROOT / "build" / "wasm-size.json"
WASM = ROOT / "bindings-wasm" / "dist" / "node.js"


def main(arguments: list[str]) -> int:
    """Runs the rounds and shows the table."""
    plan = parse(arguments)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    targets, absent = rounds.find_targets(plan)
    for name in absent:
        print(f"left out, for it is not installed: {name}", file=sys.stderr)
    results_file = OUTPUT / "results.jsonl"
    pin = rounds.pin_to_one_core()
    with contextlib.ExitStack() as stack, results_file.open("w", encoding="utf-8") as out:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stages = [
            rounds.Stage(True, pin, stack.enter_context(servers.redis_server(folder, pin))),
            rounds.Stage(False, [], stack.enter_context(servers.redis_server(folder, []))),
        ]
        absent_port = stack.enter_context(servers.refusing_port())
        faults = rounds.run(plan, targets, stages, absent_port, out)

    results = [json.loads(line) for line in results_file.read_text(encoding="utf-8").splitlines()]
    comparisons = ratios.compare(results)
    notes = preface(plan, results, pin, faults)
    text = ratios.markdown(comparisons, notes)
    (OUTPUT / "table.md").write_text(text, encoding="utf-8")
    table = {"notes": notes, "comparisons": [ratios.as_json(one) for one in comparisons]}
    (OUTPUT / "table.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(f"\n{text}")
    return 1 if faults else 0


def parse(arguments: list[str]) -> rounds.Plan:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Compares outlast with other Redis clients.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each workload and round")
    parser.add_argument("--quick", action="store_true", help="two short rounds: does it work?")
    parser.add_argument("--clients", default="", help="only these: python:outlast,node:ioredis")
    parser.add_argument("--workloads", default="", help="only these: get16_seq,degraded_get")
    parser.add_argument("--node-peers", type=Path, default=ROOT / "build" / "bench-node")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 2, 0.05
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("rounds and seconds must be above 0")
    return rounds.Plan(
        options.rounds,
        options.seconds,
        warmup=0.02 if options.quick else 0.1,
        prime=0.1 if options.quick else 0.5,
        clients=frozenset(filter(None, options.clients.split(","))),
        workloads=frozenset(filter(None, options.workloads.split(","))),
        node_peers=options.node_peers,
    )


def preface(
    plan: rounds.Plan, results: list[ratios.Result], pin: list[str], faults: list[str]
) -> list[str]:
    """What a reader has to know of the run, in Markdown."""
    loads = [result["load"] for result in results]
    versions: dict[str, str] = {}
    for result in results:
        name = f"{result['language']} {result['client']}"
        versions[name] = f"{name} {result['version']}".strip()
    placed = f"on core {pin[-1]}, the server too" if pin else "wherever the kernel puts it"
    lines = [
        "# Side-by-side benchmark",
        "",
        f"- {plan.rounds} rounds of {plan.seconds:g} s for each workload, in random order",
        f"- load average {min(loads, default=0):.2f} to {max(loads, default=0):.2f}",
        f"- {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"- {redis_version()}",
        f"- {', '.join(sorted(versions.values()))}",
        f"- sequential rows (`_seq`): the client {placed}; all others unpinned",
        "- figures are medians; `x` is the median of the rounds' ratios to the best peer",
        "- `pipe100`, `burst100` and `degraded`: p50 and p99 are those of 100 commands together",
        "- `raw-*` is no client, but what the language's own sockets allow",
    ]
    lines += [f"- FAILED {fault}" for fault in faults]
    if WASM_SIZE.is_file():
        sizes = json.loads(WASM_SIZE.read_text(encoding="utf-8"))
        told = (f"{kind} {size['raw']:,} bytes ({size['gzip']:,})" for kind, size in sizes.items())
        lines.append(f"- the .wasm, and gzipped: {', '.join(told)}")
    if WASM.is_file():
        lines += simulated_day()
    return lines


def simulated_day() -> list[str]:
    """How long WASM takes to simulate a day of a fleet."""
    worker = Path(__file__).with_name("fleet.mjs")
    told = subprocess.run(["node", worker], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        return [f"- FAILED {worker.name}: {told.stderr.strip()}"]
    outages = json.loads(told.stdout)
    parts = (
        f"{name} {day['seconds']:.2f} s ({day['dials']:,} dials)" for name, day in outages.items()
    )
    return [f"- a day of 1,000 clients in WASM: {', '.join(parts)}"]


def redis_version() -> str:
    """The server's name and version."""
    program = shutil.which("redis-server") or "redis-server"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    words = told.stdout.split()
    version = next((word[2:] for word in words if word.startswith("v=")), "of unknown version")
    return f"redis-server {version}"


if __name__ == "__main__":
    # A stopped run ends its servers, too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
