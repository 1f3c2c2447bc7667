"""Pools of redis-py for a master that sentinels name: what is left to redis-py goes there, too."""

# ruff: noqa: ANN401 - classes and pools of redis-py, of either kind

from __future__ import annotations

import re
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote
from weakref import WeakSet

from outlast._arguments import Arguments

_URL = re.compile(
    r"redis(?P<tls>s?)-sentinel://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"(?:/(?P<master>[^/?#]*))?(?:/(?P<db>\d*))?/?(?:\?(?P<query>[^#]*))?"
)
_PORT = 26379

SERVED: WeakSet[Any] = WeakSet()
"""Pools of sentinels that a client of ours has made, and so knows the way of."""


def pool_of(made: Arguments, keywords: dict[str, Any], pools: Any, module: str) -> Any:
    """A pool for a URL: of `pools`, or where the URL has sentinels, of that module of redis-py."""
    parts = _URL.fullmatch(made.url)
    if parts is None:
        return pools.from_url(made.redis_url, **keywords)
    sentinels = import_module(module).Sentinel
    given = {**dict(parse_qsl(parts["query"] or "")), **made.options}
    tls = {"ssl": True} if parts["tls"] else {}
    login = {"username": given.get("sentinel_username"), "password": given.get("sentinel_password")}
    asked = sentinels(
        [_place(host) for host in parts["hosts"].split(",")], sentinel_kwargs={**login, **tls}
    )
    user, _, password = (parts["login"] or "").partition(":")
    master = given.get("sentinel_master") or unquote(parts["master"] or "")
    pool = asked.master_for(
        master,
        username=unquote(user) or None,
        password=unquote(password) or None,
        db=int(str(parts["db"] or given.get("db") or 0)),
        **tls,
        **keywords,
    ).connection_pool
    SERVED.add(pool)
    return pool


def asked_for(pool: Any) -> list[Any]:
    """Clients of redis-py that ask the sentinels of a pool which a client of ours has made."""
    return list(pool.sentinel_manager.sentinels) if pool in SERVED else []


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip().strip("[]"), _PORT
    return host.strip("[]"), int(port)
