"""What redis-py's constructors take, as what the core takes: a URL, a profile and options.

What has an equal in the policy is translated (`socket_timeout` is the deadline of a command). What
only a connection of redis-py can do is handed to those (`FOR_CONNECTIONS`). What the native
connections cannot do leaves every command to redis-py (`unserved`). What is none of these is
refused by its name. An option of ours goes before its translation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode

from outlast.exceptions import InvalidArgument, InvalidOption
from outlast.types import OnIncident

__all__ = ["Arguments", "of_keywords", "of_pool", "of_url"]

# redis-py's name, the knob, and how many of the knob's units are one of redis-py's.
_KNOBS = {
    "socket_timeout": ("command_timeout_ms", 1_000),
    "socket_connect_timeout": ("connect_timeout_ms", 1_000),
    "max_connections": ("connections_max", 1),
}

# The core knows them by these very names.
_SHARED = {
    "client_name",
    "protocol",
    "ssl_keyfile",
    "ssl_certfile",
    "ssl_cert_reqs",
    "ssl_ca_certs",
    "ssl_ca_data",
    "ssl_check_hostname",
}

# The core reads it in a URL, and so does redis-py.
_FOR_BOTH = ("ssl_check_hostname",)

# Options of the core that redis-py's own connections know under another name.
_OURS_FOR_CONNECTIONS = {
    "tls_ca_file": "ssl_ca_certs",
    "tls_ca_pem": "ssl_ca_data",
    "tls_certificate_file": "ssl_certfile",
    "tls_key_file": "ssl_keyfile",
    "client_name": "client_name",
    "protocol": "protocol",
}

FOR_CONNECTIONS = {
    "socket_read_size",
    "socket_keepalive",
    "socket_keepalive_options",
    "retry",
    "retry_on_timeout",
    "retry_on_error",
    "health_check_interval",
    "lib_name",
    "lib_version",
    "driver_info",
    "legacy_responses",
    "event_dispatcher",
    "maint_notifications_config",
    "oss_cluster_maint_notifications_handler",
}
"""What connections of redis-py take and native ones do without: these are looked at before they are
used, dialled again by the policy, and no command is repeated on a caller's time."""

# Who asks for one of these wants each command to go through redis-py.
_UNSERVED = {
    "credential_provider": "a credential provider",
    "redis_connect_func": "redis_connect_func",
    "cache": "client-side caching",
    "cache_config": "client-side caching",
}

# They are about TLS, and the native connections do not know them.
_UNSERVED_IN_TLS = {
    "ssl_password",
    "ssl_ca_path",
    "ssl_validate_ocsp",
    "ssl_validate_ocsp_stapled",
    "ssl_ocsp_context",
    "ssl_ocsp_expected_cert",
    "ssl_ciphers",
    "ssl_include_verify_flags",
    "ssl_exclude_verify_flags",
}
_TLS_1_2 = 771

_TRUE = {"true", "yes", "on", "1"}
_NUMBERS = {
    "socket_timeout",
    "socket_connect_timeout",
    "max_connections",
    "health_check_interval",
    "socket_read_size",
    "ssl_min_version",
}
_FLAGS = {
    "decode_responses",
    "socket_keepalive",
    "retry_on_timeout",
    "legacy_responses",
    "ssl_validate_ocsp",
    "ssl_validate_ocsp_stapled",
}
_FORMS = {"decode_responses", "encoding", "encoding_errors"}
_OF_REDIS_PY = (
    {*_KNOBS, *FOR_CONNECTIONS, *_UNSERVED, *_UNSERVED_IN_TLS, *_FORMS, "ssl_min_version"}
    | _SHARED - {"client_name", "protocol", *_FOR_BOTH}
)  # fmt: skip


