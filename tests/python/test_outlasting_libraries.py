"""Real libraries on outlast.Redis, over a redis-server that is killed and started again."""

import cachelib.redis
import celery
import django
import dramatiq
import flask
import flask_caching
import flask_session
import huey
import huey.storage
import outlast
import pytest
import redis
import rq
from celery.contrib.testing.worker import start_worker
from conftest import is_connected, timed, wait_until
from django.conf import settings
from django.core import cache as django_cache
from dramatiq.brokers.redis import RedisBroker
from limits import RateLimitItemPerHour
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from redis.lock import Lock

AT_ONCE_SECONDS = 0.9


@pytest.fixture
def installed(monkeypatch):
    """redis-py's names are ours, and clients find Redis again soon."""
    for name, value in {
        "PROFILE": "production",
        "SERVER_DELAY_MS": "20",
        "SERVER_DELAY_MS_MAX": "100",
        "JITTER_PERCENT": "0",
    }.items():
        monkeypatch.setenv(f"OUTLAST_{name}", value)
    with outlast.install():
        yield


def quickly(call):
    """The answer, which did not take a deadline of seconds for each command."""
    answer, seconds = timed(call)
    assert seconds < AT_ONCE_SECONDS
    return answer


def degrade(server, client):
    """Kills the server, and has the client find out."""
    server.kill()
    client.get("any")
    assert client.mode == "degraded"


def heal(server, client):
    server.start()
    wait_until(lambda: is_connected(client), what="the way back")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("strategy", [FixedWindowRateLimiter, MovingWindowRateLimiter])
def test_limits_goes_on_counting(server, strategy):
    storage = RedisStorage(server.url)
    assert isinstance(storage.storage, outlast.Redis)
    limiter, item = strategy(storage), RateLimitItemPerHour(4)
    assert [limiter.hit(item, "ada") for _ in range(2)] == [True, True]
    degrade(server, storage.storage)
    # Memory has seen no hit of the scripts that ran on Redis: it begins anew.
    assert [quickly(lambda: limiter.hit(item, "bob")) for _ in range(5)] == [True] * 4 + [False]
    heal(server, storage.storage)
    assert limiter.hit(item, "bob") is False, "what was counted in the outage counts on Redis"
    assert limiter.hit(item, "eve") is True


def test_the_lock_of_redis_py_is_refused_in_an_outage_and_works_after_it(server, make):
    client = make(server.url, rules={"lock:*": "lock"})
    with client.lock("lock:1", timeout=60) as lock:
        assert isinstance(lock, Lock)
        assert lock.owned()
    degrade(server, client)
    with pytest.raises(redis.ConnectionError):
        quickly(lambda: client.lock("lock:1", timeout=60, blocking=False).acquire())
    heal(server, client)
    assert client.lock("lock:1", timeout=60, blocking=False).acquire() is True


def test_a_registered_script_runs_in_an_outage(server, make):
    client = make(server.url)
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert script(keys=["n"], args=[2]) == 2
    degrade(server, client)
    assert quickly(lambda: script(keys=["m"], args=[3])) == 3
    heal(server, client)
    assert script(keys=["m"], args=[1]) == 4


@pytest.fixture(scope="module")
def django_ready():
    settings.configure(
        CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    )
    django.setup()


@pytest.mark.usefixtures("installed", "django_ready")
def test_django_redis_is_a_cache_without_redis(server):
    options = {"REDIS_CLIENT_CLASS": "outlast.Redis"}
    where = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url}
    caches = django_cache.CacheHandler({"default": {**where, "OPTIONS": options}})
    cache = caches["default"]
    cache.set("k", {"a": [1, 2]}, timeout=60)
    client = cache.client.get_client()
    assert isinstance(client, outlast.Redis)
    cache.get("k")
    degrade(server, client)
    assert quickly(lambda: cache.get("k")) == {"a": [1, 2]}
    assert quickly(lambda: cache.set("during", "x", timeout=60)) is True
    quickly(lambda: cache.set_many({"m": 1, "n": 2}))
    assert quickly(lambda: cache.get_many(["m", "n", "none"])) == {"m": 1, "n": 2}
    assert quickly(lambda: cache.incr("m")) == 2
    assert quickly(lambda: cache.ttl("during")) > 50
    assert sorted(quickly(lambda: cache.keys("*"))) == ["during", "k", "m", "n"]
    heal(server, client)
    assert (cache.get("during"), cache.get("m"), cache.delete("n")) == ("x", 2, 1)


def test_flask_session_keeps_who_is_logged_in(server, make):
    client = make(server.url, rules={"session:*": "session"})
    app = flask.Flask("test")
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client, SECRET_KEY="of the test")
    flask_session.Session(app)

    @app.get("/")
    def count():
        flask.session["visits"] = flask.session.get("visits", 0) + 1
        return str(flask.session["visits"])

    with app.test_client() as browser:
        assert browser.get("/").text == "1"
        degrade(server, client)
        assert [quickly(lambda: browser.get("/").text) for _ in range(2)] == ["2", "3"]
        heal(server, client)
        assert browser.get("/").text == "4"
    with server.peer() as peer:
        assert len(peer.keys("session:*")) == 1


