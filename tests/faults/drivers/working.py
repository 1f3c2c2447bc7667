"""What every Python driver does: orders from stdin, work on threads, a line for each operation.

See the README of this folder's parent for the lines.
"""

import contextlib
import json
import sys
import threading
import time
from pathlib import Path

_telling = threading.Lock()


def tell(line):
    with _telling:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def waits():
    """Nanoseconds for which each thread of this process could have run, and had no processor."""
    found = {}
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                found[task.name] = int((task / "schedstat").read_text().split()[1])
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


class Timed:
    """One operation: how long it takes, and how it ends."""

    def __init__(self, errors, worker, number, command):
        self._errors, self._worker = errors, worker
        self._number, self._op = number, command[0]
        self.reply = None
        self.is_ok = False

    def __enter__(self):
        self._before = waits()
        self._began = time.perf_counter()
        return self

    def __exit__(self, kind, error, _trace):
        took_ms = (time.perf_counter() - self._began) * 1e3
        if error is None:
            self.is_ok = fits(self._op, self._number, self.reply)
            outcome = "ok" if self.is_ok else "wrong_reply"
        elif isinstance(error, self._errors):
            outcome = getattr(error, "code", kind.__name__)
        else:
            return False
        waited = {"waited_ms": waited_ms(self._before), "outcome": outcome}
        tell({"op": self._op, "worker": self._worker, "took_ms": took_ms, **waited})
        return True


class Work:
    """The workers of one client."""

    def __init__(self, client, order):
        self._client = client
        self._prefix = order["prefix"]
        self._pause_s = order.get("pause_ms", 5) / 1e3
        self._stop = threading.Event()
        self._workers = [
            threading.Thread(target=self._work, args=(worker,))
            for worker in range(order["workers"])
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
        with Timed(self._client.errors, worker, number, command) as timed:
            timed.reply = self._client.execute_command(*command)
        return timed.is_ok


def drive(make_client):
    """Obeys until stdin ends. `make_client` is its class, with `execute_command`, `errors`,
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
            except make_client.errors as error:
                answer["error"] = str(error)
        elif do == "status":
            answer["status"] = client.status()
        elif do == "stop":
            work.stop()
        elif do == "close":
            client.close()
            answer["log"] = client.log()
        tell(answer)
