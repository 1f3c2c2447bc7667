"""Clients of asyncio on all kinds of loops, across loops, forks and reconnects."""

import asyncio
import gc
import os
import sys
import threading
import time
from pathlib import Path

import outlast
import outlast.asyncio
import pytest
import uvloop
from conftest import is_connected, run_script, until

pytestmark = pytest.mark.filterwarnings("error")


class PoorLoop(asyncio.SelectorEventLoop):
    """A loop that cannot watch sockets for others, as Windows' Proactor cannot."""

    def add_reader(self, *_args):
        raise NotImplementedError

    add_writer = remove_reader = remove_writer = add_reader


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def threads(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def run(coroutine, loop):
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def test_a_loop_that_cannot_watch_sockets_has_a_thread_for_it(server):
    async def use():
        client = outlast.asyncio.from_url(
            server.url, profile="production", server_delay_ms=20, decode_responses=True
        )
        await client.set("k", "v")
        assert len(threads("outlast-watcher")) == 1
        assert await asyncio.gather(*[client.get("k") for _ in range(200)]) == ["v"] * 200
        big = "x" * 3_000_000
        await client.set("big", big)
        assert await client.get("big") == big
        server.kill()
        await until(lambda: not is_connected(client))
        assert await client.set("k", "w")
        server.start()
        await until(lambda: is_connected(client))
        assert server.read("k") == "w"
        await client.aclose()

    run(use(), PoorLoop())
    deadline = time.monotonic() + 5
    while threads("outlast-watcher"):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_uvloop(server):
    async def use():
        client = outlast.asyncio.from_url(
            server.url, profile="production", server_delay_ms=20, decode_responses=True
        )
        await client.set("k", "v")
        assert await asyncio.gather(*[client.get("k") for _ in range(200)]) == ["v"] * 200
        assert await asyncio.create_task(client.get("k")) == "v"
        assert await asyncio.wait_for(client.get("k"), 5) == "v"
        server.kill()
        await until(lambda: not is_connected(client))
        assert await client.get("k") == "v"
        server.start()
        await until(lambda: is_connected(client))
        assert server.read("k") is None
        await client.aclose()

    run(use(), uvloop.new_event_loop())


def test_a_client_outlives_its_loop(server):
    client = outlast.asyncio.from_url(server.url, profile="production", decode_responses=True)

    async def use(number):
        asking = [asyncio.ensure_future(client.get("k")) for _ in range(3)]
        await asyncio.sleep(0)
        assert await client.set("k", number)
        assert await client.get("k") == str(number)
        return asking

    for number in range(3):
        asyncio.run(use(number))
    assert client.get_status()["dials"] == 1
    asyncio.run(close(client))


async def close(client):
    await client.aclose()


def test_replies_for_a_loop_that_is_closed_reach_nobody_else(server):
    client = outlast.asyncio.from_url(server.url, profile="production", decode_responses=True)

    async def prepare():
        await client.mset({"a": "1", "b": "2"})

    async def ask():
        server.freeze()
        return [client.get("a") for _ in range(10)]

    async def ask_on():
        asked = client.get("b")
        server.thaw()
        return await asked

    asyncio.run(prepare())
    abandoned = asyncio.run(ask())
    assert asyncio.run(ask_on()) == "2"
    del abandoned
    asyncio.run(close(client))


async def test_a_client_of_another_open_loop_is_refused_by_name(server, open_client):
    client = open_client(server.url)
    await client.set("k", "v")
    errors = []

    async def use():
        with pytest.raises(outlast.asyncio.WrongLoopError, match="another event loop") as refused:
            await client.get("k")
        errors.append(refused.value)

    thread = threading.Thread(target=asyncio.run, args=(use(),))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert [error.code for error in errors] == ["wrong_loop"]
    assert await client.get("k") == b"v"


def test_a_call_outside_of_any_loop_begins_when_it_is_awaited(server):
    client = outlast.asyncio.from_url(server.url, profile="production", decode_responses=True)
    assert asyncio.run(client.set("k", "v")) is True
    assert asyncio.run(client.get("k")) == "v"
    asyncio.run(client.aclose())


def test_a_child_has_a_connection_of_its_own(server):
    client = outlast.asyncio.from_url(server.url, profile="production", decode_responses=True)

    async def of_child():
        await client.set("k", "child")
        return await client.info("clients"), await client.get("k")

    def child():
        # The loop of the parent is not the child's: it makes one of its own.
        asyncio.set_event_loop(None)
        clients, value = asyncio.new_event_loop().run_until_complete(of_child())
        assert (clients["connected_clients"], value) == (2, "child")
        assert client.get_status()["dials"] == 1

    async def of_parent():
        assert await client.get("k") is None
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child()
                code = 0
            finally:
                os._exit(code)
        _, ended = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(ended) == 0
        # What the child did with what it inherited has cut nothing.
        assert await client.get("k") == "child"
        assert client.get_status()["dials"] == 1
        await client.aclose()

    asyncio.run(of_parent())


@pytest.mark.timeout(180)
async def test_a_thousand_reconnects_leave_no_descriptor_behind(server, open_client):
    client = open_client(server.url, server_delay_ms=1, server_delay_ms_max=1)
    await client.connect()
    with server.peer() as peer:

        async def cut():
            dials = client.get_status()["dials"]
            peer.client_kill_filter(_type="normal", skipme=True)
            await until(lambda: client.get_status()["dials"] > dials and is_connected(client))
            await client.get("k")

        for _ in range(20):
            await cut()
        before = descriptors()
        for _ in range(1_000):
            await cut()
        assert descriptors() <= before
    assert client.get_status()["dials"] >= 1_021


def test_clients_that_are_dropped_leave_nothing_behind(server):
    async def use():
        for _ in range(30):
            client = outlast.asyncio.from_url(server.url, profile="production")
            await client.get("k")
            del client
        gc.collect()
        await asyncio.sleep(0.05)

    asyncio.run(use())
    before = descriptors()
    for _ in range(5):
        asyncio.run(use())
    deadline = time.monotonic() + 5
    while descriptors() > before:
        assert time.monotonic() < deadline, (descriptors(), before)
        time.sleep(0.01)


async def longest_hold(call):
    """The longest time that the loop's thread worked between two turns, in seconds."""
    longest, is_over = 0.0, False

    async def beat():
        nonlocal longest
        # What other processes do to the machine is not the client's doing.
        last = time.thread_time()
        while not is_over:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest = max(longest, now - last)
            last = now

    beating = asyncio.ensure_future(beat())
    await call()
    is_over = True
    await beating
    return longest


async def test_a_big_reply_does_not_hold_the_loop(server, open_client):
    client = open_client(server.url, command_timeout_ms=20_000)
    with server.peer() as peer:
        peer.set("big", "x" * 8_000_000)
        peer.rpush("list", *range(100_000))

    async def get():
        assert len(await client.get("big")) == 8_000_000

    async def lrange():
        assert len(await client.execute_command("LRANGE", "list", 0, -1)) == 100_000

    for call in (get, lrange):
        # Memory that is touched for the first time is the kernel's doing.
        assert min([await longest_hold(call) for _ in range(3)]) < 0.005


async def test_a_server_that_takes_nothing_bounds_what_waits(server, open_client):
    client = open_client(server.url, unsent_bytes_max=1_000_000, command_timeout_ms=2_000)
    await client.set("k", "v")
    server.freeze()
    value = "x" * 100_000
    calls = [asyncio.ensure_future(client.set("k", value)) for _ in range(200)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    refused = [error for error in ended if isinstance(error, outlast.LimitReached)]
    assert 100 < len(refused) < 200
    assert "unsent_bytes_max" in str(refused[0])


async def test_much_is_written_while_the_server_reads_slowly(server, open_client):
    client = open_client(server.url, command_timeout_ms=20_000, decode_responses=True)
    # More than the kernel keeps for a socket: the rest waits until it takes more.
    assert await client.set("big", "x" * 50_000_000)
    value = "x" * 1_000_000
    await asyncio.gather(*[client.set(f"k{number}", value) for number in range(30)])
    replies = await asyncio.gather(*[client.strlen(f"k{number}") for number in range(30)])
    assert replies == [1_000_000] * 30
    assert await client.strlen("big") == 50_000_000


ABANDON = """
import asyncio, gc, sys
import outlast.asyncio

async def use():
    client = outlast.asyncio.from_url(sys.argv[1], profile="production")
    await client.set("text", "no number")
    for _ in range(20):
        client.incr("text")
        client.get("text")
        asyncio.ensure_future(client.get("text")).cancel()
    asyncio.ensure_future(client.get("text"))
    await asyncio.sleep(0.1)
    gc.collect()
    client.incr("text")

asyncio.run(use(), debug=False)
gc.collect()
print("ended")
"""


def test_abandoned_calls_are_not_complained_of(server):
    assert run_script(ABANDON, server.url) == "ended\n"


OPEN_AT_EXIT = """
import asyncio, sys
import outlast.asyncio

client = outlast.asyncio.from_url(sys.argv[1], profile="production")
asyncio.run(client.set("k", "v"), debug=False)
print("ended")
"""


def test_a_client_that_is_open_at_the_end_of_the_process(server):
    for _ in range(3):
        assert run_script(OPEN_AT_EXIT, server.url) == "ended\n"
    assert server.read("k") == "v"


IMPORT = """
import sys, threading
import outlast.asyncio
client = outlast.asyncio.from_url(sys.argv[1], profile="production")
print(threading.active_count(), len(list(__import__("pathlib").Path("/proc/self/task").iterdir())))
"""


def test_making_a_client_starts_no_thread(server):
    assert run_script(IMPORT, server.url) == "1 1\n"
    assert sys.version_info >= (3, 9)
