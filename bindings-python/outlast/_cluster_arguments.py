"""What redis-py's cluster client takes, as what the core takes, and as what redis-py's own takes.

What concerns redis-py's map of the nodes and its connections to them is handed to these
(`_FOR_NODES`). What decides where each command goes, or through whose hands, leaves every command
to redis-py (`_UNSERVED`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote, unquote

from outlast import _arguments
from outlast._arguments import Arguments
from outlast.exceptions import InvalidArgument, InvalidOption, of_cluster

__all__ = ["Place", "is_of_cluster", "of_keywords", "place_of"]

Place = tuple[str, int]

_PORT = 6379

_FOR_NODES = {
    "cluster_error_retry_attempts",
    "connection_error_retry_attempts",
    "retry",
    "require_full_coverage",
    "reinitialize_steps",
    "dynamic_startup_nodes",
    "event_dispatcher",
    "maint_notifications_config",
}

_UNSERVED = ("address_remap", "policy_resolver")

_REPLICAS = ("read_from_replicas", "load_balancing_strategy")

_SCHEMES = {"redis": "redis-cluster", "rediss": "rediss-cluster"}


def of_keywords(
    host: object = None,
    port: object = _PORT,
    startup_nodes: Iterable[object] | None = None,
    url: str | None = None,
    *,
    profile: str | None = None,
    options: Mapping[str, object],
) -> tuple[Arguments, list[Place], dict[str, Any]]:
    """Arguments of a client; the nodes that were named; keywords for redis-py's client of these."""
    given = dict(options)
    if given.pop("db", 0) not in (0, "0", None):
        raise of_cluster(InvalidOption("invalid db: a cluster has database 0 only"))
    for_nodes = {name: given.pop(name) for name in _FOR_NODES if name in given}
    for name in _REPLICAS:
        if name in given:
            for_nodes[name] = given.pop(name)
            if for_nodes[name]:
                given.setdefault("cluster_read_from", "replica")
    unserved = next((name for name in _UNSERVED if given.get(name) is not None), None)
    for_nodes.update({name: given.pop(name) for name in _UNSERVED if name in given})
    is_tls = bool(given.pop("ssl", False))
    login = {name: given.pop(name, None) for name in ("username", "password")}
    places = [_node(node) for node in startup_nodes or ()]
    if url is not None:
        url = _with_scheme(url)
    else:
        if host is not None:
            places.append((str(host), _port(port)))
        if not places:
            raise of_cluster(
                InvalidOption(
                    "RedisCluster requires at least one node to discover the cluster: host and "
                    "port, startup_nodes or url"
                )
            )
        url = f"{'rediss' if is_tls else 'redis'}-cluster://{','.join(map(_text, places))}"
    if login["username"] and not login["password"]:
        # Such a user needs none; in redis-py, too.
        login["password"] = ""
    told = {name: value for name, value in login.items() if value is not None}
    made = _arguments.of_url(url, profile=profile, options={**given, **told})
    made.unserved = made.unserved or unserved
    in_url = _parsed(url)
    for_nodes.update(in_url.login)
    for_nodes.update(told)
    if is_tls or url.startswith("rediss-"):
        for_nodes["ssl"] = True
    return made, [*places, *(place for place in in_url.places if place not in places)], for_nodes


def is_of_cluster(url: object) -> bool:
    """Whether a URL says that it is one of a cluster."""
    return isinstance(url, str) and url.partition(":")[0].endswith("-cluster")


class _Parsed:
    """The nodes and the login of a URL."""

    def __init__(self, places: list[Place], login: dict[str, str]) -> None:
        self.places = places
        self.login = login


def _parsed(url: str) -> _Parsed:
    place = url.partition("://")[2].partition("?")[0].partition("/")[0]
    login, _, hosts = place.rpartition("@")
    user, _, password = login.partition(":")
    told = {"username": unquote(user), "password": unquote(password)} if login else {}
    return _Parsed(
        [place_of(host) for host in hosts.split(",") if host],
        {name: value for name, value in told.items() if value},
    )


def _with_scheme(url: str) -> str:
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller's
        raise InvalidArgument(f"url must be str, not {type(url).__name__}")
    scheme, colon, rest = url.partition("://")
    if scheme == "unix":
        raise of_cluster(InvalidOption("invalid URL: a cluster is not reached by a unix socket"))
    return f"{_SCHEMES.get(scheme, scheme)}{colon}{rest}"


def _node(node: Any) -> Place:  # noqa: ANN401 - what was given
    """The place of a `ClusterNode`, of a dict like one, or of a pair."""
    if isinstance(node, Mapping):
        named = cast("Mapping[Any, Any]", node)
        host, port = named.get("host"), named.get("port")
    elif isinstance(node, tuple):
        host, port = (*cast("tuple[Any, ...]", node), None, None)[:2]
    else:
        host, port = getattr(node, "host", None), getattr(node, "port", None)
    if not isinstance(host, str) or port is None:
        kind = type(cast("object", node)).__name__
        raise InvalidArgument(f"a startup node must have a host and a port, which {kind} has not")
    return host, _port(port)


def _port(port: object) -> int:
    if isinstance(port, (int, str)) and not isinstance(port, bool) and str(port).isdigit():
        return int(port)
    raise InvalidOption(f'invalid port "{port}": allowed is a whole number from 1 to 65535')


def _text(place: Place) -> str:
    host, port = place
    host = f"[{host.strip('[]')}]" if ":" in host else quote(host, safe="")
    return f"{host}:{port}"


def place_of(text: str) -> Place:
    """Host and port of a text like `host:port`, or of a URL of one node."""
    text = text.partition("://")[2] or text
    host, colon, port = text.strip().rpartition(":")
    if not colon or port.endswith("]"):
        return unquote(text.strip().strip("[]")), _PORT
    # What is no port the core has refused.
    return unquote(host.strip("[]")), int(port) if port.isdigit() else _PORT
