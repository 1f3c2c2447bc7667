"""`outlast.health` on real servers, through an outage of Redis."""

import asyncio
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import wsgiref.simple_server
import wsgiref.validate
from pathlib import Path

import outlast
import outlast.health
import pytest
import uvicorn
import waitress.server
from conftest import free_port, is_connected, wait_until

SCHEMA = Path(__file__).parents[1] / "vectors" / "status.schema.json"


class Site:
    """Requests to a server on this machine."""

    def __init__(self, port):
        self.port = port

    def ask(self, path, method="GET", **headers):
        """Code, header and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def code(self, path, method="GET", **headers):
        return self.ask(path, method, **headers)[0]


@contextlib.contextmanager
def wsgiref_site(application):
    """The checker of the standard library, in its server."""

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_arguments):
            pass

    checked = wsgiref.validate.validator(application)
    with wsgiref.simple_server.make_server("127.0.0.1", 0, checked, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(server.server_port)
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def waitress_site(application):
    # Unless it leaves them in, nobody can tell the callers of a proxy from those on this machine.
    server = waitress.server.create_server(
        application, host="127.0.0.1", port=0, clear_untrusted_proxy_headers=False
    )
    ended = threading.Event()

    def run():
        # As its own loop, and with an end.
        while not ended.is_set():
            server.asyncore.loop(timeout=0.02, map=server._map, count=1)
        server.asyncore.close_all(server._map)

    thread = threading.Thread(target=run)
    thread.start()
    yield Site(int(server.effective_port))
    ended.set()
    thread.join()
    server.task_dispatcher.shutdown()


@contextlib.contextmanager
def uvicorn_site(application):
    config = uvicorn.Config(application, port=free_port(), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    wait_until(lambda: server.started, what="the start of uvicorn")
    yield Site(config.port)
    server.should_exit = True
    thread.join()


SITES = [
    pytest.param(outlast.health.wsgi, wsgiref_site, id="wsgiref"),
    pytest.param(outlast.health.wsgi, waitress_site, id="waitress"),
    pytest.param(outlast.health.asgi, uvicorn_site, id="uvicorn"),
]


@pytest.mark.parametrize(("handler", "site_of"), SITES)
def test_an_outage_is_told_and_makes_no_probe_red(server, make, handler, site_of):
    client = make(server.url)
    with site_of(handler(client)) as site:
        assert (site.code("/livez"), site.code("/readyz")) == (200, 200)
        server.kill()
        client.set("k", 1)
        assert (site.code("/livez"), site.code("/readyz")) == (200, 200)

        def told():
            return json.loads(site.ask("/status")[2])

        wait_until(lambda: told()["lines"], what="the first line")
        assert told()["status"]["mode"] == "degraded"
        code, header, _ = site.ask("/status")
        assert (code, header["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert header["X-Outlast-Status"] == "/status"
        assert (header["Cache-Control"], header["X-Frame-Options"]) == ("no-store", "DENY")
        assert header["X-Content-Type-Options"] == "nosniff"
        assert header["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors")
        fields = set(json.loads(SCHEMA.read_text())["required"])
        assert set(told()["status"]) == fields
        server.start()
        wait_until(lambda: is_connected(client), what="the way back")
        codes = [line["record"]["code"] for line in told()["lines"]]
        assert codes[0] == "redis_unavailable"
        client.close()
        assert (site.code("/livez"), site.code("/readyz")) == (200, 503)


@pytest.mark.parametrize(("handler", "site_of"), SITES)
def test_readiness_follows_the_startup(server, make, handler, site_of):
    server.kill()
    with pytest.raises(outlast.RedisUnavailable):
        make(server.url)
    required = make(server.url, lazy_connect=True)
    with site_of(handler(required)) as site:
        assert site.code("/readyz") == 200, "nobody has asked for Redis yet"
        required.begin()
        wait_until(lambda: site.code("/readyz") == 503, what="the failed start")
        assert site.code("/livez") == 200
        server.start()
        wait_until(lambda: site.code("/readyz") == 200, what="the first time on Redis")
        server.kill()
        wait_until(lambda: not is_connected(required), what="the outage")
        assert site.code("/readyz") == 200
    optional = make(server.url, startup="optional")
    with site_of(handler(optional)) as site:
        assert site.code("/readyz") == 200


@pytest.mark.parametrize(("handler", "site_of"), SITES)
def test_strangers_are_answered_nothing(server, make, handler, site_of):
    client = make(server.url)
    with site_of(handler(client)) as site:
        for headers in (
            {"Host": "attacker.example"},
            {"X_Forwarded_For": "10.0.0.1"},
            {"Forwarded": "for=10.0.0.1"},
        ):
            for path in ("/livez", "/status", "/devtools/"):
                code, header, body = site.ask(path, **headers)
                assert (code, body) == (404, b"not found\n")
                assert header["X-Outlast-Status"] is None
        assert site.code("/status", "POST") == 405
        assert site.code("/metrics") == (200 if hasattr(client, "metrics") else 404)
    # uvicorn believes a proxy on this machine, and names the caller whom the proxy names.
    allow = ["127.0.0.0/8", "1.1.1.1"]
    with site_of(handler(client, allow=allow, hosts=["shop.internal"])) as site:
        assert site.code("/livez", Host="shop.internal:80", X_Forwarded_For="1.1.1.1") == 200
        assert site.code("/livez", Host="attacker.example") == 404
    with pytest.raises(outlast.InvalidOption, match=r"invalid allow \"everybody\""):
        handler(client, allow=["everybody"])
    with pytest.raises(outlast.InvalidOption, match="invalid devtools"):
        handler(client, devtools="/nowhere")


def wsgi_application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


async def asgi_application(scope, _receive, send):
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.mark.parametrize(
    ("handler", "site_of", "application"),
    [
        (*site.values, asgi_application if site.id == "uvicorn" else wsgi_application)
        for site in SITES
    ],
    ids=[site.id for site in SITES],
)
def test_within_an_application(server, make, tmp_path, handler, site_of, application):
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "page.css").write_text("p {}")
    (tmp_path / "secret.txt").write_text("no part of the page")
    whole = handler(make(server.url), within=application, at="/-/redis", devtools=tmp_path)
    with site_of(whole) as site:
        code, header, body = site.ask("/shop")
        assert (code, body, header["X-Outlast-Status"]) == (200, b"/shop", "/-/redis/status")
        assert site.ask("/-/redisx")[2] == b"/-/redisx"
        assert site.ask("/shop", Host="shop.example")[1]["X-Outlast-Status"] is None
        assert site.code("/-/redis/status") == 200
        code, header, _ = site.ask("/-/redis/devtools")
        assert (code, header["Location"]) == (308, "/-/redis/devtools/")
        code, header, body = site.ask("/-/redis/devtools/")
        assert (code, body) == (200, b"<!doctype html>")
        assert "script-src 'self' 'wasm-unsafe-eval'" in header["Content-Security-Policy"]
        assert site.ask("/-/redis/devtools/page.css")[1]["Content-Type"].startswith("text/css")
        for path in ("secret.txt", "../test_health.py", "..%2ftest_health.py", ".", "%00"):
            assert site.code(f"/-/redis/devtools/{path}") == 404, path


SHOP = """
import json, os
import outlast, outlast.health

