"""Log records in `logging`."""

import contextlib
import logging
import threading

import outlast
from conftest import free_port, is_connected, log_what_is_left, wait_until


def test_a_record_carries_its_figures(server, make, lines):
    client = make(server.url)
    client.set("k", 1)
    server.kill()
    client.set("k", 2)
    (record,) = wait_until(lambda: lines.of("redis_unavailable"))
    assert (record.levelno, record.name) == (logging.WARNING, "outlast")
    assert record.getMessage().startswith("Redis unavailable: connection refused")
    assert record.outlast_kind == "connection_refused"
    assert record.outlast_endpoint == server.url
    assert record.outlast_incident == 1
    assert record.outlast["code"] == "redis_unavailable"
    assert record.outlast["fields"]["kind"] == "connection_refused"
    server.start()
    wait_until(lambda: is_connected(client))
    (record,) = wait_until(lambda: lines.of("redis_recovered"))
    assert record.levelno == logging.INFO
    assert record.outlast_kind is None
    assert record.outlast_replayed == 1


def test_no_extra_collides_with_what_logging_has(server, make, lines):
    client = make(server.url)
    server.kill()
    client.get("k")
    (record,) = wait_until(lambda: lines.of("redis_unavailable"))
    # Formatters add two more.
    own = {*vars(logging.makeLogRecord({})), "message", "asctime"}
    added = set(vars(record)) - own
    assert added
    assert all(name == "outlast" or name.startswith("outlast_") for name in added)


def test_required_and_not_reached_is_an_error(make, lines):
    with contextlib.suppress(outlast.RedisUnavailable):
        make(f"redis://127.0.0.1:{free_port()}")
    (record,) = wait_until(lambda: lines.of("startup_failed"))
    assert record.levelno == logging.ERROR


def test_records_come_from_one_thread_of_python(server, make):
    log_what_is_left()
    threads = set()
    logged = threading.Event()

    class Handler(logging.Handler):
        def emit(self, record):
            threads.add(record.threadName)
            logged.set()

    handler = Handler()
    logging.getLogger("outlast").addHandler(handler)
    try:
        clients = [make(server.url) for _ in range(3)]
        server.kill()
        for client in clients:
            client.get("k")
        assert logged.wait(5)
        alive = [thread.name for thread in threading.enumerate()]
        assert (threads, alive.count("outlast-log")) == ({"outlast-log"}, 1)
    finally:
        logging.getLogger("outlast").removeHandler(handler)


def test_a_handler_that_fails_or_uses_the_client_silences_nothing(server, make, lines, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    client = make(server.url)

    class Handler(logging.Handler):
        def handle(self, _record):
            client.incr("handled")
            raise RuntimeError("a bad handler")

    handler = Handler()
    logger = logging.getLogger("outlast")
    logger.handlers.insert(0, handler)
    try:
        server.kill()
        client.get("k")
        wait_until(lambda: client.get("handled"))
        server.start()
        wait_until(lambda: is_connected(client))
        wait_until(lambda: server.read("handled") == "2", what="the second record")
    finally:
        logger.removeHandler(handler)
    assert lines.records == []
    server.kill()
    client.get("k")
    client.close()


def test_levels_of_the_application_are_kept(server, make, lines):
    logging.getLogger("outlast").setLevel(logging.ERROR)
    client = make(server.url)
    server.kill()
    client.set("k", "v")
    wait_until(lambda: client.get_status()["dials"] >= 3)
    client.close()
    (record,) = wait_until(lambda: list(lines.records))
    assert record.outlast_code == "journal_discarded"
