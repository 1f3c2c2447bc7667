"""A planted password shows up nowhere."""

import copy
import pickle

import outlast
import pytest
from conftest import is_connected, run_script, wait_until
from outlast.redis_client_production import ProductionRedisClient, RedisUrl

SECRET = "planted-pa55"


def shown(error):
    return f"{error!s} {error!r} {error.__dict__} {error.args} {error.__cause__!r}"


def test_a_client_shows_no_secret_through_an_outage(start_server, make, lines):
    server = start_server("--requirepass", SECRET)
    url = f"redis://:{SECRET}@127.0.0.1:{server.port}"
    client = make(url, command_timeout_ms=300)
    seen = [repr(client), str(client), str(client.get_status()), str(vars(client))]
    client.set("k", "v")
    server.freeze()
    with pytest.raises(outlast.MaybeApplied) as caught:
        client.incr("n")
    seen.append(shown(caught.value))
    server.kill()
    client.set("k", "w")
    with pytest.raises(outlast.RedisUnavailable) as caught:
        client.set("k", "w", nx=True)
    seen += [shown(caught.value), repr(client), str(client.get_status())]
    server.start()
    wait_until(lambda: is_connected(client))
    wait_until(lambda: lines.of("redis_recovered"))
    client.close()
    with pytest.raises(outlast.ClosedError) as caught:
        client.get("k")
    seen += [shown(caught.value), lines.text()]
    assert SECRET not in "\n".join(seen)


def test_a_password_that_the_server_refuses_is_not_shown(start_server, lines):
    server = start_server("--requirepass", "another")
    with pytest.raises(outlast.RedisUnavailable) as caught:
        outlast.Redis("127.0.0.1", server.port, password=SECRET, profile="production")
    assert caught.value.kind == "auth_failed"
    wait_until(lambda: lines.of("startup_failed"))
    assert SECRET not in shown(caught.value) + lines.text()


@pytest.mark.parametrize(
    "url",
    [
        f"redis://u:{SECRET}@host:port",
        f"redis://u:{SECRET}@host:99999",
        f"rediss://u:{SECRET}@host?tls_ca_file=/none",
        f"u:{SECRET}@host:6379",
        f"redis://:{SECRET}/x@host",
        f"redis://:{SECRET}?x@host",
        f"redis://:{SECRET}#x@host",
        f"redis://:1/{SECRET}@host",
        f"redis://u:{SECRET}@[::1",
        f"redis://u:{SECRET}@host/abc",
        f"redis://u:{SECRET}@host?nope=1",
        f"redis://u:{SECRET}@host?command_timeout_ms=x",
    ],
)
def test_a_malformed_url_is_refused_without_its_password(url, lines):
    with pytest.raises(outlast.InvalidOption) as caught:
        outlast.from_url(url)
    legacy = ProductionRedisClient(url)
    assert legacy.set("k", "v")
    seen = f"{shown(caught.value)} {legacy!r} {vars(legacy)} {legacy.get_status()} {lines.text()}"
    assert SECRET not in seen
    assert len(lines.records) == 1


def test_the_legacy_url_is_whole_in_use_and_redacted_when_shown():
    whole = f"redis://user:{SECRET}@h:6379/0?x={SECRET}"
    url = ProductionRedisClient(whole).redis_url
    assert url == whole
    assert url.encode() == whole.encode()
    assert url[:] + "" == whole
    assert pickle.loads(pickle.dumps(url)) == copy.copy(url) == whole
    for text in (str(url), f"{url}", "%s" % url, repr(url), f"{url:>60}", "{}".format(url)):  # noqa: UP031, UP032
        assert text.strip(" '") == "redis://h:6379/0"
    for odd in (SECRET, f":{SECRET}@h", f"redis://:{SECRET}?x@h", f"redis://:a/{SECRET}@h"):
        assert SECRET not in str(RedisUrl(odd))


def test_a_traceback_shows_no_secret():
    script = """
import logging, sys, traceback
import outlast
logging.basicConfig(stream=sys.stdout)
try:
    outlast.from_url(f"redis://:{sys.argv[1]}@127.0.0.1:1", profile="production")
except outlast.RedisUnavailable:
    print(traceback.format_exc())
"""
    printed = run_script(script, SECRET)
    assert "RedisUnavailable" in printed
    assert SECRET not in printed
