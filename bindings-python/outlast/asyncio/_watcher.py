"""Watches sockets on a thread, for loops that cannot: Windows' Proactor has no `add_reader`."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    import asyncio

_Callback = Callable[[], object]


class Watcher:
    """The four methods of a loop by which sockets are watched, called on the loop's thread.

    A socket that is ready is told to the loop once, and watched again after the callback ran. The
    thread lives while something is watched.
    """

    def __init__(self, event_loop: asyncio.AbstractEventLoop) -> None:
        """Watches for this loop."""
        self._event_loop = event_loop
        self._callbacks: dict[tuple[int, int], _Callback] = {}
        self._thread: _Thread | None = None

    def add_reader(self, fd: int, callback: _Callback) -> None:
        """Calls back whenever there is something to read."""
        self._add(fd, selectors.EVENT_READ, callback)

    def add_writer(self, fd: int, callback: _Callback) -> None:
        """Calls back whenever more can be written."""
        self._add(fd, selectors.EVENT_WRITE, callback)

    def remove_reader(self, fd: int) -> bool:
        """Calls back no more; whether it did."""
        return self._remove(fd, selectors.EVENT_READ)

    def remove_writer(self, fd: int) -> bool:
        """Calls back no more; whether it did."""
        return self._remove(fd, selectors.EVENT_WRITE)

    def _add(self, fd: int, event: int, callback: _Callback) -> None:
        self._callbacks[fd, event] = callback
        if self._thread is None:
            self._thread = _Thread(self._tell)
        self._thread.watch(fd, event)

    def _remove(self, fd: int, event: int) -> bool:
        was_there = self._callbacks.pop((fd, event), None) is not None
        if self._thread is not None:
            # Returns once the thread has let go of it: the caller may close it.
            self._thread.forget(fd, event)
            if not self._callbacks:
                self._thread.stop()
                self._thread = None
        return was_there

    def _tell(self, fd: int, event: int) -> None:
        # A loop that is closed has no use for it.
        with contextlib.suppress(RuntimeError):
            self._event_loop.call_soon_threadsafe(self._call, fd, event)

    def _call(self, fd: int, event: int) -> None:
        callback = self._callbacks.get((fd, event))
        if callback is None:
            return
        callback()
        if self._thread is not None and self._callbacks.get((fd, event)) is callback:
            self._thread.watch(fd, event)


class _Thread:
    """Waits for what is watched. It watches each once until it is told to again."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self._watched: dict[int, int] = {}
        self._changed = threading.Condition()
        self._applied = self._wanted = 0
        self._stopping = False
        self._bell, self._cord = socket.socketpair()
        self._bell.setblocking(False)
        self._cord.setblocking(False)
        threading.Thread(target=self._run, name="outlast-watcher", daemon=True).start()

    def watch(self, fd: int, event: int) -> None:
        with self._changed:
            self._watched[fd] = self._watched.get(fd, 0) | event
            self._ring()

    def forget(self, fd: int, event: int) -> None:
        with self._changed:
            self._drop(fd, event)
            self._wanted += 1
            wanted = self._wanted
            self._ring()
            self._changed.wait_for(lambda: self._applied >= wanted or self._stopping)

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._ring()

    def _drop(self, fd: int, event: int) -> None:
        left = self._watched.pop(fd, 0) & ~event
        if left:
            self._watched[fd] = left

    def _ring(self) -> None:
        # It is full only where the thread has much to look at anyway.
        with contextlib.suppress(BlockingIOError):
            self._cord.send(b"!")

    def _run(self) -> None:
        with self._bell, self._cord:
            while True:
                with self._changed:
                    self._applied = self._wanted
                    self._changed.notify_all()
                    if self._stopping:
                        return
                    watched = dict(self._watched)
                self._wait(watched)

    def _wait(self, watched: dict[int, int]) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            for fd, events in watched.items():
                selector.register(fd, events)
            ready = [(key.fd, events) for key, events in selector.select()]
        for fd, events in ready:
            if fd == self._bell.fileno():
                with contextlib.suppress(BlockingIOError):
                    self._bell.recv(4096)
                continue
            for event in (selectors.EVENT_READ, selectors.EVENT_WRITE):
                if events & event:
                    with self._changed:
                        self._drop(fd, event)
                    self._tell(fd, event)