client = outlast.from_url(
    os.environ["SHOP_REDIS_URL"], profile="production", server_delay_ms=20, server_delay_ms_max=100
)

def shop(environ, start_response):
    client.incr("visits")
    body = json.dumps({"worker": os.getpid(), "mode": client.mode}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]

application = outlast.health.wsgi(client, within=shop)
"""


@contextlib.contextmanager
def gunicorn_site(folder, redis_url, *options):
    """A service of two workers."""
    (folder / "shop.py").write_text(SHOP)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        [*command, *options, "shop:application"],
        cwd=folder,
        env={**os.environ, "SHOP_REDIS_URL": redis_url},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield Site(port)
        finally:
            process.terminate()


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["each of its own", "preloaded"])
def test_workers_of_gunicorn_go_on_and_tell_of_an_outage(server, tmp_path, options):
    with gunicorn_site(tmp_path, server.url, *options) as site:

        def modes():
            """What each worker says, once both have."""
            told = {}
            for _ in range(200):
                code, _, body = site.ask("/")
                assert code == 200
                said = json.loads(body)
                told[said["worker"]] = said["mode"]
                if len(told) == 2:
                    break
            return sorted(told.values())

        def starts():
            with contextlib.suppress(OSError):
                return site.code("/outlast/readyz") == 200
            return False

        wait_until(starts, what="the start of gunicorn")
        wait_until(lambda: modes() == ["connected"] * 2, what="two workers")
        server.kill()
        wait_until(lambda: modes() == ["degraded"] * 2, what="the outage")
        for _ in range(10):
            assert site.code("/outlast/livez") == 200
            assert site.code("/outlast/readyz") == 200
            status = json.loads(site.ask("/outlast/status")[2])["status"]
            assert status["mode"] == "degraded"
        assert b"outlast_redis_connected" in site.ask("/outlast/metrics")[2]
        assert site.code("/outlast/status", X_Forwarded_For="10.0.0.1") == 404
        server.start()
        wait_until(lambda: modes() == ["connected"] * 2, what="the way back")
        before = int(server.read("visits"))
        assert site.code("/") == 200
        assert int(server.read("visits")) == before + 1
