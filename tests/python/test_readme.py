"""The package's README: its snippets run, one after the other, and say what they should."""

import re
from pathlib import Path

from outlast import _standalone
from outlast.redis_client_production import production_redis_client

README = Path(__file__).resolve().parents[2] / "bindings-python" / "README.md"


def test_the_snippets_run(server, monkeypatch, capsys):
    monkeypatch.setenv("REDIS_URL", server.url)
    vars(production_redis_client).pop("_made", None)
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) == 12
    names = {}
    for number, snippet in enumerate(snippets):
        exec(compile(snippet, f"README.md snippet {number + 1}", "exec"), names)
    names["client"].close()
    names["made_elsewhere"].close()
    vars(production_redis_client).pop("_made").close()
    printed = capsys.readouterr().out
    for expected in (
        "alice connected",
        "[b'hello', 2] connected",
        "True False",
        "[b'then', b'now'] [b'now', -1]",
        "command_timeout_ms (ms): Deadline of a command, in every mode.",
        'invalid command_timeout_ms "-1": allowed is a whole number',
        "command_error value is not an integer",
        "healthy closed None",
        "200 OK",
        "[b'ok\\n']",
        "'class': 'queue', 'pattern': 'jobs:*', 'policy': 'replay'",
        "{'reason': 'GET is not served from memory (rule \"lock:*\": class lock)', 'serve': False}",
        "'kind': 'dns_error'",
        "log lines",
    ):
        assert expected in printed
    assert server.read("seen:user:7") == "now"


def test_every_method_that_it_names_is_there_without_redis_py():
    told = README.read_text(encoding="utf-8")
    methods = re.search(r"Without redis-py there are (.*?) and some", told, re.DOTALL)
    names = re.findall(r"`(\w+)`", methods[1])
    assert len(names) > 20
    for name in names:
        assert callable(getattr(_standalone.Redis, name))
