"""TLS and unix sockets, by the names that redis-py has for them, and `outlast doctor`."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import outlast
import outlast.asyncio
import pytest
from conftest import free_port, is_connected, run_script, until, wait_until
from outlast.redis_client_production import ProductionRedisClient

SCRIPT = Path(__file__).parents[1] / "certificates"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([SCRIPT, folder], check=True)
    return folder


@pytest.fixture
def start_tls(start_server, certificates):
    """Starts a server that speaks TLS with one of the certificates, and answers its TLS port."""

    def start(certificate, *options):
        port = free_port()
        server = start_server(
            *("--tls-port", str(port), "--tls-ca-cert-file", str(certificates / "ca.pem")),
            *("--tls-cert-file", str(certificates / f"{certificate}.pem")),
            *("--tls-key-file", str(certificates / f"{certificate}.key"), *options),
        )
        return server, port

    return start


QUICK = {"server_delay_ms": 20, "server_delay_ms_max": 100, "profile": "production"}


def outlasts_an_outage(client, server):
    with client:
        assert client.set("k", "v" * 100_000)
        assert client.get("k") == "v" * 100_000
        assert client.client_id() > 0, "redis-py's own connections lead there as well"
        server.kill()
        assert client.set("k", "w")
        assert client.get("k") == "w"
        assert client.mode == "degraded"
        server.start()
        wait_until(lambda: is_connected(client))
        assert client.get("k") == "w"
        assert server.read("k") == "w"


def test_tls_by_url_and_by_the_keywords_of_redis_py(start_tls, certificates):
    server, port = start_tls("server")
    ca, pem, key = (str(certificates / name) for name in ("ca.pem", "client.pem", "client.key"))
    url = f"rediss://127.0.0.1:{port}?tls_ca_file={ca}"
    ours = {"tls_certificate_file": pem, "tls_key_file": key}
    outlasts_an_outage(outlast.from_url(url, decode_responses=True, **ours, **QUICK), server)
    theirs = {"ssl_ca_certs": ca, "ssl_certfile": pem, "ssl_keyfile": key}
    client = outlast.Redis(
        "127.0.0.1",
        port,
        ssl=True,
        ssl_cert_reqs="required",
        ssl_check_hostname=True,
        decode_responses=True,
        **theirs,
        **QUICK,
    )
    assert repr(client).startswith(f"<Redis rediss://127.0.0.1:{port} ")
    outlasts_an_outage(client, server)


@pytest.mark.parametrize("requirement", [None, "none", ssl.CERT_NONE])
def test_no_certificate_is_checked_where_redis_py_checks_none(start_tls, lines, requirement):
    _, port = start_tls("expired", "--tls-auth-clients", "no")
    url = f"rediss://127.0.0.1:{port}"
    with outlast.from_url(url, ssl_cert_reqs=requirement, **QUICK) as client:
        assert client.set("k", "v")
    wait_until(lambda: lines.of("tls_insecure"))
    (record,) = lines.of("tls_insecure")
    assert record.levelname == "WARNING"


def test_a_forked_child_has_a_session_of_its_own(start_tls, certificates):
    server, port = start_tls("server", "--tls-auth-clients", "no")
    script = """
import os, sys
import outlast
client = outlast.from_url(sys.argv[1], profile="production")
client.incr("n")
child = os.fork()
if child == 0:
    for _ in range(100):
        client.incr("n")
    os._exit(0)
for _ in range(100):
    client.incr("n")
