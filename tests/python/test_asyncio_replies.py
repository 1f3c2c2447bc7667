"""What a call answers is a coroutine and a future at once, whoever has it."""

import asyncio
import contextvars

import pytest
from outlast.asyncio import Redis

VARIABLE = contextvars.ContextVar("variable", default="none")


@pytest.fixture
def client(server):
    return Redis.from_url(server.url, profile="production")


def run(client, steps):
    """Runs the steps on a loop of their own, and closes the client on it."""

    async def main():
        try:
            await asyncio.wait_for(steps(), 10)
        finally:
            await client.aclose()

    asyncio.run(main())


def test_it_is_gathered_awaited_and_a_task_in_any_order(client):
    async def steps():
        await client.set("k", "v")
        both = client.get("k")
        gathered = asyncio.gather(both, client.get("none"))
        assert await both == b"v"
        assert await gathered == [b"v", None]
        assert await both == b"v"
        later = [client.incr("n") for _ in range(5)]
        assert [await one for one in asyncio.as_completed(later)] == [1, 2, 3, 4, 5]
        assert await asyncio.create_task(client.get("k")) == b"v"
        assert await asyncio.shield(client.get("k")) == b"v"

    run(client, steps)


def test_callbacks_are_called_with_it_in_their_context(client):
    async def steps():
        await client.ping()
        told = []
        reply = client.get("k")
        with pytest.raises(asyncio.InvalidStateError):
            reply.result()
        with pytest.raises(asyncio.InvalidStateError):
            reply.exception()

        def tell(ended):
            told.append((ended is reply, VARIABLE.get()))

        VARIABLE.set("mine")
        reply.add_done_callback(tell)
        reply.add_done_callback(told.append)
        assert reply.remove_done_callback(told.append) == 1
        other = contextvars.copy_context()
        other.run(VARIABLE.set, "other")
        reply.add_done_callback(tell, context=other)
        assert not reply.done()
        await reply
        await asyncio.sleep(0)
        assert told == [(True, "mine"), (True, "other")]
        reply.add_done_callback(tell)
        await asyncio.sleep(0)
        assert told[2:] == [(True, "mine")]
        assert reply.done()
        assert reply.exception() is None

    run(client, steps)


def test_what_is_cancelled_is_done_and_nobody_is_told(client):
    async def steps():
        await client.ping()
        alone = client.incr("n")
        assert alone.cancel("enough")
        assert alone.cancelled()
        assert not alone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await alone
        with pytest.raises(asyncio.CancelledError):
            alone.exception()

        async def waits():
            await reply

        reply = client.incr("n")
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reply.cancelled()
        with pytest.raises(asyncio.CancelledError):
            reply.result()
        gathered = [client.incr("n"), client.incr("n")]
        gathered[0].cancel()
        answers = await asyncio.gather(*gathered, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert answers[1] == 4
        gathered = asyncio.gather(client.incr("n"), client.incr("n"))
        gathered.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathered
        gathered = [client.incr("n"), client.incr("n")]
        gathered[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.gather(*gathered)
        assert await client.get("n") == b"8"

    run(client, steps)
