"""What redis-py's classes and the native clients below them are opened with, and have in common."""

# ruff: noqa: ANN401 - what commands take and answer is of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature, signature
from typing import Any, cast
from weakref import ref

from redis import utils
from redis.client import CaseInsensitiveDict

from outlast import _log, _outlast
from outlast._arguments import Arguments

__all__ = ["Callbacks", "Native", "forms", "kept", "open_native", "signature_of"]

_RESP3 = getattr(utils, "DEFAULT_RESP_VERSION", 2) == 3

_NATIVE_METHODS = {"GET", "SET", "INCRBY", "DEL", "EXPIRE", "TTL"}
"""Commands that have a method in native code, which asks no callback."""


class Native(_outlast.Client):
    """A native client whose replies redis-py's callbacks shape."""

    response_callbacks: Any
    """By the names of commands."""

    def callback(self, command: object) -> Callable[..., Any] | None:
        """What redis-py makes of the replies to a command."""
        callbacks = self.response_callbacks
        found = dict.get(callbacks, command)
        if found is None and isinstance(command, str):
            found = callbacks.get(command)
        return cast("Callable[..., Any] | None", found)

    def ensure_connection(self, args: tuple[Any, ...]) -> None:
        """Raises RedisUnavailable at once where Redis is away, so that nobody dials for it."""
        self.request(args)


class Callbacks(CaseInsensitiveDict):
    """Response callbacks that tell when one is set which native methods would not heed."""

    def __init__(self, given: Mapping[str, Any], client: Native) -> None:
        # Their names are in capitals already.
        dict.update(self, given)
        self._client = ref(client)

    def __setitem__(self, command: str, callback: Any) -> None:
        super().__setitem__(command, callback)
        client = self._client() if command.upper() in _NATIVE_METHODS else None
        if client is not None:
            client.direct = False

    def update(self, data: Any) -> None:  # type: ignore[override]
        for command, callback in data.items():
            self[command] = callback


def open_native(native: _outlast.Client | _outlast.AsyncClient, made: Arguments) -> None:
    """Opens a client, which does nothing where redis-py has to do everything."""
    if made.unserved is not None:
        native.open()
        return
    with _log.listening(made.on_incident) as listener:
        native.open(
            made.url,
            made.profile,
            made.options,
            resp3=_RESP3,
            **forms(made),
            listener=listener,
        )


def forms(made: Arguments) -> dict[str, Any]:
    """How texts are written and read."""
    return {
        "decode_responses": made.decode_responses,
        "encoding": made.encoding,
        "encoding_errors": made.encoding_errors,
    }


def kept(made: Arguments, native: _outlast.Client | _outlast.AsyncClient) -> dict[str, Any]:
    """Keywords for connections of redis-py, which are to speak the same version of RESP."""
    keywords = dict(made.for_connections)
    protocol = native.protocol
    if keywords.get("protocol") is None and protocol is not None and (protocol == 3) != _RESP3:
        keywords["protocol"] = protocol
    return keywords


def signature_of(stock: type, ours: type, *replaced: str) -> Signature:
    """What our constructor takes, for whoever asks by `inspect`: redis-py's arguments, too.

    Those that are `replaced` have our defaults.
    """
    theirs = signature(cast("Any", stock.__init__)).parameters
    mine = signature(cast("Any", ours.__init__)).parameters
    *named, options = (mine[name] for name in mine if name not in theirs or name == "options")
    plain = {name: each for name, each in theirs.items() if each.kind is not Parameter.VAR_KEYWORD}
    kept = [mine[name] if name in replaced else each for name, each in plain.items()]
    more = [argument.replace(kind=Parameter.KEYWORD_ONLY) for argument in named]
    return Signature([*kept, *more, options])