assert os.waitpid(child, 0)[1] == 0
"""
    run_script(script, f"rediss://127.0.0.1:{port}?tls_ca_file={certificates / 'ca.pem'}")
    assert server.read("n") == "201"


def test_the_legacy_module_checks_certificates(start_tls, certificates):
    server, port = start_tls("server", "--tls-auth-clients", "no")
    url = f"rediss://127.0.0.1:{port}"
    trusting = ProductionRedisClient(f"{url}?tls_ca_file={certificates / 'ca.pem'}")
    assert trusting.set("k", "v")
    wait_until(lambda: trusting.connected)
    assert server.read("k") == "v"
    wary = ProductionRedisClient(url)
    assert wary.get("k") is None
    wait_until(lambda: wary.last_failure_type == "tls_error")
    assert not wary.ping()


def test_a_certificate_that_is_not_trusted_is_a_failure_with_words(start_tls):
    _, port = start_tls("self-signed", "--tls-auth-clients", "no")
    with pytest.raises(outlast.RedisUnavailable, match="name that authority's file") as caught:
        outlast.from_url(f"rediss://127.0.0.1:{port}", startup_attempts_max=1, profile="production")
    assert caught.value.kind == "tls_error"


def test_what_is_wrong_with_tls_is_told_when_the_client_is_made():
    with pytest.raises(outlast.InvalidOption, match=r'invalid tls_ca_file "/none\.pem"'):
        outlast.from_url("rediss://h", tls_ca_file="/none.pem")
    with pytest.raises(outlast.InvalidOption, match="only with TLS"):
        outlast.Redis(ssl_ca_certs="/none.pem")
    with pytest.raises(outlast.InvalidOption, match="ssl_check_hostname"):
        outlast.Redis(ssl=True, ssl_check_hostname=False)


def test_a_unix_socket_by_url_and_by_the_keyword_of_redis_py(start_server, tmp_path):
    path = tmp_path / "my redis.sock"
    server = start_server("--unixsocket", str(path))
    url = f"unix://{path}".replace(" ", "%20")
    outlasts_an_outage(outlast.from_url(url, decode_responses=True, **QUICK), server)
    keyword = outlast.Redis(unix_socket_path=str(path), decode_responses=True, **QUICK)
    outlasts_an_outage(keyword, server)


async def outlasts_an_outage_under_asyncio(client, server):
    async with client:
        big = "v" * 3_000_000
        calls = [client.set(f"k{number}", big) for number in range(5)]
        assert await asyncio.gather(*calls) == [True] * 5
        assert await client.get("k4") == big
        assert await asyncio.gather(*[client.incr("n") for _ in range(100)]) == [*range(1, 101)]
        server.kill()
        await until(lambda: not is_connected(client))
        assert await client.set("k", "w")
        assert await client.get("k") == "w"
        server.start()
        await until(lambda: is_connected(client))
        assert await client.get("k") == "w"
        assert server.read("k") == "w"


async def test_tls_under_asyncio(start_tls, certificates):
    server, port = start_tls("server", "--tls-auth-clients", "no")
    client = outlast.asyncio.from_url(
        f"rediss://127.0.0.1:{port}",
        ssl_ca_certs=str(certificates / "ca.pem"),
        decode_responses=True,
        command_timeout_ms=10_000,
        **QUICK,
    )
    await outlasts_an_outage_under_asyncio(client, server)


async def test_a_unix_socket_under_asyncio(start_server, tmp_path):
    path = tmp_path / "redis.sock"
    server = start_server("--unixsocket", str(path))
    client = outlast.asyncio.Redis(
        unix_socket_path=str(path), decode_responses=True, command_timeout_ms=10_000, **QUICK
    )
    await outlasts_an_outage_under_asyncio(client, server)


def test_a_name_and_resp_3(server):
    url = f"{server.url}?client_name=web&protocol=3"
    with outlast.from_url(url, decode_responses=True, **QUICK) as client:
        client.execute_command("HSET", "h", "f", 1)
        with server.peer() as peer:
            (ours,) = (one for one in peer.client_list() if one["name"] == "web")
        assert ours["resp"] == "3"
        from_redis = client.execute_command("HGETALL", "h")
        server.kill()
        client.execute_command("HSET", "h", "f", 1)
        assert client.mode == "degraded"
        assert client.execute_command("HGETALL", "h") == from_redis


def doctor(*arguments, **environment):
    ended = subprocess.run(
        [sys.executable, "-m", "outlast", "doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, **environment},
    )
    assert "planted" not in ended.stdout + ended.stderr
    return ended


def test_the_doctor_finds_redis(start_tls, certificates):
    _, port = start_tls("server", "--tls-auth-clients", "no")
    ca = str(certificates / "ca.pem")
    ended = doctor(f"rediss://127.0.0.1:{port}", "--json", OUTLAST_TLS_CA_FILE=ca)
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    assert report["ok"]
    assert [step["outcome"] for step in report["steps"]] == ["ok"] * 9
    assert report["server"]["role"] == "master"


def test_the_doctor_says_what_fails(server):
    ended = doctor("--json", REDIS_URL=f"redis://:planted@127.0.0.1:{free_port()}")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["kind"]) == (13, "connection_refused")
    with server.peer() as peer:
        peer.config_set("requirepass", "secret")
    ended = doctor(f"redis://:planted@127.0.0.1:{server.port}", "--timeout-ms", "2000")
    assert ended.returncode == 16
    assert "auth_failed: WRONGPASS" in ended.stdout
    assert "not reached  ping" in ended.stdout
    ended = doctor("http://h")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "invalid URL scheme" in ended.stderr
