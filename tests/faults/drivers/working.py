"""What every Python driver does: orders from stdin, work on threads, a line for each operation.

See the README of this folder's parent for the lines.
"""

import contextlib
import json
import os
import sys
import threading
import time

_telling = threading.Lock()


def tell(line):
    with _telling:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def waits():
    """Nanoseconds for which each thread of this process could have run, and had no processor."""
    found = {}
    with contextlib.suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/schedstat") as file:
                found[task] = int(file.read().split()[1])
    return found


def waited_ms(before):
    """Milliseconds of that since then, of the threads that are still there."""
    return sum(waited - before.get(task, 0) for task, waited in waits().items()) / 1e6


def fits(op, number, reply):
    """Whether this is what such a command answers. A value is the one that was set before it,
    where that is known.
    """
    if op == "INCR":
        return isinstance(reply, int) and reply > 0
    if op == "SET":
        return reply is True or reply in (b"OK", "OK")
    return number is None or reply in (str(number), str(number).encode())


class Work:
    """The workers of one client."""

    def __init__(self, client, order):
        self._client = client
        self._prefix = order["prefix"]
        self._pause_s = order.get("pause_ms", 5) / 1e3
        self._stop = threading.Event()
        self._workers = [
            threading.Thread(target=self._work, args=(worker,)) for worker in range(order["workers"])
        ]
        for worker in self._workers:
            worker.start()

    def stop(self):
        self._stop.set()
        for worker in self._workers:
            worker.join()

    def _work(self, worker):
        counter, key = f"{self._prefix}:n:{worker}", f"{self._prefix}:k:{worker}"
        number = 0
        while not self._stop.wait(self._pause_s):
            number += 1
            self._timed(worker, None, "INCR", counter)
            is_set = self._timed(worker, None, "SET", key, number)
            self._timed(worker, number if is_set else None, "GET", key)

    def _timed(self, worker, number, *command):
        before = waits()
        began = time.perf_counter()
        try:
            reply = self._client.execute_command(*command)
            outcome = "ok" if fits(command[0], number, reply) else "wrong_reply"
        except self._client.errors as error:
            outcome = getattr(error, "code", type(error).__name__)
        took_ms = (time.perf_counter() - began) * 1e3
        tell(
            {
                "op": command[0],
                "worker": worker,
                "took_ms": took_ms,
                "waited_ms": waited_ms(before),
                "outcome": outcome,
            }
        )
        return outcome == "ok"


def drive(make_client):
    """Obeys until stdin ends. `make_client` answers a client with `execute_command`, `errors`,
    `status`, `log` and `close`.
    """
    client = work = None
    for line in sys.stdin:
        order = json.loads(line)
        do = order["do"]
        answer = {"answer": do}
        if do == "open":
            try:
                client = make_client(order["url"])
                work = Work(client, order)
            except Exception as error:
                answer["error"] = str(error)
        elif do == "status":
            answer["status"] = client.status()
        elif do == "stop":
            work.stop()
        elif do == "close":
            client.close()
            answer["log"] = client.log()
        tell(answer)
