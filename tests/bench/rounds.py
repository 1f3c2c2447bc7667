"""Interleaved rounds: a process for each client, in a new random order each round.

So a slow minute of a shared machine hits every client alike. Sequential workloads run with client
and server on one core where `taskset` exists: on a small virtual machine a round trip within one
core takes about 20 us and across two about 70, and which of them it is would be chance.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
PROCESS_SECONDS_MAX = 60
# Each has a worker; clients are compared with those of the same one.
LANGUAGES = ("python", "asyncio", "node")


@dataclass(frozen=True)
class Plan:
    """What is measured, for how long. Empty selections mean everything."""

    rounds: int
    seconds: float
    warmup: float
    prime: float
    clients: frozenset[str]
    workloads: frozenset[str]
    node_peers: Path


@dataclass(frozen=True)
class Target:
    """One client in one language, and the workloads of that language."""

    language: str
    client: str
    workloads: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.language}:{self.client}"


@dataclass(frozen=True)
class Stage:
    """Workloads that share a placement: the prefix of each command, and the server's port."""

    sequential: bool
    pin: list[str]
    port: int


def pin_to_one_core() -> list[str]:
    """The words before a command that keep it on one core, or none where that cannot be had."""
    if shutil.which("taskset") is None or not hasattr(os, "sched_getaffinity"):
        return []
    return ["taskset", "-c", str(max(os.sched_getaffinity(0)))]


def find_targets(plan: Plan) -> tuple[list[Target], list[str]]:
    """Asks the workers what they can run; also the names of the clients that are not installed."""
    targets: list[Target] = []
    absent: list[str] = []
    unknown = set(plan.clients | plan.workloads)
    for language in LANGUAGES:
        command = [*worker(language, plan), "--list"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        if listed.returncode != 0:
            sys.exit(f"the {language} worker cannot be started:\n{listed.stderr}")
        known = json.loads(listed.stdout)
        wanted = tuple(
            name for name in known["workloads"] if not plan.workloads or name in plan.workloads
        )
        unknown -= set(known["workloads"])
        for client, installed in known["clients"].items():
            target = Target(language, client, wanted)
            unknown.discard(str(target))
            if plan.clients and str(target) not in plan.clients:
                continue
            if installed:
                targets.append(target)
            else:
                absent.append(str(target))
    if unknown:
        sys.exit(f"no such client or workload: {', '.join(sorted(unknown))}")
    return targets, absent


def run(
    plan: Plan, targets: list[Target], stages: list[Stage], absent_port: int, out: IO[str]
) -> list[str]:
    """Runs all rounds and writes a JSON line for each result; answers what went wrong."""
    faults: list[str] = []
    for number in range(plan.rounds):
        for stage in stages:
            for target in random.sample(targets, len(targets)):
                results, fault = run_client(plan, target, stage, absent_port)
                if fault:
                    faults.append(f"{target} in round {number + 1}: {fault}")
                    print(f"FAILED {faults[-1]}", file=sys.stderr)
                for result in results:
                    result |= {"round": number, "load": round(os.getloadavg()[0], 2)}
                    out.write(json.dumps(result) + "\n")
        out.flush()
        load = os.getloadavg()[0]
        print(f"round {number + 1} of {plan.rounds}, load {load:.2f}", file=sys.stderr, flush=True)
    return faults


def run_client(
    plan: Plan, target: Target, stage: Stage, absent_port: int
) -> tuple[list[dict[str, object]], str]:
    """Runs one client's workloads of one stage in a process of its own."""
    names = [name for name in target.workloads if name.endswith("_seq") == stage.sequential]
    if not names:
        return [], ""
    command = [*stage.pin, *worker(target.language, plan)]
    command += ["--client", target.client, "--workloads", ",".join(names)]
    command += ["--port", str(stage.port), "--absent-port", str(absent_port)]
    command += ["--seconds", str(plan.seconds), "--warmup", str(plan.warmup)]
    command += ["--prime", str(plan.prime)]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=PROCESS_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return [], f"ran longer than {PROCESS_SECONDS_MAX} s"
    results = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode == 0:
        return results, ""
    why = (ended.stderr.strip().splitlines() or [""])[-1]
    return results, f"exit code {ended.returncode}: {why}"


def worker(language: str, plan: Plan) -> list[str]:
    """The command of a language's worker."""
    if language != "node":
        return [sys.executable, str(HERE / f"{language}_worker.py")]
    return ["node", str(HERE / "node_worker.mjs"), "--peers", str(plan.node_peers)]