class Arguments:
    """Where Redis is, how to behave, and what redis-py's own connections are made with."""

    # No data class: what these import takes longer than all of the package.
    __slots__ = (
        "decode_responses",
        "encoding",
        "encoding_errors",
        "for_connections",
        "on_incident",
        "options",
        "profile",
        "redis_url",
        "unserved",
        "url",
    )

    def __init__(
        self, url: str, profile: str | None, options: dict[str, object], redis_url: str = ""
    ) -> None:
        self.url = url
        """With whatever is secret in it."""

        self.profile = profile
        self.options = options
        """Knobs, rules and options of connections, as the core knows them. None is none."""

        self.redis_url = redis_url
        """The URL without parameters that are ours."""

        self.decode_responses = False
        self.encoding = "utf-8"
        self.encoding_errors = "strict"

        self.for_connections: dict[str, object] = {}
        """Keywords for redis-py's connections: what was given, but not where they lead."""

        self.unserved: str | None = None
        """Why redis-py has to do everything, if it has to."""

        self.on_incident: OnIncident | None = None
        """Called with each incident that is over, and its entry for the production log."""


def of_keywords(
    host: object = "localhost",
    port: object = 6379,
    db: object = 0,
    password: object = None,
    *,
    username: object = None,
    ssl: bool = False,
    unix_socket_path: object = None,
    profile: str | None = None,
    options: Mapping[str, object] | None = None,
) -> Arguments:
    """Arguments of a client for a host and a port, with TLS if `ssl`, or for a unix socket."""
    login = _login(username, password)
    if unix_socket_path is None:
        place = _place(host, port)
        url = f"{'rediss' if ssl else 'redis'}://{login}{place}/{_quoted(db or 0)}"
    else:
        url = f"unix://{login}{_path(unix_socket_path)}?db={_quoted(db or 0)}"
    if username and not password:
        # Such a user needs none; in redis-py, too.
        url = _with_parameter(url, "password", "")
    return _arguments(url, url, profile, dict(options or {}))


def of_url(
    url: str, *, profile: str | None = None, options: Mapping[str, object] | None = None
) -> Arguments:
    """Arguments of a client for a URL, with knobs or redis-py's parameters; keywords go before."""
    _check("url", url)
    given_here = dict(options or {})
    own, in_url, theirs = _parted(url, given_here)
    given = {**in_url, **given_here}
    login = [(name, given.pop(name)) for name in ("username", "password", "db") if name in given]
    for name, value in login:
        if value is not None:
            own = _with_parameter(own, name, str(value))
            theirs = _with_parameter(theirs, name, str(value))
    in_our_url = dict(_split(own)[1])
    arguments = _arguments(own, theirs, profile, given, in_our_url)
    # redis-py reads them from its URL by itself.
    for read in set(in_url) - set(given_here) - _FORMS:
        arguments.for_connections.pop(read, None)
    return arguments


def of_pool(
    pool: object, *, profile: str | None = None, options: Mapping[str, object] | None = None
) -> Arguments:
    """Arguments of a client in place of one that uses a pool of redis-py, which stays its own."""
    made = cast("Any", pool)
    if not isinstance(made.connection_class, type):
        return _unserved("a pool of another kind")
    given: dict[str, object] = dict(made.connection_kwargs)
    given.setdefault("max_connections", getattr(made, "max_connections", None))
    # The pool of redis-py has no bound unless it was given one.
    if isinstance(given["max_connections"], int) and given["max_connections"] > _POOL_MAX:
        del given["max_connections"]
    unserved = _why_not(pool.__class__, _POOL_MODULES, _OF_POOLS) or _why_not(
        made.connection_class, _CONNECTION_MODULES, _OF_CONNECTIONS
    )
    path = given.pop("path", None)
    place = {name: given.pop(name) for name in ("host", "port") if name in given}
    login = {name: given.pop(name, None) for name in ("username", "password", "db")}
    given.pop("connection_class", None)
    is_tls = any("SSL" in cls.__name__ for cls in made.connection_class.__mro__)
    if not is_tls:
        given = {name: value for name, value in given.items() if not name.startswith("ssl_")}
    if unserved:
        return _unserved(unserved)
    arguments = of_keywords(
        **cast("Any", {**place, **login}),
        ssl=is_tls,
        unix_socket_path=path,
        profile=profile,
        options={**_known(given), **(options or {})},
    )
    arguments.for_connections = {}
    return arguments


