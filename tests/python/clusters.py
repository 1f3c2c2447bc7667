"""A real cluster of redis-servers on the loopback address, and what happens to its nodes."""

import contextlib
import time

import redis
from conftest import Server, free_port, wait_until
from redis.crc import key_slot

SLOTS = 16_384
_THIRD = SLOTS // 3

# Elections are held at random delays.
PATIENCE = 25


def third_of(key):
    """The third of the slots that a key lies in, and so the place of its first master."""
    return min(key_slot(key.encode()) // _THIRD, 2)


def one_in_each_third(name):
    """Keys of this name, one in each third."""
    found = {}
    for number in range(1_000):
        found.setdefault(third_of(f"{name}:{number}"), f"{name}:{number}")
    return [found[third] for third in range(3)]


class Cluster:
    """Three masters of a third of the slots each, and after them a replica of each."""

    def __init__(self):
        self.nodes = []
        self.ids = []

    def start(self, folder):
        for _ in range(6):
            self.nodes.append(self._node(folder))
        self.ids = [self.ask(at, "CLUSTER MYID") for at in range(len(self.nodes))]
        for at in range(len(self.nodes)):
            # Later epochs would be told apart by chance.
            self.ask(at, "CLUSTER SET-CONFIG-EPOCH", at + 1)
        for at in range(3):
            last = SLOTS - 1 if at == 2 else (at + 1) * _THIRD - 1
            self.ask(at, "CLUSTER ADDSLOTSRANGE", at * _THIRD, last)
        for node in self.nodes[1:]:
            bus = node.bus_port
            self.ask(0, "CLUSTER MEET", "127.0.0.1", node.port, bus)
        wait_until(self._knows_all, what="every node knows every other", seconds=PATIENCE)
        for at in range(3, len(self.nodes)):
            wait_until(lambda at=at: self._replicates(at), what="a replica", seconds=PATIENCE)
        wait_until(self._is_whole, what="the cluster is whole", seconds=PATIENCE)
        for at in range(3, len(self.nodes)):
            wait_until(lambda at=at: self._is_linked(at), what="a linked replica", seconds=PATIENCE)
        wait_until(self._tells_replicas, what="every node tells of replicas", seconds=PATIENCE)

    @staticmethod
    def _node(folder):
        port, bus_port = free_port(), free_port()
        own = folder / f"node-{port}-{time.monotonic_ns()}"
        own.mkdir()
        node = Server(
            own,
            *("--cluster-enabled", "yes", "--cluster-node-timeout", "1000"),
            *("--cluster-port", str(bus_port), "--cluster-require-full-coverage", "no"),
            *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
        )
        node.bus_port = bus_port
        return node

    @property
    def url(self):
        """By way of the first two masters."""
        return "redis-cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def ask(self, at, *command):
        """The answer of one node, past every client of a cluster."""
        with self.nodes[at].peer() as peer:
            return peer.execute_command(*command)

    def read(self, at, key):
        return self.ask(at, "GET", key)

    def move(self, key, start, end):
        """Has the slot of a key, and all that is in it, change hands."""
        slot = key_slot(key.encode())
        self.ask(end, "CLUSTER SETSLOT", slot, "IMPORTING", self.ids[start])
        self.ask(start, "CLUSTER SETSLOT", slot, "MIGRATING", self.ids[end])
        while keys := self.ask(start, "CLUSTER GETKEYSINSLOT", slot, 100):
            port = self.nodes[end].port
            self.ask(start, "MIGRATE", "127.0.0.1", port, "", 0, 5_000, "KEYS", *keys)
        for at in (end, start):
            self.ask(at, "CLUSTER SETSLOT", slot, "NODE", self.ids[end])

    def kill(self):
        for node in self.nodes:
            node.kill()

    def _knows_all(self):
        count = len(self.nodes)
        return all(len(self.ask(at, "CLUSTER NODES")) == count for at in range(count))

    def _replicates(self, at):
        # Until it has heard of its master it knows no such node.
        with self.nodes[at].peer() as peer, contextlib.suppress(redis.ResponseError):
            return peer.execute_command("CLUSTER REPLICATE", self.ids[at % 3])

    def _is_whole(self):
        def is_whole(at):
            info = self.ask(at, "CLUSTER INFO")
            return info["cluster_state"] == "ok" and info["cluster_slots_ok"] == str(SLOTS)

        return all(is_whole(at) for at in range(len(self.nodes)))

    def _is_linked(self, at):
        return self.ask(at, "INFO", "replication")["master_link_status"] == "up"

    def _tells_replicas(self):
        def tells(at):
            # First and last slot, the master, its replica.
            return all(len(entry) == 4 for entry in self.ask(at, "CLUSTER", "SLOTS"))

        return all(tells(at) for at in range(len(self.nodes)))
