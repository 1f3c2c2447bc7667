"""What goes wrong. Each cause begins and ends; in between real clients are at work."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import redis
from places import HOST, Proxy, Server, eventually, free_port

UP, DOWN = "up", "down"


class Scene:
    """Where a cause happens. What changes the server is undone by whoever did it."""

    def __init__(self, server: Server, proxy: Proxy):
        self.server = server
        self.proxy = proxy
        self._pause = threading.Event()

    def last(self, seconds: float):
        """The fault lasts; the clients go on."""
        self._pause.wait(seconds)


@dataclass(frozen=True)
class Cause:
    """One fault: how it comes, how it goes, and how long it lasts between."""

    name: str
    of: Callable[[Scene], AbstractContextManager]
    seconds: float = 0.8
    # Whether the clients reach the server without the proxy.
    direct: bool = False
    # Whether there is an outage to notice at all.
    harmless: bool = False
    # Outcomes beside those that are promised anyway.
    outcomes: tuple[str, ...] = ()
    # Knobs of its own.
    options: dict[str, object] = field(default_factory=dict)


def through_proxy(kind: str, **details):
    """The proxy does it."""

    @contextmanager
    def cause(scene: Scene) -> Iterator[None]:
        scene.proxy.fault(kind, **details)
        yield
        scene.proxy.fault("pass")

    return cause


def cut_after(at: int, way: str) -> Cause:
    """Every connection is cut there, some in good order and some by a reset."""
    of = through_proxy("cut", way=way, at=at, reset=at % 2 == 1)
    return Cause(f"cut after {at} bytes {way}", of)


def injected(text: str, times: int = 1):
    """Bytes that the server never sent, before its next ones."""
    return through_proxy("inject", way=DOWN, text=text, times=times)


def refusal(error: str, *only: str):
    """The server says so to these commands, or to all."""
    return through_proxy("refusal", only=list(only), error=error)


@contextmanager
def cut(scene: Scene, *, reset: bool) -> Iterator[None]:
    scene.proxy.cut(reset=reset)
    yield


@contextmanager
def unasked(scene: Scene) -> Iterator[None]:
    """The first client to ask is answered twice, and whoever comes next must not hear of it."""
    scene.proxy.fault("repeat")
    yield
    scene.proxy.fault("pass")


@contextmanager
def flap(scene: Scene) -> Iterator[None]:
    """A link that comes and goes: seven times in a second."""
    for _ in range(7):
        scene.proxy.cut(reset=True)
        scene.last(0.15)
    yield


@contextmanager
def restart_behind_proxy(scene: Scene) -> Iterator[None]:
    """As a balancer restarts: it refuses for a moment, again and again."""
    for _ in range(3):
        scene.proxy.fault("refuse")
        scene.last(0.2)
        scene.proxy.fault("pass")
        scene.last(0.2)
    yield


@contextmanager
def killed(scene: Scene) -> Iterator[None]:
    scene.server.kill()
    yield
    scene.server.start()


@contextmanager
def killed_thrice(scene: Scene) -> Iterator[None]:
    for _ in range(3):
        scene.server.kill()
        scene.last(0.2)
        scene.server.start()
        scene.last(0.2)
    yield


@contextmanager
def shut_down(scene: Scene) -> Iterator[None]:
    scene.server.shut_down()
    yield
    scene.server.start()


@contextmanager
def frozen(scene: Scene) -> Iterator[None]:
    scene.server.freeze()
    yield
    scene.server.thaw()


@contextmanager
def loading(scene: Scene) -> Iterator[None]:
    """A restart with so much data that it answers LOADING for a while."""
    with scene.server.admin as admin, admin.pipeline(transaction=False) as pipeline:
        for number in range(3_000):
            pipeline.set(f"ballast:{number}", "x" * 200)
        pipeline.execute()
        # What was written before is not to be loaded command by command.
        admin.bgrewriteaof()
        done = "aof_rewrite_in_progress", "aof_rewrite_scheduled"
        eventually(
            "the file is written anew",
            lambda: not any(admin.info("persistence")[name] for name in done),
        )
    scene.server.kill()
    slow = ("--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024")
    scene.server.start(*slow, until_it_answers=False)
    yield
    eventually("it has loaded", lambda: not is_loading(scene.server))
    with scene.server.admin as admin:
        admin.config_set("key-load-delay", 0)
        admin.delete(*(f"ballast:{number}" for number in range(3_000)))


def is_loading(server: Server) -> bool:
    with contextlib.suppress(redis.RedisError), server.admin as admin:
        return not admin.ping()
    return True


def configured(**settings: tuple[object, object]):
    """Settings of the server, each with what it is while the fault lasts, and after."""

    @contextmanager
    def cause(scene: Scene) -> Iterator[None]:
        with scene.server.admin as admin:
            for name, (broken, _) in settings.items():
                admin.config_set(name.replace("_", "-"), broken)
            yield
            for name, (_, mended) in settings.items():
                admin.config_set(name.replace("_", "-"), mended)

    return cause


@contextmanager
def cannot_save(scene: Scene) -> Iterator[None]:
    """MISCONF: a snapshot fails, and the server stops taking writes."""
    with scene.server.admin as admin:
        admin.config_set("save", "3600 1000000")
        admin.bgsave()
        failed = "rdb_last_bgsave_status"
        eventually("the snapshot fails", lambda: admin.info("persistence")[failed] == "err")
        yield
        admin.config_set("save", "")


def replica(serve_stale_data: str):
    """The server becomes a replica of a master that nobody runs."""

    @contextmanager
    def cause(scene: Scene) -> Iterator[None]:
        with scene.server.admin as admin:
            admin.config_set("replica-serve-stale-data", serve_stale_data)
            admin.replicaof(HOST, free_port())
            yield
            admin.replicaof("NO", "ONE")
            admin.config_set("replica-serve-stale-data", "yes")

    return cause


@contextmanager
def password_changed(scene: Scene) -> Iterator[None]:
    """Somebody sets a password; who is logged in goes on until the connection ends."""
    with scene.server.admin as admin:
        admin.config_set("requirepass", "changed")
        admin.execute_command("AUTH", "changed")
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield
        admin.config_set("requirepass", "")


@contextmanager
def permission_taken(scene: Scene) -> Iterator[None]:
    with scene.server.admin as admin:
        admin.execute_command("ACL", "SETUSER", "default", "-incr")
        yield
        admin.execute_command("ACL", "SETUSER", "default", "+incr")


@contextmanager
def full_of_clients(scene: Scene) -> Iterator[None]:
    with scene.server.admin as admin:
        admin.ping()
        admin.config_set("maxclients", 1)
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield
        admin.config_set("maxclients", 10_000)


@contextmanager
def busy_script(scene: Scene) -> Iterator[None]:
    with scene.server.busy():
        yield


def paused(what: str):
    @contextmanager
    def cause(scene: Scene) -> Iterator[None]:
        with scene.server.admin as admin:
            # It holds up who would end it, too: it ends by itself.
            admin.execute_command("CLIENT", "PAUSE", 800, what)
            yield
            admin.set("paused", "no longer")

    return cause


@contextmanager
def clients_killed(scene: Scene) -> Iterator[None]:
    with scene.server.admin as admin:
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield


@contextmanager
def late(scene: Scene, ms: int) -> Iterator[None]:
    scene.proxy.fault("answer_late", ms=ms)
    scene.proxy.cut(reset=False)
    yield
    scene.proxy.fault("pass")


QUOTA = "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000. See the documentation."
COMMANDS = ("INCR", "SET", "GET")

CAUSES = (
    Cause("nothing at all", through_proxy("pass"), harmless=True),
    # On the way.
    Cause("port refuses", through_proxy("refuse")),
    Cause("port refuses, comes and goes", restart_behind_proxy, 0),
    Cause("closes what it accepts", through_proxy("close_at_accept")),
    Cause("answers a new connection late", lambda scene: late(scene, 200)),
    Cause("answers no new connection in time", lambda scene: late(scene, 5_000)),
    Cause("connections reset", lambda scene: cut(scene, reset=True), 0.2),
    Cause("connections closed", lambda scene: cut(scene, reset=False), 0.2),
    Cause("connections flap", flap, 0),
    Cause("replies end, requests flow", through_proxy("half_close", way=DOWN)),
    Cause("requests end, replies flow", through_proxy("half_close", way=UP)),
    Cause("requests vanish", through_proxy("swallow", way=UP)),
    Cause("replies vanish", through_proxy("swallow", way=DOWN)),
    Cause("requests stall", through_proxy("stall", way=UP)),
    Cause("replies stall", through_proxy("stall", way=DOWN)),
    Cause("replies 30 ms late", through_proxy("delay", way=DOWN, ms=30), harmless=True),
    Cause("replies later than the deadline", through_proxy("delay", way=DOWN, ms=600)),
    Cause("replies trickle", through_proxy("throttle", way=DOWN, bytes_per_second=5)),
    Cause("requests trickle", through_proxy("throttle", way=UP, bytes_per_second=20)),
    Cause("replies byte by byte", through_proxy("fragment", way=DOWN), harmless=True),
    Cause("requests byte by byte", through_proxy("fragment", way=UP), harmless=True),
    Cause("replies garbled", through_proxy("garble", way=DOWN)),
    Cause("requests garbled", through_proxy("garble", way=UP)),
    *(cut_after(at, UP) for at in (0, 1, 20, 47)),
    *(cut_after(at, DOWN) for at in (0, 1, 3, 9, 40)),
    Cause("a reply nobody asked for", unasked),
    Cause("another service answers", injected("HTTP/1.1 400 Bad Request\r\n\r\n")),
    Cause("a reply of a terabyte", injected("$1099511627776\r\n")),
    Cause("a reply with a billion elements", injected("*1000000000\r\n")),
    Cause("a reply 50,000 deep", injected("*1\r\n", 50_000)),
    Cause("an endless line", injected("+" + "x" * 1_000, 500)),
    # In the words of the server.
    Cause("quota exceeded", refusal(QUOTA)),
    Cause("quota exceeded, commands only", refusal(QUOTA, *COMMANDS)),
    Cause("asks to try again", refusal("TRYAGAIN Multiple keys request", *COMMANDS)),
    Cause("cluster down", refusal("CLUSTERDOWN The cluster is down", *COMMANDS)),
    # The server itself.
    Cause("killed, restarted with its data", killed, direct=True),
    Cause("killed three times", killed_thrice, 0, direct=True),
    Cause("shut down, started again", shut_down, direct=True),
    Cause("frozen", frozen, 1.2, direct=True),
    Cause("loading", loading, 0.5, direct=True),
    Cause("out of memory", configured(maxmemory=(1, 0))),
    Cause("cannot save its data", cannot_save),
    Cause("too few replicas", configured(min_replicas_to_write=(1, 0))),
    Cause("a read-only replica", replica("yes")),
    Cause("a replica without its master", replica("no")),
    Cause("password changed", password_changed, direct=True),
    Cause("permission taken", permission_taken, outcomes=("permission_denied",)),
    Cause("full of clients", full_of_clients, direct=True),
    Cause("busy with a script", busy_script),
    Cause("clients paused", paused("ALL")),
    Cause("writes paused", paused("WRITE")),
    Cause("clients killed", clients_killed, 0.2, direct=True),
)
