"""The client that applications make."""

from __future__ import annotations

from urllib.parse import quote

from outlast import _outlast
from outlast.exceptions import InvalidArgument
from outlast.types import RulesOption

__all__ = ["Redis", "from_url"]


class Redis(_outlast.Client):
    """A Redis client that keeps answering while Redis is away. Threads may share it.

    `rules` say what keys are for, and so what may be done with them while Redis is away: in order,
    patterns as KEYS takes them, each with a class (cache, counter, session, queue, lock,
    idempotency) and perhaps a conflict policy (replay, merge, delete_wins, discard), as in
    `[("session:*", "session"), ("lock:*", "lock"), ("x:*", "session", "delete_wins")]`, a dict of
    the same, or a text as `OUTLAST_RULES` has it. The first that matches decides; other keys are
    cache keys.

    `options` are the knobs that `outlast.knobs()` lists; None leaves one as the profile has it.
    Where the profile is not lazy, the client is connected once it is made, and RedisUnavailable is
    raised where Redis is required and cannot be reached.
    """

    def __new__(  # noqa: PYI034 - Self is Python 3.11's
        cls,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        *,
        profile: str | None = None,
        decode_responses: bool = False,
        rules: RulesOption | None = None,
        **options: object,
    ) -> Redis:
        """Makes a client for a host and a port."""
        url = _url(host, port, db, username, password)
        return _outlast.Client.__new__(
            cls, url, profile, decode_responses, {"rules": rules, **options}
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        profile: str | None = None,
        decode_responses: bool = False,
        rules: RulesOption | None = None,
        **options: object,
    ) -> Redis:
        """Makes a client for `redis://[[user]:password@]host[:port][/database][?knob=value]`."""
        return _outlast.Client.__new__(
            cls, url, profile, decode_responses, {"rules": rules, **options}
        )


def from_url(
    url: str,
    *,
    profile: str | None = None,
    decode_responses: bool = False,
    rules: RulesOption | None = None,
    **options: object,
) -> Redis:
    """As `Redis.from_url`."""
    return Redis.from_url(
        url, profile=profile, decode_responses=decode_responses, rules=rules, **options
    )


def _url(host: str, port: int, db: int, username: str | None, password: str | None) -> str:
    """The URL of what was given in parts. What is wrong in it, the core says."""
    given: tuple[tuple[str, object], ...] = (
        ("host", host),
        ("username", username or ""),
        ("password", password or ""),
    )
    for name, text in given:
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - it may lie
            raise InvalidArgument(f"{name} must be str, not {type(text).__name__}")
    credentials = ""
    if username or password:
        credentials = f"{_quoted(username or '')}:{_quoted(password or '')}@"
    place = f"[{host.strip('[]')}]" if ":" in host else _quoted(host)
    return f"redis://{credentials}{place}:{_quoted(port)}/{_quoted(db)}"


def _quoted(part: object) -> str:
    return quote(str(part), safe="")
