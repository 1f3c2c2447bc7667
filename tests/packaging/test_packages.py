"""The built packages, installed elsewhere as a user would, and used from there."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHEEL_BYTES_MAX = 5 * 1024 * 1024

# Neither needs Redis: a development profile starts from memory.
PYTHON_PROGRAM = """
import outlast
from outlast.redis_client_production import rate_limit_check
with outlast.Redis.from_url("redis://127.0.0.1:1", profile="development") as redis:
    redis.set("k", "v", ex=60)
    redis.hset("h", mapping={"f": 1})
    piped = redis.pipeline().incr("n").hgetall("h").execute()
    kind = outlast.classify("Broken pipe")["kind"]
    print(redis.get("k").decode(), redis.get_status()["mode"], kind, len(piped[1]))
try:
    import redis
except ImportError:
    print("without redis-py")
"""
NODE_PROGRAM = """
const redis = new Redis("redis://127.0.0.1:1", { profile: "development", logger: false });
await redis.set("k", "v");
console.log(await redis.get("k"), redis.getStatus().mode);
await redis.quit();
"""


def run(*command: str, cwd: Path, **environment: str) -> str:
    """Runs a command and gives what it prints; its errors are the test's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OUTLAST_")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def npm_install(package: str, folder: Path) -> None:
    """Packs a package of this repository and installs the tarball into an empty folder."""
    packed = run(
        "npm",
        "pack",
        "--json",
        "--ignore-scripts",
        "--pack-destination",
        str(folder),
        cwd=ROOT / package,
    )
    report = json.loads(packed)
    # npm 11 reports a list, npm 12 an object by name.
    entry = report[0] if isinstance(report, list) else next(iter(report.values()))
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    run(
        "npm",
        "install",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        entry["filename"],
        cwd=folder,
    )


@pytest.mark.timeout(180)
def test_the_wheel_installs_into_an_empty_environment(tmp_path: Path) -> None:
    (wheel,) = (ROOT / "build" / "wheels").glob("outlast-*.whl")
    assert "abi3" in wheel.name
    assert wheel.stat().st_size < WHEEL_BYTES_MAX
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    run(python, "-m", "pip", "install", "-q", "--no-index", str(wheel), cwd=tmp_path)
    printed = run(python, "-W", "error", "-c", PYTHON_PROGRAM, cwd=tmp_path)
    assert printed.splitlines() == ["v degraded connection_lost 1", "without redis-py"]
    typed = run(
        python,
        "-c",
        "import importlib.resources as r; print((r.files('outlast') / 'py.typed').is_file())",
        cwd=tmp_path,
    )
    assert typed.strip() == "True"


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("main.cjs", 'const { Redis } = require("outlast");\n(async () => {'),
        ("main.mjs", 'import { Redis } from "outlast";\n{'),
    ],
)
@pytest.mark.timeout(180)
def test_the_node_tarball_installs_into_an_empty_folder(
    tmp_path: Path, name: str, head: str
) -> None:
    npm_install("bindings-node", tmp_path)
    tail = "})();" if name.endswith(".cjs") else "}"
    (tmp_path / name).write_text(f"{head}{NODE_PROGRAM}{tail}\n", encoding="utf-8")
    printed = run("node", "--unhandled-rejections=strict", name, cwd=tmp_path)
    assert printed.split() == ["v", "degraded"]
    health = 'const { health } = require("outlast/health"); console.log(typeof health)'
    assert run("node", "-e", health, cwd=tmp_path).strip() == "function"
    wrapper = 'const { healthCheck } = require("outlast/wrapper"); healthCheck();'
    run("node", "-e", f"{wrapper} process.exit(0)", cwd=tmp_path, REDIS_URL="redis://127.0.0.1:1")


@pytest.mark.timeout(180)
def test_the_wasm_tarball_installs_into_an_empty_folder(tmp_path: Path) -> None:
    npm_install("bindings-wasm", tmp_path)
    program = 'import { classify } from "outlast-wasm"; console.log(classify("Broken pipe").kind);'
    (tmp_path / "main.mjs").write_text(program, encoding="utf-8")
    assert run("node", "main.mjs", cwd=tmp_path).strip() == "connection_lost"