def _unserved(why: str) -> Arguments:
    arguments = Arguments("", None, {})
    arguments.unserved = why
    return arguments


_POOL_MAX = 10_000
_POOL_MODULES = ("redis.connection", "redis.asyncio.connection")
_CONNECTION_MODULES = _POOL_MODULES
# What decides where a connection leads or what passes over it.
_OF_POOLS = {"get_connection", "make_connection"}
_OF_CONNECTIONS = {
    "connect",
    "_connect",
    "on_connect",
    "send_command",
    "send_packed_command",
    "read_response",
    "pack_command",
}


def _why_not(cls: type, modules: Iterable[str], deciding: set[str]) -> str | None:
    """Why a class of connections or pools has to do its work itself, if it has to."""
    for base in cls.__mro__:
        if base.__module__ in modules:
            return None
        if deciding & set(vars(base)):
            break
    return f"{cls.__module__}.{cls.__qualname__}"


def _known(given: dict[str, object]) -> dict[str, object]:
    """What pools carry besides is the business of their connections."""
    return {name: value for name, value in given.items() if name in _OF_REDIS_PY or name in _SHARED}


def _arguments(
    url: str,
    redis_url: str,
    profile: str | None,
    given: dict[str, object],
    in_url: Mapping[str, str] | None = None,
) -> Arguments:
    forms = {name: given.pop(name) for name in _FORMS if name in given}
    on_incident = given.pop("on_incident", None)
    options: dict[str, object] = {}
    connections = _elsewhere(in_url or {}, url.startswith("rediss"))
    unserved = None
    for name, value in given.items():
        if name in _UNSERVED:
            connections[name] = value
            # None is what redis-py has where nothing is asked for.
            if value is not None:
                unserved = _UNSERVED[name]
        elif name in FOR_CONNECTIONS:
            connections[name] = value
        elif name in _KNOBS:
            connections[name] = value
            _translate(name, value, options, given)
        elif name in _UNSERVED_IN_TLS:
            connections[name] = value
            unserved = name if value else unserved
        elif name == "ssl_min_version":
            connections[name] = value
            # TLS 1.2 is the oldest version that is spoken anyway.
            is_newer = isinstance(value, int) and value > _TLS_1_2
            unserved = f"{name} above TLS 1.2" if is_newer else unserved
        elif name in _SHARED:
            connections[name] = value
            options[name] = value
        else:
            options[name] = value
            if value is not None and name in _OURS_FOR_CONNECTIONS:
                connections[_OURS_FOR_CONNECTIONS[name]] = value
    _settle_tls(options, connections)
    arguments = Arguments(url, profile, options, redis_url=redis_url)
    arguments.decode_responses = _flag(forms.get("decode_responses", False))
    arguments.encoding = str(forms.get("encoding") or "utf-8")
    arguments.encoding_errors = str(forms.get("encoding_errors") or "strict")
    if forms:
        connections.update(forms, decode_responses=arguments.decode_responses)
    arguments.for_connections = connections
    arguments.unserved = unserved
    arguments.on_incident = cast("OnIncident | None", on_incident)
    return arguments


def _elsewhere(in_url: Mapping[str, str], is_tls: bool) -> dict[str, object]:  # noqa: FBT001
    """What URL and environment tell the core, and connections of redis-py are to do, too."""
    told = {
        name: value
        for name in (*_OURS_FOR_CONNECTIONS, "tls_insecure")
        if (value := os.environ.get(f"OUTLAST_{name.upper()}", in_url.get(name))) is not None
        and (is_tls or not name.startswith("tls_"))
    }
    found: dict[str, object] = {}
    if told.pop("tls_insecure", "").lower() in _TRUE:
        found.update(ssl_cert_reqs="none", ssl_check_hostname=False)
    for name, value in told.items():
        is_number = name == "protocol" and value.isdigit()
        found[_OURS_FOR_CONNECTIONS[name]] = int(value) if is_number else value
    return found


