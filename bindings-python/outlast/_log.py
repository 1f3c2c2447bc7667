"""Hands log records to `logging` and incidents to who listens, on a thread of Python's own.

The client's threads are Rust's and never enter the interpreter: while it ends, that would abort
the process. They leave records in a queue and write a byte to a pipe; the thread here reads it.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import sys
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from outlast import _outlast
from outlast.exceptions import InvalidArgument

if sys.platform == "win32":
    import msvcrt

if TYPE_CHECKING:
    from outlast.types import Incident, LogRecord, OnIncident

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# Longest wait at exit for a log handler that hangs.
_STOP_SECONDS_MAX = 1.0

_logger = logging.getLogger("outlast")

# Who listens to the incidents of which client. A child process keeps them with its clients.
_listeners: dict[int, OnIncident] = {}
_numbers = itertools.count(1)


class _State:
    """What belongs to one process; the child of a fork gets a new one."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.descriptor: int | None = None
        self.stopping = False
        # Whole batches, so that two threads do not mix the order of the lines.
        self.logging = threading.Lock()


_state = _State()


def start() -> None:
    """Starts the thread, unless it is there."""
    descriptor = _outlast.log_pipe()
    if descriptor is None:
        return
    if sys.platform == "win32":
        descriptor = msvcrt.open_osfhandle(descriptor, os.O_RDONLY)
    _state.descriptor = descriptor
    _state.thread = threading.Thread(
        target=_run, args=(_state, descriptor), name="outlast-log", daemon=True
    )
    _state.thread.start()


def warn(message: str) -> None:
    """Logs what a caller should know of a client that was made in Python."""
    _logger.warning("%s", message, extra={"outlast_code": "left_to_redis_py"})


@contextlib.contextmanager
def listening(call: OnIncident | None) -> Generator[int | None]:
    """Remembers who listens; the number under which the client made meanwhile tells incidents.

    Who listens is forgotten once that client is gone and all that it said is told.
    """
    if call is None:
        yield None
        return
    if not callable(call):
        raise InvalidArgument(f"on_incident must be callable, not {type(call).__name__}")
    number = next(_numbers)
    _listeners[number] = call
    try:
        yield number
    except BaseException:
        _listeners.pop(number, None)
        raise


def _run(state: _State, descriptor: int) -> None:
    while not state.stopping and os.read(descriptor, 64):
        with state.logging:
            _log_all()


def _log_all() -> None:
    incidents, gone = _outlast.take_incidents()
    for number, incident, entry in incidents:
        call = _listeners.get(number)
        if call is not None:
            _tell(call, incident, entry)
    for number in gone:
        _listeners.pop(number, None)
    for record in _outlast.take_records():
        # A handler that fails must not silence what follows.
        with contextlib.suppress(Exception):
            _log(record)


def _tell(call: OnIncident, incident: Incident, entry: str) -> None:
    try:
        call(incident, entry)
    except Exception:
        # The next one is to be told, too.
        _logger.exception("on_incident failed.", extra={"outlast_code": "listener_failed"})


def _log(record: LogRecord) -> None:
    fields = record["fields"]
    extra: dict[str, Any] = {f"outlast_{name}": value for name, value in fields.items()}
    extra["outlast_code"] = record["code"]
    extra["outlast_kind"] = fields.get("kind")
    extra["outlast"] = record
    # Without arguments `logging` leaves a percent sign in a message alone.
    _logger.log(_LEVELS[record["level"]], record["message"], extra=extra)


def _at_exit() -> None:
    """Closes what is open and logs what is left, while there still is a `logging`."""
    _outlast.close_all()
    _state.stopping = True
    if _state.thread is not None:
        _outlast.wake()
        _state.thread.join(_STOP_SECONDS_MAX)
    if _state.logging.acquire(timeout=_STOP_SECONDS_MAX):
        _log_all()
        _state.logging.release()


def _after_fork_in_child() -> None:
    """Locks and threads of the parent are of no use here."""
    global _state
    inherited, _state = _state, _State()
    _outlast.after_fork()
    if inherited.descriptor is not None:
        os.close(inherited.descriptor)


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
