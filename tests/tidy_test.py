"""Tests of tests/tidy.py: each rule fails on a planted fault and is silent on its opposite."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import tidy

LONG_FILE = "let a = 1;\n" * (tidy.FILE_LINES_MAX + 1)
LONG_TESTS = "let a = 1;\n#[cfg(test)]\nmod tests {\n" + LONG_FILE + "}\n"


def python_function(lines: int) -> str:
    return "def f():\n" + "    pass\n" * (lines - 1)


# Put together here, so that this file does not hold what the rules forbid.
NPM = "registry." + "npmjs.org"
HOME = "/" + "root"

# rule, path, content that it must refuse
FAULTS = [
    (tidy.files_are_short, "core/src/engine.rs", LONG_FILE),
    (tidy.files_are_short, "core/src/engine.rs", LONG_FILE + "#[cfg(test)]\nmod tests {}\n"),
    (tidy.files_are_short, "core/src/engine.rs", "#[cfg(test)]\nmod tests;\n" + LONG_FILE),
    (tidy.files_are_short, "bindings-wasm/js/index.ts", LONG_FILE),
    (tidy.files_are_short, "scripts/build-all", LONG_FILE),
    (tidy.python_functions_are_short, "examples/a.py", python_function(71)),
    (tidy.python_functions_are_short, "examples/a.py", "def f(:\n"),
    (tidy.no_unfinished_words, "core/src/a.rs", "// TODO: later\n"),
    (tidy.no_unfinished_words, "core/src/a.rs", "fn f() { todo!() }\n"),
    (tidy.no_unfinished_words, "core/src/a.rs", "fn f() { unimplemented!() }\n"),
    (tidy.no_unfinished_words, "tests/node/a.test.ts", "// FIXME\n"),
    (tidy.no_unfinished_words, "scripts/build-all", "# XXX\n"),
    (tidy.no_registry_hosts, "package-lock.json", f'"https://{NPM}/a/-/a-1.tgz"'),
    (tidy.no_registry_hosts, "pip.conf", "index-url = https://pypi.org/simple\n"),
    (tidy.no_registry_hosts, "README.md", "https://example.com/artifactory/api\n"),
    (tidy.no_home_paths, "README.md", "cd /home/someone/outlast\n"),
    (tidy.no_home_paths, "scripts/a", f"PATH={HOME}/.cargo/bin\n"),
    (tidy.no_home_paths, "a.json", '"/Users/someone/outlast"'),
    (tidy.no_sleep_in_core, "core/src/a.rs", "std::thread::sleep(second);\n"),
    (tidy.no_sleep_in_core, "core/tests/a.rs", "tokio::time::sleep_until(then).await;\n"),
    (tidy.json_is_valid, "tests/vectors/a.json", '{"a": 1,}'),
    (tidy.json_is_valid, "tests/vectors/a.json", '{"a": 1, "a": 2}'),
    (tidy.lock_files_name_no_host, "package-lock.json", '"resolved": "https://a.example/a.tgz",'),
    (tidy.lock_files_name_no_host, "Cargo.lock", 'source = "git+https://a.example/a"\n'),
    (tidy.lock_files_name_no_host, "Cargo.lock", 'source = "registry+https://a.example/index"\n'),
]

# rule, path, content that it must let pass
SOUND = [
    (tidy.files_are_short, "core/src/engine.rs", LONG_TESTS),
    (tidy.files_are_short, "core/src/engine/tests.rs", LONG_FILE),
    (tidy.files_are_short, "tests/node/a.test.ts", LONG_FILE),
    (tidy.files_are_short, "bindings-node/index.d.ts", LONG_FILE),
    (tidy.files_are_short, "docs/a.md", LONG_FILE),
    (tidy.python_functions_are_short, "examples/a.py", python_function(70)),
    (tidy.no_unfinished_words, "core/src/a.rs", "// the todo list of a caller\n"),
    (
        tidy.no_registry_hosts,
        "README.md",
        "https://crates.io/crates/outlast https://pypi.org/project/outlast\n",
    ),
    (
        tidy.no_home_paths,
        "README.md",
        "build/home/x, ~/.cargo, https://a.example/home/x and /root itself\n",
    ),
    (tidy.no_sleep_in_core, "client/src/a.rs", "tokio::time::sleep(pause).await;\n"),
    (tidy.no_sleep_in_core, "core/src/a.rs", "// a loading server is asleep (for now)\n"),
    (tidy.json_is_valid, "tests/vectors/a.json", '{"a": {"b": 1}, "b": [1]}'),
    (tidy.lock_files_name_no_host, "package-lock.json", '"resolved": "bindings-node",'),
    (tidy.lock_files_name_no_host, "Cargo.lock", f'source = "{tidy.CRATES_IO}"\n'),
]


def tree_with(root: Path, path: str, content: str) -> tidy.Tree:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)
    return tidy.Tree.of(root)


@pytest.mark.parametrize(("rule", "path", "content"), FAULTS)
def test_planted_fault_is_found(tmp_path: Path, rule: object, path: str, content: str) -> None:
    assert callable(rule)
    faults = list(rule(tree_with(tmp_path, path, content)))
    assert len(faults) == 1
    assert faults[0].startswith(path)


@pytest.mark.parametrize(("rule", "path", "content"), SOUND)
def test_sound_file_passes(tmp_path: Path, rule: object, path: str, content: str) -> None:
    assert callable(rule)
    assert list(rule(tree_with(tmp_path, path, content))) == []


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _, _ in FAULTS} == set(tidy.RULES)


def test_generated_folders_and_binary_files_are_passed_over(tmp_path: Path) -> None:
    tree_with(tmp_path, "build/a.rs", "todo!()")
    tree_with(tmp_path, "bindings-node/node_modules/a/a.js", "// TODO")
    (tmp_path / "a.rs").write_bytes(b"\xff\xfe TODO")
    assert list(tidy.no_unfinished_words(tidy.Tree.of(tmp_path))) == []


def test_in_a_git_checkout_ignored_files_are_passed_over(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored.rs\n")
    (tmp_path / "ignored.rs").write_text("// TODO")
    (tmp_path / "new.rs").write_text("// TODO")
    faults = list(tidy.no_unfinished_words(tidy.Tree.of(tmp_path)))
    assert faults == ["new.rs:1: 'TODO'"]


def test_report_and_exit_code(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    checkout = tmp_path / "checkout"
    tree_with(checkout, "a.rs", "// TODO")
    assert tidy.main(["--root", str(checkout), "--report", str(report)]) == 1
    counts = json.loads(report.read_text())
    assert counts["failed"] == ["no_unfinished_words"]
    assert len(counts["passed"]) == len(tidy.RULES) - 1
    (checkout / "a.rs").write_text("")
    assert tidy.main(["--root", str(checkout), "--report", str(report)]) == 0
