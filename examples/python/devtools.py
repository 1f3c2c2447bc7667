"""The devtools page of a service, and the status that its tab Live asks for.

It tells what an operator sees, so only callers on this machine get it, whatever address the service
listens on.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Response, abort, redirect, request, send_from_directory
from werkzeug.wrappers import Response as Answer

LINES_MAX = 200
# The names under which a browser on this machine knows the service; under any other, a page of
# somebody else could ask for it by pointing its own name here.
HOSTS = {"localhost", "127.0.0.1", "[::1]"}


class LastLines(logging.Handler):
    """Keeps the last log records of outlast."""

    def __init__(self) -> None:
        """Keeps none yet."""
        super().__init__()
        self._lines: deque[dict[str, object]] = deque(maxlen=LINES_MAX)
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one."""
        line = {"at_ms": int(record.created * 1000), "record": getattr(record, "outlast", None)}
        with self._guard:
            self._lines.append(line)

    def lines(self) -> list[dict[str, object]]:
        """Those that are kept, the oldest first."""
        with self._guard:
            return list(self._lines)


def pages(folder: str, status: Callable[[], object]) -> Blueprint:
    """The page at /devtools/ and what it asks for at /devtools/status."""
    root = Path(folder).resolve()
    last_lines = LastLines()
    logging.getLogger("outlast").addHandler(last_lines)
    blueprint = Blueprint("devtools", __name__, url_prefix="/devtools")

    @blueprint.before_request
    def only_from_here() -> None:
        host = request.host if request.host.endswith("]") else request.host.partition(":")[0]
        if request.host.startswith("["):
            host = request.host.partition("]")[0] + "]"
        caller = ipaddress.ip_address(request.remote_addr or "0.0.0.0")
        if not caller.is_loopback or host not in HOSTS:
            abort(404)

    @blueprint.get("")
    def without_slash() -> Answer:
        return redirect("/devtools/")

    @blueprint.get("/status")
    def live() -> dict[str, object]:
        return {"status": status(), "lines": last_lines.lines()}

    @blueprint.get("/")
    @blueprint.get("/<path:name>")
    def page(name: str = "index.html") -> Response:
        return send_from_directory(root, name)

    return blueprint
