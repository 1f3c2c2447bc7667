"""Which commands of a cluster redis-py has to choose a node for, and which nodes it may ask."""

# ruff: noqa: ANN401 - what commands take is of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from redis.cluster import RedisCluster

from outlast._cluster_arguments import Place, place_of

__all__ = ["is_for_nodes", "known_places", "scan_words"]

# redis-py asks one node for them, and there is an answer for the whole cluster.
_OF_ALL = {"DBSIZE", "INFO", "KEYS", "PING", "RANDOMKEY", "TIME"}

_FLAGS: Mapping[str, str] = RedisCluster.COMMAND_FLAGS
_FOR_NODES = frozenset(
    {name for name, flag in _FLAGS.items() if flag != RedisCluster.PRIMARIES} - _OF_ALL | {"SCAN"}
)
_CONTAINERS = frozenset(name.partition(" ")[0] for name in _FOR_NODES if " " in name)


def is_for_nodes(args: tuple[Any, ...]) -> bool:
    """Whether a command is about nodes, by redis-py's own table."""
    name = args[0] if args else None
    if not isinstance(name, str):
        return False
    answer = _is_for_nodes(name)
    if answer is None:
        return len(args) > 1 and bool(_is_for_nodes(f"{name} {args[1]}"))
    return answer


@lru_cache(512)
def _is_for_nodes(name: str) -> bool | None:
    """The same by the name alone; None where the next word tells."""
    name = name.upper()
    return True if name in _FOR_NODES else (None if name in _CONTAINERS else False)


def known_places(named: list[Place], status: Mapping[str, Any] | None) -> list[Place]:
    """The nodes that were named, and those that serve now: the named may be gone since."""
    shards = (status or {}).get("shards") or ()
    serving = [place_of(shard["endpoint"]) for shard in shards]
    return list(dict.fromkeys([*named, *serving]))


def scan_words(match: Any, count: Any, kind: Any) -> list[Any]:
    """The options of SCAN."""
    words: list[Any] = []
    for word, value in (("MATCH", match), ("COUNT", count), ("TYPE", kind)):
        if value is not None:
            words += [word, value]
    return words
