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

    `options` are the knobs that `outlast.knobs()` lists, and how a connection is made:
    `tls_ca_file`, `tls_certificate_file`, `tls_key_file`, `tls_server_name`, `tls_insecure`,
    `client_name`, `protocol`; `journal_path` names a file that keeps what is written while Redis
    is away. redis-py's `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`,
    `ssl_cert_reqs` and `ssl_check_hostname` are understood. None leaves one as it is.
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
        ssl: bool = False,
        unix_socket_path: str | None = None,
        profile: str | None = None,
        decode_responses: bool = False,
        rules: RulesOption | None = None,
        **options: object,
    ) -> Redis:
        """Makes a client for a host and a port, with TLS if `ssl`, or for a unix socket."""
        login = _login(username, password)
        if unix_socket_path is None:
            place = _place(host, port)
            url = f"{'rediss' if ssl else 'redis'}://{login}{place}/{_quoted(db)}"
        else:
            url = f"unix://{login}{_path(unix_socket_path)}?db={_quoted(db)}"
        return _outlast.Client.__new__(
            cls, url, profile, decode_responses, {"rules": rules, **_known(options)}
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
        """Makes a client for `redis://[[user]:password@]host[:port][/database][?knob=value]`.

        `rediss://` is the same with TLS; `unix:///path?db=0` is a unix socket.
        """
        return _outlast.Client.__new__(
            cls, url, profile, decode_responses, {"rules": rules, **_known(options)}
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


def _login(username: str | None, password: str | None) -> str:
    """Who logs in, as it stands in a URL."""
    _check("username", username or "")
    _check("password", password or "")
    if username or password:
        return f"{_quoted(username or '')}:{_quoted(password or '')}@"
    return ""


def _place(host: str, port: int) -> str:
    """Where, as it stands in a URL. What is wrong in it, the core says."""
    _check("host", host)
    place = f"[{host.strip('[]')}]" if ":" in host else _quoted(host)
    return f"{place}:{_quoted(port)}"


def _path(path: str) -> str:
    _check("unix_socket_path", path)
    return quote(path)


def _known(options: dict[str, object]) -> dict[str, object]:
    """The options; in redis-py None is a value of this one."""
    if options.get("ssl_cert_reqs", "absent") is None:
        return {**options, "ssl_cert_reqs": "none"}
    return options


def _check(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise InvalidArgument(f"{name} must be str, not {type(text).__name__}")


def _quoted(part: object) -> str:
    return quote(str(part), safe="")
