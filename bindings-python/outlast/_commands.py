"""The commands that are used most, where redis-py is not installed to bring all of them."""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from outlast.exceptions import InvalidArgument

Shape = Callable[[Any], Any]


class Commands:
    """Commands, by the names and with the arguments and answers that they have in redis-py."""

    def _call(self, shape: Shape | None, *args: Any) -> Any:
        raise NotImplementedError

    def ping(self) -> Any:
        """True, from Redis or from memory; `get_status` tells which."""
        return self._call(None, "PING")

    def mget(self, keys: Any, *args: Any) -> Any:
        """The values of keys."""
        return self._call(None, "MGET", *_listed(keys, args))

    def mset(self, mapping: Mapping[Any, Any]) -> Any:
        """Sets many keys at once."""
        return self._call(None, "MSET", *_flat(mapping))

    def setnx(self, name: Any, value: Any) -> Any:
        """Sets a key unless it is there; whether it did."""
        return self._call(bool, "SETNX", name, value)

    def setex(self, name: Any, time: Any, value: Any) -> Any:
        """Sets a key that lives for seconds."""
        return self._call(None, "SETEX", name, whole(time), value)

    def psetex(self, name: Any, time_ms: Any, value: Any) -> Any:
        """Sets a key that lives for milliseconds."""
        return self._call(None, "PSETEX", name, whole(time_ms, 1_000), value)

    def getset(self, name: Any, value: Any) -> Any:
        """Sets a key; the value before."""
        return self._call(None, "GETSET", name, value)

    def getdel(self, name: Any) -> Any:
        """Deletes a key; its value."""
        return self._call(None, "GETDEL", name)

    def append(self, key: Any, value: Any) -> Any:
        """Adds to the end of a value; its length."""
        return self._call(None, "APPEND", key, value)

    def strlen(self, name: Any) -> Any:
        """The length of a value."""
        return self._call(None, "STRLEN", name)

    def incrby(self, name: Any, amount: Any = 1) -> Any:
        """Adds to a counter; the new value."""
        return self._call(None, "INCRBY", name, amount)

    def incrbyfloat(self, name: Any, amount: Any = 1.0) -> Any:
        """Adds to a floating-point number; the new value."""
        return self._call(float, "INCRBYFLOAT", name, amount)

    def decr(self, name: Any, amount: Any = 1) -> Any:
        """Takes from a counter; the new value."""
        return self._call(None, "DECRBY", name, amount)

    decrby = decr

    def unlink(self, *names: Any) -> Any:
        """Deletes keys, their memory later; how many there were."""
        return self._call(None, "UNLINK", *names)

    def exists(self, *names: Any) -> Any:
        """How many of the keys are there."""
        return self._call(None, "EXISTS", *names)

    def expireat(self, name: Any, when: Any) -> Any:
        """Lets a key expire at a time in seconds since 1970; whether it was there."""
        return self._call(bool, "EXPIREAT", name, _moment(when))

    def pexpire(self, name: Any, time: Any) -> Any:
        """Lets a key expire after milliseconds; whether it was there."""
        return self._call(bool, "PEXPIRE", name, whole(time, 1_000))

    def persist(self, name: Any) -> Any:
        """Has a key live on; whether it was to expire."""
        return self._call(bool, "PERSIST", name)

    def pttl(self, name: Any) -> Any:
        """Milliseconds until a key expires."""
        return self._call(None, "PTTL", name)

    def type(self, name: Any) -> Any:
        """What kind of value a key has."""
        return self._call(None, "TYPE", name)

    def rename(self, src: Any, dst: Any) -> Any:
        """Gives a key another name."""
        return self._call(None, "RENAME", src, dst)

    def keys(self, pattern: Any = "*") -> Any:
        """The keys that a pattern matches."""
        return self._call(None, "KEYS", pattern)

    def scan(self, cursor: Any = 0, match: Any = None, count: Any = None) -> Any:
        """Some keys, and the cursor for further ones."""
        return self._call(_scanned, "SCAN", cursor, *_scan(match, count))

    def dbsize(self) -> Any:
        """How many keys there are."""
        return self._call(None, "DBSIZE")

    def flushdb(self) -> Any:
        """Deletes every key."""
        return self._call(None, "FLUSHDB")

    def hset(
        self, name: Any, key: Any = None, value: Any = None, mapping: Any = None, items: Any = None
    ) -> Any:
        """Sets fields; how many are new."""
        fields: list[Any] = [
            *([] if key is None else [key, value]),
            *(items or []),
            *_flat(mapping or {}),
        ]
        if not fields:
            raise InvalidArgument("hset needs a field: key and value, mapping or items")
        return self._call(None, "HSET", name, *fields)

    def hsetnx(self, name: Any, key: Any, value: Any) -> Any:
        """Sets a field unless it is there; whether it did."""
        return self._call(None, "HSETNX", name, key, value)

    def hget(self, name: Any, key: Any) -> Any:
        """The value of a field."""
        return self._call(None, "HGET", name, key)

    def hmget(self, name: Any, keys: Any, *args: Any) -> Any:
        """The values of fields."""
        return self._call(None, "HMGET", name, *_listed(keys, args))

    def hgetall(self, name: Any) -> Any:
        """Every field with its value."""
        return self._call(_dict, "HGETALL", name)

    def hdel(self, name: Any, *keys: Any) -> Any:
        """Deletes fields; how many there were."""
        return self._call(None, "HDEL", name, *keys)

    def hexists(self, name: Any, key: Any) -> Any:
        """Whether a field is there."""
        return self._call(bool, "HEXISTS", name, key)

    def hincrby(self, name: Any, key: Any, amount: Any = 1) -> Any:
        """Adds to a field; its new value."""
        return self._call(None, "HINCRBY", name, key, amount)

    def hincrbyfloat(self, name: Any, key: Any, amount: Any = 1.0) -> Any:
        """Adds to a floating-point number in a field; its new value."""
        return self._call(float, "HINCRBYFLOAT", name, key, amount)

    def hkeys(self, name: Any) -> Any:
        """The names of the fields."""
        return self._call(None, "HKEYS", name)

    def hvals(self, name: Any) -> Any:
        """The values of the fields."""
        return self._call(None, "HVALS", name)

    def hlen(self, name: Any) -> Any:
        """How many fields there are."""
        return self._call(None, "HLEN", name)

    def lpush(self, name: Any, *values: Any) -> Any:
        """Adds to the head of a list; its length."""
        return self._call(None, "LPUSH", name, *values)

    def rpush(self, name: Any, *values: Any) -> Any:
        """Adds to the tail of a list; its length."""
        return self._call(None, "RPUSH", name, *values)

    def lpop(self, name: Any, count: Any = None) -> Any:
        """Takes from the head of a list."""
        return self._call(None, "LPOP", name, *_given(count))

    def rpop(self, name: Any, count: Any = None) -> Any:
        """Takes from the tail of a list."""
        return self._call(None, "RPOP", name, *_given(count))

    def llen(self, name: Any) -> Any:
        """The length of a list."""
        return self._call(None, "LLEN", name)

    def lrange(self, name: Any, start: Any, end: Any) -> Any:
        """The elements from one place to another, both included."""
        return self._call(None, "LRANGE", name, start, end)

    def lrem(self, name: Any, count: Any, value: Any) -> Any:
        """Removes elements of a value; how many."""
        return self._call(None, "LREM", name, count, value)

    def ltrim(self, name: Any, start: Any, end: Any) -> Any:
        """Keeps the elements from one place to another."""
        return self._call(None, "LTRIM", name, start, end)

    def sadd(self, name: Any, *values: Any) -> Any:
        """Adds members; how many are new."""
        return self._call(None, "SADD", name, *values)

    def srem(self, name: Any, *values: Any) -> Any:
        """Removes members; how many there were."""
        return self._call(None, "SREM", name, *values)

    def smembers(self, name: Any) -> Any:
        """Every member."""
        return self._call(set, "SMEMBERS", name)

    def sismember(self, name: Any, value: Any) -> Any:
        """Whether a member is there."""
        return self._call(None, "SISMEMBER", name, value)

    def scard(self, name: Any) -> Any:
        """How many members there are."""
        return self._call(None, "SCARD", name)

    def spop(self, name: Any, count: Any = None) -> Any:
        """Takes members by chance."""
        return self._call(None, "SPOP", name, *_given(count))

    def zadd(
        self,
        name: Any,
        mapping: Mapping[Any, Any],
        nx: bool = False,
        xx: bool = False,
        ch: bool = False,
        incr: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Any:
        """Sets scores of members; how many are new, or with `incr` the new score."""
        named = [(nx, "NX"), (xx, "XX"), (gt, "GT"), (lt, "LT"), (ch, "CH"), (incr, "INCR")]
        flags = [flag for wanted, flag in named if wanted]
        scores = [part for member, score in mapping.items() for part in (score, member)]
        return self._call(_score if incr else None, "ZADD", name, *flags, *scores)

    def zrem(self, name: Any, *values: Any) -> Any:
        """Removes members; how many there were."""
        return self._call(None, "ZREM", name, *values)

    def zrange(
        self, name: Any, start: Any, end: Any, desc: bool = False, withscores: bool = False
    ) -> Any:
        """Members from one rank to another, both included; with `withscores` pairs with scores."""
        name_of = "ZREVRANGE" if desc else "ZRANGE"
        return self._ranged(name_of, withscores, name, start, end)

    def zrevrange(self, name: Any, start: Any, end: Any, withscores: bool = False) -> Any:
        """Members from one rank to another, the highest first."""
        return self._ranged("ZREVRANGE", withscores, name, start, end)

    def zrangebyscore(
        self,
        name: Any,
        min: Any,  # noqa: A002 - redis-py's name
        max: Any,  # noqa: A002 - redis-py's name
        start: Any = None,
        num: Any = None,
        withscores: bool = False,
    ) -> Any:
        """Members whose scores lie between two."""
        limit = [] if start is None or num is None else ["LIMIT", start, num]
        return self._ranged("ZRANGEBYSCORE", withscores, name, min, max, *limit)

    def zremrangebyscore(self, name: Any, min: Any, max: Any) -> Any:  # noqa: A002 - redis-py's names
        """Removes members whose scores lie between two; how many."""
        return self._call(None, "ZREMRANGEBYSCORE", name, min, max)

    def zscore(self, name: Any, value: Any) -> Any:
        """The score of a member."""
        return self._call(_score, "ZSCORE", name, value)

    def zincrby(self, name: Any, amount: Any, value: Any) -> Any:
        """Adds to the score of a member; the new one."""
        return self._call(_score, "ZINCRBY", name, amount, value)

    def zcard(self, name: Any) -> Any:
        """How many members there are."""
        return self._call(None, "ZCARD", name)

    def zcount(self, name: Any, min: Any, max: Any) -> Any:  # noqa: A002 - redis-py's names
        """How many members have scores between two."""
        return self._call(None, "ZCOUNT", name, min, max)

    def zrank(self, name: Any, value: Any) -> Any:
        """The rank of a member, from 0."""
        return self._call(None, "ZRANK", name, value)

    def eval(self, script: Any, numkeys: int, *keys_and_args: Any) -> Any:
        """Runs a script."""
        return self._call(None, "EVAL", script, numkeys, *keys_and_args)

    def evalsha(self, sha: Any, numkeys: int, *keys_and_args: Any) -> Any:
        """Runs a script that Redis knows."""
        return self._call(None, "EVALSHA", sha, numkeys, *keys_and_args)

    def script_load(self, script: Any) -> Any:
        """Makes a script known; its SHA-1."""
        return self._call(_text, "SCRIPT LOAD", script)

    def publish(self, channel: Any, message: Any) -> Any:
        """Sends a message; how many got it."""
        return self._call(None, "PUBLISH", channel, message)

    def _ranged(self, command: str, withscores: bool, *args: Any) -> Any:
        if withscores:
            return self._call(_scored, command, *args, "WITHSCORES")
        return self._call(None, command, *args)


def set_options(ex: Any, px: Any, flags: dict[str, Any]) -> list[Any]:
    """What follows key and value in SET."""
    words: list[Any] = []
    times = [("EX", ex, 1), ("PX", px, 1_000)]
    for word, value, per_second in times:
        if value is not None:
            words += [word, whole(value, per_second)]
    for name, value in flags.items():
        if name in {"exat", "pxat"}:
            words += [] if value is None else [name.upper(), _moment(value, name == "pxat")]
        elif name not in {"nx", "xx", "keepttl", "get"}:
            raise InvalidArgument(f"set has no option {name}")
        elif value:
            words.append(name.upper())
    return words


def whole(time: Any, per_second: int = 1) -> Any:
    """A length of time as a whole number."""
    return int(time.total_seconds() * per_second) if hasattr(time, "total_seconds") else time


def _moment(when: Any, in_ms: bool = False) -> Any:
    if not hasattr(when, "timestamp"):
        return when
    return int(when.timestamp() * (1_000 if in_ms else 1))


def _listed(keys: Any, more: tuple[Any, ...]) -> list[Any]:
    head = [keys] if isinstance(keys, (str, bytes, int, float)) else list(keys)
    return [*head, *more]


def _flat(mapping: Mapping[Any, Any]) -> list[Any]:
    return [part for pair in mapping.items() for part in pair]


def _given(count: Any) -> list[Any]:
    return [] if count is None else [count]


def _scan(match: Any, count: Any) -> list[Any]:
    words = [] if match is None else ["MATCH", match]
    return words if count is None else [*words, "COUNT", count]


def _scanned(reply: list[Any]) -> tuple[int, list[Any]]:
    return int(reply[0]), reply[1]


def _dict(reply: Any) -> Any:
    return reply if hasattr(reply, "items") else dict(zip(reply[::2], reply[1::2]))


def _score(reply: Any) -> float:
    return float(reply)


def _scored(reply: list[Any]) -> list[tuple[Any, float]]:
    if reply and isinstance(reply[0], list):
        return [(member, float(score)) for member, score in reply]
    return [(member, float(score)) for member, score in zip(reply[::2], reply[1::2])]


def _text(reply: Any) -> Any:
    return reply.decode() if isinstance(reply, bytes) else reply