@pytest.mark.usefixtures("installed")
def test_flask_caching_and_cachelib_cache_without_redis(server):
    app = flask.Flask("test")
    config = {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": server.url, "CACHE_KEY_PREFIX": "f:"}
    cache = flask_caching.Cache(app, config=config)
    calls = []

    @cache.memoize(timeout=60)
    def costly(number):
        calls.append(number)
        return number * 2

    client = outlast.from_url(server.url)
    other = cachelib.redis.RedisCache(client, key_prefix="c:")
    with app.app_context():
        own = cache.cache._write_client
        assert isinstance(own, outlast.Redis)
        assert [costly(4), costly(4)] == [8, 8]
        other.set("k", ["v"])
        other.get("k")
        degrade(server, own)
        degrade(server, client)
        assert [quickly(lambda: costly(4)), quickly(lambda: costly(5)), costly(5)] == [8, 10, 10]
        assert quickly(lambda: other.get("k")) == ["v"]
        assert quickly(lambda: other.set_many({"a": 1, "b": 2})) == ["a", "b"]
        assert quickly(lambda: other.get_many("a", "b", "c")) == [1, 2, None]
        assert quickly(lambda: other.inc("a")) == 2
        heal(server, own)
        wait_until(lambda: is_connected(client))
        assert (costly(5), other.get("a")) == (10, 2)
    assert calls == [4, 5]
    client.close()


def add(left, right):
    """What workers do here."""
    return left + right


def test_rq_takes_jobs_in_an_outage_and_does_them_after_it(server, make):
    client = make(server.url, rules={"rq:queue:*": "queue"})
    queue = rq.Queue(connection=client)
    worker = rq.SimpleWorker([queue], connection=client)
    first = queue.enqueue(add, 1, 2)
    assert worker.work(burst=True) is True
    assert first.return_value() == 3
    degrade(server, client)
    job = quickly(lambda: queue.enqueue(add, 3, 4))
    heal(server, client)
    assert queue.count == 1
    assert rq.SimpleWorker([queue], connection=client).work(burst=True) is True
    assert job.return_value() == 7


# Celery calls what redis-py has deprecated.
@pytest.mark.filterwarnings("ignore:Call to deprecated")
@pytest.mark.timeout(90)
@pytest.mark.usefixtures("installed")
def test_celery_takes_tasks_in_an_outage_and_does_them_after_it(server):
    app = celery.Celery("tasks", broker=server.url, backend=server.url)
    app.conf.update(task_publish_retry=False, worker_hijack_root_logger=False)
    done = []
    app.task(add, name="add")

    @app.task(name="note")
    def _note(text):
        done.append(text)

    client = app.backend.client
    assert isinstance(client, outlast.Redis)
    worker = {"pool": "solo", "perform_ping_check": False, "shutdown_timeout": 20}
    with start_worker(app, **worker):
        assert app.send_task("add", (1, 2)).get(timeout=10) == 3
    degrade(server, client)
    # Whoever wants the result of a task subscribes to it, and no subscription outlasts Redis.
    quickly(lambda: app.send_task("note", ("during",), ignore_result=True))
    heal(server, client)
    with start_worker(app, **worker):
        wait_until(lambda: done == ["during"], 20, "the task")


def test_huey_takes_tasks_in_an_outage_and_does_them_after_it(server, monkeypatch):
    monkeypatch.setattr(huey.storage.RedisStorage, "redis_client", outlast.Redis)
    pool = redis.ConnectionPool.from_url(server.url)
    queue = huey.RedisHuey("test", connection_pool=pool, blocking=False)
    client = queue.storage.conn
    assert isinstance(client, outlast.Redis)
    task = queue.task()(add)
    first = task(1, 2)
    queue.execute(queue.dequeue())
    assert first() == 3
    degrade(server, client)
    later = quickly(lambda: task(3, 4))
    assert quickly(lambda: len(queue)) == 1
    heal(server, client)
    queue.execute(queue.dequeue())
    assert later() == 7


def test_dramatiq_takes_messages_in_an_outage_and_does_them_after_it(server, make):
    client = make(server.url)
    broker = RedisBroker(client=client)
    done = []
    actor = dramatiq.actor(done.append, broker=broker, queue_name="q", actor_name="note")

    def work_off():
        worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=1)
        worker.start()
        broker.join("q", timeout=10_000)
        worker.join()
        worker.stop()

    actor.send("before")
    work_off()
    degrade(server, client)
    quickly(lambda: actor.send("during"))
    heal(server, client)
    work_off()
    assert done == ["before", "during"]
