"""redis-py's arguments as a URL, a profile and options; nothing is dialled."""

import ssl

import outlast
import pytest
import redis
from outlast import _arguments
from redis.asyncio import ConnectionPool as AsyncPool
from redis.backoff import NoBackoff
from redis.retry import Retry


def test_a_place_becomes_a_url():
    made = _arguments.of_keywords("h", 7, 2, "p@ss", username="ada", ssl=True)
    assert made.url == "rediss://ada:p%40ss@h:7/2"
    assert _arguments.of_keywords("::1").url == "redis://[::1]:6379/0"
    assert _arguments.of_keywords(unix_socket_path="/r.sock", db=3).url == "unix:///r.sock?db=3"
    assert "p%40ss" not in repr(made)


def test_numbers_are_translated_and_ours_go_before():
    options = {"socket_timeout": 0.25, "socket_connect_timeout": 2, "max_connections": 7}
    made = _arguments.of_keywords(options=options)
    assert made.options == {
        "command_timeout_ms": 250,
        "connect_timeout_ms": 2_000,
        "connections_max": 7,
    }
    assert made.for_connections == options
    made = _arguments.of_keywords(options={"socket_timeout": 9, "command_timeout_ms": 50})
    assert made.options == {"command_timeout_ms": 50}
    assert _arguments.of_keywords(options={"socket_timeout": None}).options == {}
    for wrong in (0, -1, True, "5", float("nan")):
        with pytest.raises(outlast.InvalidOption, match="invalid socket_timeout"):
            _arguments.of_keywords(options={"socket_timeout": wrong})


def test_what_only_redis_py_does_goes_to_its_connections():
    options = {
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 9,
        "legacy_responses": False,
    }
    made = _arguments.of_keywords(options=options)
    assert (made.options, made.for_connections, made.unserved) == ({}, options, None)


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("credential_provider", object(), "a credential provider"),
        ("cache_config", object(), "client-side caching"),
        ("redis_connect_func", print, "redis_connect_func"),
        ("ssl_ciphers", "X", "ssl_ciphers"),
        ("ssl_password", "planted", "ssl_password"),
        ("ssl_min_version", ssl.TLSVersion.TLSv1_3, "ssl_min_version above TLS 1.2"),
        ("ssl_min_version", ssl.TLSVersion.TLSv1_2, None),
        ("ssl_validate_ocsp", False, None),
        ("credential_provider", None, None),
    ],
)
def test_what_native_connections_cannot_do_leaves_all_to_redis_py(option, value, why):
    made = _arguments.of_keywords(ssl=True, options={option: value})
    assert made.unserved == why
    assert made.for_connections == {option: value}
    assert "planted" not in str(made.unserved)


def test_the_parameters_of_a_url_are_parted(monkeypatch):
    url = "redis://h/1?socket_timeout=0.5&command_timeout_ms=9&decode_responses=False&protocol=2"
    made = _arguments.of_url(url, options={"health_check_interval": 3})
    assert made.url == "redis://h/1?command_timeout_ms=9&protocol=2"
    assert made.redis_url == "redis://h/1?socket_timeout=0.5"
    assert made.for_connections == {
        "protocol": 2,
        "health_check_interval": 3,
        "decode_responses": False,
    }
    assert made.options == {"command_timeout_ms": 500}
    made = _arguments.of_url("redis://h?db=3", options={"db": 4, "password": "p", "username": None})
    assert made.url == made.redis_url == "redis://h?password=p&db=4"
    monkeypatch.setenv("OUTLAST_CLIENT_NAME", "named")
    monkeypatch.setenv("OUTLAST_TLS_CA_FILE", "/ca.pem")
    assert _arguments.of_url("redis://h").for_connections == {"client_name": "named"}
    assert _arguments.of_url("rediss://h?tls_insecure=true").for_connections == {
        "client_name": "named",
        "ssl_ca_certs": "/ca.pem",
        "ssl_cert_reqs": "none",
        "ssl_check_hostname": False,
    }


def test_no_name_is_checked_where_no_certificate_is():
    options = {"ssl_cert_reqs": None, "ssl_check_hostname": False}
    assert _arguments.of_keywords(ssl=True, options=options).options == {"ssl_cert_reqs": "none"}
    options = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": False}
    assert "ssl_check_hostname" in _arguments.of_keywords(ssl=True, options=options).options


@pytest.mark.parametrize("pool_class", [redis.ConnectionPool, AsyncPool])
def test_a_pool_says_where_and_how(pool_class):
    pool = pool_class.from_url("rediss://ada:p@h:7/2?socket_timeout=3", max_connections=5)
    made = _arguments.of_pool(pool, options={"startup": "optional"})
    assert made.url == "rediss://ada:p@h:7/2"
    assert made.options["command_timeout_ms"] == 3_000
    assert (made.options["connections_max"], made.options["startup"]) == (5, "optional")
    assert made.unserved is None
    boundless = pool_class(max_connections=2**31)
    assert "connections_max" not in _arguments.of_pool(boundless).options


def test_a_pool_or_connection_of_ones_own_does_its_work_itself():
    class Hooked(redis.Connection):
        def disconnect(self, *args, **options):
            super().disconnect(*args, **options)

    class Odd(redis.Connection):
        def send_packed_command(self, *args, **options):
            super().send_packed_command(*args, **options)

    class OddPool(redis.ConnectionPool):
        def get_connection(self, *args, **options):
            return super().get_connection(*args, **options)

    why = [
        _arguments.of_pool(pool).unserved
        for pool in (
            redis.BlockingConnectionPool(),
            redis.ConnectionPool(connection_class=Hooked),
            redis.ConnectionPool(connection_class=Odd),
            OddPool(),
            redis.sentinel.SentinelConnectionPool("name", redis.sentinel.Sentinel([])),
        )
    ]
    assert why[:2] == [None, None]
    assert [str(reason).rpartition(".")[2] for reason in why[2:4]] == ["Odd", "OddPool"]
    assert "Sentinel" in str(why[4])
