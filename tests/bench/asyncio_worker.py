#!/usr/bin/env python3
"""Runs workloads for one asyncio client in this process, and prints a JSON object for each.

    asyncio_worker.py --list
    asyncio_worker.py --client redis-py --port 6379 --workloads get16_seq,get16_c50

As python_worker.py, with its clock and its counters.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass

from asyncio_clients import CLIENTS
from python_clients import Place
from python_worker import BATCH, KEY_SET, KEYS, VALUES, check, cpu_seconds, figures, now, parser


@dataclass(frozen=True)
class Workload:
    """An operation on values of a size, by so many tasks or in one gather."""

    operation: str
    size: int = 16
    tasks: int = 1
    gathered: int = 1


WORKLOADS = {
    "get16_seq": Workload("get"),
    "set16_seq": Workload("set"),
    "get16_c50": Workload("get", tasks=50),
    "set1k_c50": Workload("set", 1024, tasks=50),
    "get16_burst100": Workload("get", gathered=BATCH),
    "get16_pipe100": Workload("mget"),
    "get1k_pipe100": Workload("mget", 1024),
    "degraded_get": Workload("degraded_get"),
}


def main():
    """Runs what the command line asks for."""
    options = parser("Runs workloads for one asyncio client.", CLIENTS, WORKLOADS).parse_args()
    if options.list:
        clients = {name: client.is_installed() for name, client in CLIENTS.items()}
        print(json.dumps({"clients": clients, "workloads": list(WORKLOADS)}))
        return
    client = CLIENTS[options.client]()
    if client.uvloop:
        import uvloop  # noqa: PLC0415 - only where it is measured

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(run_all(client, options))
    loop.close()


async def run_all(client, options):
    """Runs each workload."""
    await client.open(Place(options.host, options.port, options.absent_port))
    try:
        for size, key in KEYS.items():
            await client.set(key, VALUES[size])
            check(await client.get(key), size)
        for name in options.workloads.split(","):
            await run(client, name, options.warmup, options.seconds)
    finally:
        await client.close()


async def run(client, name, warmup, seconds):
    """Runs a workload and prints its result; nothing is printed where it makes no sense."""
    workload = WORKLOADS[name]
    if not hasattr(client, workload.operation):
        return
    told = {"language": "asyncio", "client": client.name, "version": client.versions()}
    told["workload"] = name
    call, commands = await prepare(client, workload)
    await measure(call, 1, warmup)
    cpu_before, started = cpu_seconds(), now()
    measured = await measure(call, workload.tasks, seconds)
    elapsed, cpu = (now() - started) / 1e9, cpu_seconds() - cpu_before
    client.confirm()
    check(await client.get(KEYS[16]), 16)
    latencies = sorted(itertools.chain.from_iterable(measured))
    print(json.dumps(told | figures(latencies, commands, elapsed, cpu)), flush=True)


async def prepare(client, workload):
    """What is awaited again and again, and how many commands that is."""
    operation = getattr(client, workload.operation)
    key, value = KEYS[workload.size], VALUES[workload.size]
    if workload.operation == "set":
        return lambda: operation(KEY_SET, value), 1
    if workload.operation == "mget":
        replies = await operation([key] * BATCH)
        assert len(replies) == BATCH
        check(replies[-1], workload.size)
        return lambda: operation([key] * BATCH), BATCH
    if workload.gathered > 1:
        return lambda: asyncio.gather(*[operation(key) for _ in range(BATCH)]), BATCH
    if workload.operation == "get":
        return lambda: operation(key), 1
    # Degraded calls take less time than reading the clock: a hundred for each reading.
    await client.degraded_set(key, value)
    check(await operation(key), workload.size)

    async def many():
        for _ in range(BATCH):
            await operation(key)

    return many, BATCH


async def measure(call, tasks, seconds):
    """Awaits calls until the time is over; answers each task's latencies in nanoseconds."""
    end = now() + int(seconds * 1e9)

    async def loop():
        mine, before = [], now()
        add = mine.append
        while before < end:
            await call()
            after = now()
            add(after - before)
            before = after
        return mine

    return await asyncio.gather(*[loop() for _ in range(tasks)])


if __name__ == "__main__":
    main()
