"""Others change keys on Redis in an outage: the vectors of `conflicts.json`, on a real server."""

import subprocess

import pytest
import vectors
from conftest import is_connected, wait_until
from outlast.testing import cause_outage

OUTAGES = vectors.load("conflicts.json")["outages"]


def redis_says(server, args):
    command = ["redis-cli", "-p", str(server.port), *args]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return told.splitlines()


@pytest.mark.parametrize("case", OUTAGES, ids=[case["name"] for case in OUTAGES])
def test_conflict(server, make, case):
    client = make(server.url, **case.get("options", {}))
    client.ping()
    for args in case["held"]:
        redis_says(server, args)
    for args in case["known"]:
        client.execute_command(*args)
    with cause_outage(client, "lost"):
        for args in case["ours"]:
            client.execute_command(*args)
        for args in case["theirs"]:
            redis_says(server, args)
    wait_until(lambda: is_connected(client))
    for held in case["holds"]:
        assert redis_says(server, held["args"]) == held["lines"], held["args"]
    status, letters = client.get_status(), client.dead_letters()
    counted = (status["conflicts"], status["replayed"], status["replay_refused"])
    assert counted == (case["conflicts"], case["replayed"], len(case["dead_letters"]))
    assert len(letters) == len(case["dead_letters"])
    for letter, expected in zip(letters, case["dead_letters"]):
        assert letter["key"] == expected["key"].encode()
        commands = [[word.encode() for word in args] for args in expected["commands"]]
        assert letter["commands"] == commands
        assert letter["error"].startswith(expected["error"])
