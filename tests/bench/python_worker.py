#!/usr/bin/env python3
"""Runs workloads for one Python client in this process, and prints a JSON object for each.

    python_worker.py --list
    python_worker.py --client redis-py --port 6379 --workloads get16_seq,get16_t8

The same loop, clock and counters measure every client. `cpu_us` is user and system time of the
whole process, all threads, for each command: what stays meaningful on a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import resource
import threading
import time
from dataclasses import dataclass

from python_clients import CLIENTS, Place

BATCH = 100
KEYS = {16: "bench:16", 1024: "bench:1k"}
VALUES = {size: b"v" * size for size in KEYS}
KEY_SET = "bench:set"

now = time.perf_counter_ns


@dataclass(frozen=True)
class Workload:
    """An operation on values of a size, by so many threads at once, perhaps beside a busy one."""

    operation: str
    size: int = 16
    threads: int = 1
    busy: bool = False


WORKLOADS = {
    "get16_seq": Workload("get"),
    "set16_seq": Workload("set"),
    "get1k_seq": Workload("get", 1024),
    "set1k_seq": Workload("set", 1024),
    "get16_t8": Workload("get", threads=8),
    "set1k_t8": Workload("set", 1024, threads=8),
    "get16_busy": Workload("get", busy=True),
    "get16_pipe100": Workload("mget"),
    "get1k_pipe100": Workload("mget", 1024),
    "degraded_get": Workload("degraded_get"),
    "degraded_set": Workload("degraded_set"),
}


def main():
    """Runs what the command line asks for."""
    options = parser("Runs workloads for one Python client.", CLIENTS, WORKLOADS).parse_args()
    if options.list:
        clients = {name: client.is_installed() for name, client in CLIENTS.items()}
        print(json.dumps({"clients": clients, "workloads": list(WORKLOADS)}))
        return
    client = CLIENTS[options.client]()
    client.open(Place(options.host, options.port, options.absent_port))
    try:
        for size, key in KEYS.items():
            client.set(key, VALUES[size])
            check(client.get(key), size)
        for name in options.workloads.split(","):
            run(client, name, options.warmup, options.seconds)
    finally:
        client.close()


def parser(description, clients, workloads):
    """The command line of a worker."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--list", action="store_true", help="print clients and workloads as JSON")
    parser.add_argument("--client", choices=clients)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--absent-port", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--warmup", type=float, default=0.1)
    parser.add_argument("--prime", type=float, default=0, help="the Node worker's; unused here")
    parser.add_argument("--workloads", default=",".join(workloads))
    return parser


def run(client, name, warmup, seconds):
    """Runs a workload and prints its result; nothing is printed where it makes no sense."""
    workload = WORKLOADS[name]
    told = {"language": "python", "client": client.name, "version": client.versions()}
    told["workload"] = name
    if workload.operation in client.not_yet:
        print(json.dumps(told | {"not_yet": True}), flush=True)
        return
    if not hasattr(client, workload.operation):
        return
    call, arguments, commands = prepare(client, workload)
    with busy_thread() if workload.busy else contextlib.nullcontext():
        measure(call, arguments, 1, warmup)
        cpu_before, started = cpu_seconds(), now()
        measured = measure(call, arguments, workload.threads, seconds)
        elapsed, cpu = (now() - started) / 1e9, cpu_seconds() - cpu_before
    client.confirm()
    check(client.get(KEYS[16]), 16)
    latencies = sorted(itertools.chain.from_iterable(measured))
    print(json.dumps(told | figures(latencies, commands, elapsed, cpu)), flush=True)


def prepare(client, workload):
    """What is called again and again, its arguments, and how many commands that is."""
    call = getattr(client, workload.operation)
    key, value = KEYS[workload.size], VALUES[workload.size]
    if workload.operation == "get":
        return call, (key,), 1
    if workload.operation == "set":
        return call, (KEY_SET, value), 1
    if workload.operation == "mget":
        replies = call([key] * BATCH)
        assert len(replies) == BATCH
        check(replies[-1], workload.size)
        return call, ([key] * BATCH,), BATCH
    # Degraded calls take less time than reading the clock: a hundred for each reading.
    client.degraded_set(key, value)
    check(client.degraded_get(key), workload.size)
    arguments = (key,) if workload.operation == "degraded_get" else (key, value)

    def many():
        for _ in range(BATCH):
            call(*arguments)

    return many, (), BATCH


@contextlib.contextmanager
def busy_thread():
    """A thread that computes all the time, and so keeps the GIL as long as it may."""
    ended = threading.Event()

    def compute():
        while not ended.is_set():
            sum(range(1_000))

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def measure(call, arguments, threads, seconds):
    """Calls until the time is over; answers each thread's latencies in nanoseconds."""
    measured = []
    end = now() + int(seconds * 1e9)

    def loop():
        mine, before = [], now()
        add = mine.append
        while before < end:
            call(*arguments)
            after = now()
            add(after - before)
            before = after
        measured.append(mine)

    if threads == 1:
        loop()
    else:
        started = [threading.Thread(target=loop) for _ in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    return measured


def figures(latencies, commands, elapsed, cpu):
    """The result of a workload, from its sorted latencies."""
    calls = len(latencies)
    operations = calls * commands
    return {
        "ops": operations,
        "ops_s": round(operations / elapsed, 1),
        "p50_us": round(latencies[calls // 2] / 1e3, 2),
        "p99_us": round(latencies[min(calls - 1, calls * 99 // 100)] / 1e3, 2),
        "cpu_us": round(cpu / operations * 1e6, 4),
    }


def cpu_seconds():
    """What this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def check(reply, size):
    """Refuses a reply that is not the value."""
    if not isinstance(reply, (bytes, str, bytearray, memoryview)) or len(reply) != size:
        raise RuntimeError(f"wrong reply: {reply!r}")


if __name__ == "__main__":
    main()
