"""Probes, a status and the devtools page for a service, as a WSGI or an ASGI application.

>>> app.wsgi_app = outlast.health.wsgi(client, within=app.wsgi_app)

`/outlast/livez` is never red because of Redis, `/outlast/readyz` follows the option `startup`,
`/outlast/status` is the status with the last log lines as JSON, `/outlast/metrics` is for
Prometheus where the client has figures for it, and `/outlast/devtools/` the devtools page where its
folder is given.

Only callers on this machine are answered, and those whose addresses are in `allow` (addresses or
networks, such as `10.0.0.0/8`); a caller must ask for an address, `localhost` or one of the names
in `hosts`. Others get a 404, and so does who comes through a proxy whose address is not in `allow`:
it is known by the headers that it adds, which waitress removes unless
`clear_untrusted_proxy_headers=False`. Without them, keep these paths from what a proxy forwards.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import threading
from collections import deque
from collections.abc import Awaitable, Iterable, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Protocol

from outlast._outlast import Health

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["asgi", "wsgi"]

# Log lines that a status tells.
_LINES_MAX = 200
_ANNOUNCED = "X-Outlast-Status"

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_AsgiApplication = Callable[[_Scope, _Receive, _Send], Awaitable[None]]
_Answer = tuple[int, list[tuple[str, str]], bytes]


class _Client(Protocol):
    """Any client of outlast; one for asyncio may answer later."""

    def get_status(self) -> Any: ...  # noqa: ANN401 - a dict, or one that is awaited


def wsgi(
    client: _Client,
    *,
    within: WSGIApplication | None = None,
    at: str = "/outlast",
    allow: Iterable[str] = (),
    hosts: Iterable[str] = (),
    devtools: str | os.PathLike[str] | None = None,
) -> WSGIApplication:
    """A WSGI application that answers for `client`.

    With `within` it is that application, which keeps all paths but those below `at`, and tells who
    may know where the status is.
    """
    health = _Answers(client, allow, hosts, devtools)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        mount, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
        remote = environ.get("REMOTE_ADDR", "")
        headers = [
            (name[5:].replace("_", "-"), value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        if within is not None:
            inner = _below(path, at)
            if inner is None:
                answer = _announcing(start_response, health.place(mount + at, remote, headers))
                return within(environ, answer)
            mount, path = mount + at, inner
        request = (environ["REQUEST_METHOD"], mount, path, remote, headers)
        code, answered, body = health.answer(request, client.get_status())
        start_response(f"{code} {HTTPStatus(code).phrase}", answered)
        return [body]

    return application


def asgi(
    client: _Client,
    *,
    within: _AsgiApplication | None = None,
    at: str = "/outlast",
    allow: Iterable[str] = (),
    hosts: Iterable[str] = (),
    devtools: str | os.PathLike[str] | None = None,
) -> _AsgiApplication:
    """As `wsgi`, for ASGI."""
    health = _Answers(client, allow, hosts, devtools)

    async def application(scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            if within is not None:
                await within(scope, receive, send)
            return
        mount = scope.get("root_path", "")
        path = scope["path"].removeprefix(mount)
        remote = (scope.get("client") or ("", 0))[0]
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        if within is not None:
            inner = _below(path, at)
            if inner is None:
                place = health.place(mount + at, remote, headers)
                await within(scope, receive, _announcing_asgi(send, place))
                return
            mount, path = mount + at, inner
        status = client.get_status()
        if inspect.isawaitable(status):
            status = await status
        request = (scope["method"], mount, path, remote, headers)
        code, answered, body = health.answer(request, status)
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in answered]
        await send({"type": "http.response.start", "status": code, "headers": encoded})
        await send({"type": "http.response.body", "body": body})

    return application


class _Answers:
    """What both kinds of application answer."""

    def __init__(
        self,
        client: _Client,
        allow: Iterable[str],
        hosts: Iterable[str],
        devtools: str | os.PathLike[str] | None,
    ) -> None:
        self._client = client
        self._health = Health(list(allow), list(hosts), devtools)
        self._lines = _LastLines()
        logging.getLogger("outlast").addHandler(self._lines)

    def answer(
        self, request: tuple[str, str, str, str, list[tuple[str, str]]], status: object
    ) -> _Answer:
        metrics: Callable[[], str] | None = getattr(self._client, "metrics", None)
        return self._health.answer(
            *request,
            json.dumps(status),
            json.dumps(self._lines.lines()),
            None if metrics is None else metrics(),
        )

    def place(self, mount: str, remote: str, headers: list[tuple[str, str]]) -> str | None:
        """Where the status is, for a caller who may know."""
        return f"{mount}/status" if self._health.allows(remote, headers) else None


class _LastLines(logging.Handler):
    """Keeps the last log records of outlast."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[dict[str, object]] = deque(maxlen=_LINES_MAX)
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, "outlast", None)
        if told is not None:
            with self._guard:
                self._lines.append({"at_ms": int(record.created * 1000), "record": told})

    def lines(self) -> list[dict[str, object]]:
        with self._guard:
            return list(self._lines)


def _below(path: str, at: str) -> str | None:
    """The rest of a path that lies below another."""
    return path[len(at) :] if path == at or path.startswith(f"{at}/") else None


def _announcing(start_response: StartResponse, place: str | None) -> StartResponse:
    if place is None:
        return start_response

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401
        return start_response(status, [*headers, (_ANNOUNCED, place)], *rest)

    return start


def _announcing_asgi(send: _Send, place: str | None) -> _Send:
    if place is None:
        return send
    header = (_ANNOUNCED.lower().encode(), place.encode("latin-1"))

    async def announced(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return announced
