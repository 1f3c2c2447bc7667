"""The README's examples, run as they stand but for the address of Redis."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Nothing listens on port 1: the examples work without Redis, which is the point.
NOWHERE = "redis://127.0.0.1:1"


def blocks(language: str) -> list[str]:
    """The examples in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def run(command: list[str], program: str) -> str:
    """Runs an example and gives what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OUTLAST_")}
    done = subprocess.run(
        [*command, program.replace("redis://localhost:6379", NOWHERE)],
        cwd=ROOT / "tests" / "node",
        env=kept,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_python_examples_run() -> None:
    program, looped, probed, ruled, kept = blocks("python")
    assert run([sys.executable, "-W", "error", "-c"], program).split() == ["Ada", "degraded"]
    assert run([sys.executable, "-W", "error", "-c"], looped).split() == ["b'Ada'", "degraded"]
    assert run([sys.executable, "-W", "error", "-c"], probed).split() == ["ok"]
    assert run([sys.executable, "-W", "error", "-c"], ruled).split() == ["lock"]
    assert run([sys.executable, "-W", "error", "-c"], kept) == ""


def test_the_node_example_runs() -> None:
    program = next(block for block in blocks("js") if "require" in block)
    printed = run(["node", "-e"], f"(async () => {{{program}}})();")
    assert printed.split() == ["Ada", "degraded"]


def test_the_node_example_of_probes_runs() -> None:
    program = next(block for block in blocks("js") if "outlast/health" in block)
    assert run(["node", "-e"], program) == ""


def test_the_browser_example_runs() -> None:
    program = next(block for block in blocks("js") if "outlast-wasm" in block)
    kind, lines = run(["node", "--input-type=module", "-e"], program).split()
    assert kind == "connection_refused"
    assert int(lines) >= 3


@pytest.mark.parametrize("command", ["demo", "test"])
def test_the_commands_exist(command: str) -> None:
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"make {command} " in README
