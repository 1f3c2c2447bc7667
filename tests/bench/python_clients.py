"""What the Python worker measures: other clients, a bare socket, and outlast.

A client has a `name`, the `packages` that it needs, and an `open(place)` that leaves callables on
the instance: `get(key)`, `set(key, value)`, where it has pipelines `mget(keys)` (one explicit
pipeline of GETs), where it answers without a server `degraded_get(key)` and `degraded_set(key,
value)`. What it cannot do yet stands in `not_yet`.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True)
class Place:
    """Where a server listens, and where none does."""

    host: str
    port: int
    absent_port: int


class Client:
    """What all have in common."""

    name = ""
    packages: tuple[str, ...] = ()
    not_yet: tuple[str, ...] = ()

    @classmethod
    def versions(cls) -> str:
        """The version of each of its packages; raises PackageNotFoundError without one."""
        return " ".join(
            metadata.version(package)
            if package == cls.packages[0]
            else f"{package} {metadata.version(package)}"
            for package in cls.packages
        )

    @classmethod
    def is_installed(cls) -> bool:
        """Whether it can be measured here."""
        try:
            cls.versions()
        except metadata.PackageNotFoundError:
            return False
        return True

    def confirm(self):
        """Raises if answers did not come from where the workload says they do."""


class RawSocket(Client):
    """Pre-built bytes out, bytes in, no parsing: the floor of Python's own sockets."""

    name = "raw-socket"

    def open(self, place):
        self.place, self.local, self.built = place, threading.local(), {}

    def get(self, key):
        connection = getattr(self.local, "connection", None) or self._connect()
        message = self.built.get(key)
        if message is None:
            message = self.built[key] = encode(b"GET", key.encode())
        connection.sendall(message)
        reply = connection.recv(65_536)
        return reply[reply.index(b"\r\n") + 2 : -2]

    def set(self, key, value):
        connection = getattr(self.local, "connection", None) or self._connect()
        connection.sendall(encode(b"SET", key.encode(), value))
        return connection.recv(65_536)

    def mget(self, keys):
        connection = getattr(self.local, "connection", None) or self._connect()
        connection.sendall(b"".join(encode(b"GET", key.encode()) for key in keys))
        lines, received = 2 * len(keys), b""
        while received.count(b"\r\n") < lines:
            received += connection.recv(1 << 18)
        return received.split(b"\r\n")[1::2]

    def _connect(self):
        connection = socket.create_connection((self.place.host, self.place.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local.connection = connection
        return connection

    def close(self):
        """Its sockets go with the process."""


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class RedisPy(Client):
    name = "redis-py"
    packages = ("redis", "hiredis")

    def open(self, place):
        import redis  # noqa: PLC0415 - only the client that is measured

        self.client = redis.Redis(host=place.host, port=place.port)
        if "iredis" not in redis.connection.DefaultParser.__name__:
            raise RuntimeError("redis-py does not use hiredis")
        self.get, self.set = self.client.get, self.client.set

    def mget(self, keys):
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return pipeline.execute()

    def close(self):
        self.client.close()


class GlideSync(Client):
    name = "glide-sync"
    packages = ("valkey-glide-sync",)

    def open(self, place):
        import glide_sync as glide  # noqa: PLC0415 - only the client that is measured

        where = [glide.NodeAddress(place.host, place.port)]
        self.client = glide.GlideClient.create(glide.GlideClientConfiguration(where))
        self.batch = glide.Batch
        self.get, self.set = self.client.get, self.client.set

    def mget(self, keys):
        batch = self.batch(is_atomic=False)
        for key in keys:
            batch.get(key)
        return self.client.exec(batch, raise_on_error=True)

    def close(self):
        self.client.close()


class Outlast(Client):
    name = "outlast"
    packages = ("outlast",)

    def open(self, place):
        import outlast  # noqa: PLC0415 - only the client that is measured

        self.client = outlast.Redis(place.host, place.port, profile="production")
        self.get, self.set = self.client.get, self.client.set
        # Lazy: nothing is dialled before a degraded workload's first call.
        self.degraded = outlast.Redis(place.host, place.absent_port, profile="development")
        self.degraded_get, self.degraded_set = self.degraded.get, self.degraded.set

    def mget(self, keys):
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return pipeline.execute()

    def confirm(self):
        if self.client.get_status()["served_by_store"]:
            raise RuntimeError("outlast answered from memory although its server was there")
        if self.degraded.get_status()["served_by_redis"]:
            raise RuntimeError("a server answered where none should be")

    def close(self):
        self.client.close()
        self.degraded.close()


CLIENTS = {client.name: client for client in (Outlast, RedisPy, GlideSync, RawSocket)}