def _translate(
    name: str, value: object, options: dict[str, object], given: Mapping[str, object]
) -> None:
    """A number of redis-py as a knob. None leaves the policy's: no command here waits for ever."""
    knob, factor = _KNOBS[name]
    if value is None or given.get(knob) is not None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidOption(f'invalid {name} "{value}": allowed is a number')
    scaled = value * factor
    if scaled <= 0 or scaled != scaled or scaled == float("inf"):
        raise InvalidOption(f'invalid {name} "{value}": allowed is a number above 0')
    # The core says what else is wrong with it, by its own name.
    options[knob] = max(1, round(scaled))


def _settle_tls(options: dict[str, object], connections: dict[str, object]) -> None:
    if "ssl_cert_reqs" in options and options["ssl_cert_reqs"] is None:
        # In redis-py None is a value of this one.
        options["ssl_cert_reqs"] = "none"
    is_unchecked = str(options.get("ssl_cert_reqs", "")).rpartition("CERT_")[2].lower()
    if is_unchecked in {"none", "0"}:
        # Where no certificate is checked, no name in it is.
        options.pop("ssl_check_hostname", None)
        connections["ssl_check_hostname"] = False
    if str(options.get("tls_insecure", "")).lower() in _TRUE:
        connections.update(ssl_cert_reqs="none", ssl_check_hostname=False)


def _parted(url: str, given: Mapping[str, object]) -> tuple[str, dict[str, object], str]:
    """A URL without redis-py's parameters, those, and the URL with none that are ours."""
    base, pairs = _split(url)
    own = [pair for pair in pairs if pair[0] not in _OF_REDIS_PY]
    theirs = [(name, value) for name, value in pairs if name in _OF_REDIS_PY]
    for_both = [pair for pair in own if pair[0] in {"db", "username", "password", *_FOR_BOTH}]
    kept = [pair for pair in theirs + for_both if pair[0] not in {*given, *_FORMS}]
    # What is wrong in a URL, the core says, of the URL as it was given.
    ours = _joined(base, own) if theirs else url
    return ours, {name: _of_text(name, value) for name, value in theirs}, _joined(base, kept)


def _split(url: str) -> tuple[str, list[tuple[str, str]]]:
    base, _, query = url.partition("?")
    return base, parse_qsl(query, keep_blank_values=True)


def _joined(base: str, pairs: list[tuple[str, str]]) -> str:
    return f"{base}?{urlencode(pairs)}" if pairs else base


def _of_text(name: str, value: str) -> object:
    if name in _NUMBERS:
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            raise InvalidOption(
                f'invalid URL parameter {name} "{value}": allowed is a number'
            ) from None
    return _flag(value) if name in _FLAGS else value


def _flag(value: object) -> bool:
    return value.lower() in _TRUE if isinstance(value, str) else bool(value)


def _with_parameter(url: str, name: str, value: str) -> str:
    base, pairs = _split(url)
    return _joined(base, [*(pair for pair in pairs if pair[0] != name), (name, value)])


def _login(username: object, password: object) -> str:
    """Who logs in, as it stands in a URL."""
    _check("username", username or "")
    _check("password", password or "")
    if username or password:
        return f"{_quoted(username or '')}:{_quoted(password or '')}@"
    return ""


def _place(host: object, port: object) -> str:
    """Where, as it stands in a URL. What is wrong in it, the core says."""
    _check("host", host)
    host = str(host)
    place = f"[{host.strip('[]')}]" if ":" in host else _quoted(host)
    return f"{place}:{_quoted(port)}"


def _path(path: object) -> str:
    _check("unix_socket_path", path)
    return quote(str(path))


def _check(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise InvalidArgument(f"{name} must be str, not {type(text).__name__}")


def _quoted(part: object) -> str:
    return quote(str(part), safe="")
