"""What redis-py's classes and the native clients below them are opened with."""

from __future__ import annotations

from typing import Any

from redis import utils

from outlast import _log, _outlast
from outlast._arguments import Arguments

__all__ = ["forms", "kept", "open_native"]

_RESP3 = getattr(utils, "DEFAULT_RESP_VERSION", 2) == 3


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
