"""What a pipeline gathers is what one of redis-py gathers, however it is looked at."""

import gc
import weakref

import outlast
import pytest
import redis


@pytest.fixture
def client(server, make):
    return make(server.url)


def fill(pipeline):
    """Commands with methods of native code and without, and with options."""
    pipeline.get("a").set("b", 1).set("c", 2, ex=9).incr("n").incr("n", 5)
    pipeline.hset("h", "f", "v").execute_command("config get", "maxmemory")
    return pipeline.get(b"bytes")


def test_it_lists_its_commands_as_redis_py_does(server, client):
    stock = redis.Redis.from_url(server.url)
    ours, theirs = (fill(one.pipeline(transaction=False)) for one in (client, stock))
    assert len(ours) == len(theirs) == 8
    listed = [args for args, _options in ours.command_stack]
    assert listed == [args for args, _options in theirs.command_stack]
    assert all(isinstance(options, dict) for _args, options in ours.command_stack)
    # What is queued after it was listed is in the list, and the list can be changed.
    listed = ours.command_stack
    ours.get("later").incr("n")
    assert [args for args, _options in listed[-2:]] == [("GET", "later"), ("INCRBY", "n", 1)]
    listed.pop(0)
    assert len(ours) == 9
    theirs.get("later").incr("n")
    theirs.command_stack.pop(0)
    answers = ours.execute()
    client.flushall()
    assert answers == theirs.execute()
    assert len(ours) == 0
    assert ours.command_stack == []
    stock.close()


def test_it_answers_the_same_whether_it_was_listed_or_not(client):
    plain, listed = (fill(client.pipeline(transaction=False)) for _ in range(2))
    assert len(listed.command_stack) == 8
    client.flushall()
    answers = plain.execute()
    client.flushall()
    assert listed.execute() == answers
    assert answers[:5] == [None, True, True, 1, 6]


def test_an_error_names_its_command(client):
    pipeline = client.pipeline(transaction=False).set("k", "v").lpush("k", 1).get("k")
    with pytest.raises(redis.ResponseError, match=r"Command # 2 \(LPUSH k 1\) of pipeline"):
        pipeline.execute()
    with pytest.raises(outlast.OutlastError, match="an argument"):
        client.pipeline(transaction=False).get(object()).execute()


def test_what_is_read_of_watched_keys_is_read_at_once(client):
    client.set("k", 1)
    with client.pipeline() as pipeline:
        pipeline.watch("k")
        assert pipeline.watching
        assert pipeline.get("k") == b"1"
        assert pipeline.incr("other") == 1
        assert pipeline.set("third", "x") is True
        pipeline.multi()
        assert pipeline.get("k") is pipeline
        assert pipeline.set("k", 2).execute() == [b"1", True]
        assert not pipeline.watching


def test_a_pipeline_in_a_circle_is_collected(client):
    class Key(str):
        __slots__ = ("pipeline",)

    for listed in (False, True):
        key = Key("k")
        pipeline = client.pipeline(transaction=False)
        key.pipeline = pipeline.get(key)
        if listed:
            assert len(pipeline.command_stack) == 1
        gone = weakref.ref(pipeline)
        del key, pipeline
        gc.collect()
        assert gone() is None
