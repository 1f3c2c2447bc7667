#!/usr/bin/env python3
"""Checks what no compiler or linter of this project checks. Each rule is one test.

    tests/tidy.py [--root FOLDER] [--report FILE]

The rules read the files that git tracks or would track; without git, all but the generated
folders. A rule is a function from a `Tree` to faults, listed in RULES; tests/tidy_test.py shows
each of them to fail.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

# Never looked into, with git or without.
GENERATED_FOLDERS = {
    ".git",
    "build",
    "target",
    "node_modules",
    "pkg",
    "dist",
    "__pycache__",
    ".venv",
}
# Written by a generator, so no person's style applies.
GENERATED_FILES = re.compile(
    r"(^|/)(package-lock\.json|Cargo\.lock)$|^bindings-node/index\.(js|d\.ts)$"
    r"|^core/src/command/table\.rs$"
)
# These files have to spell what they forbid.
RULE_FILES = {"tests/tidy.py", "tests/tidy_test.py"}

SOURCE = {".rs", ".py", ".ts", ".mts", ".js", ".mjs", ".sh"}
TEST_FILE = re.compile(
    r"(^|/)(tests?|vectors)/|(^|/)tests?\.rs$|_tests?\.(rs|py)$|(^|/)test_|\.test\.m?[jt]s$"
)

FORBIDDEN_WORDS = re.compile(r"\b(TODO|FIXME|XXX)\b|\b(todo|unimplemented)!")
REGISTRY_HOSTS = re.compile(
    r"registry\.(npmjs\.org|yarnpkg\.com)|pypi\.org/simple|files\.pythonhosted\.org"
    r"|(index|static)\.crates\.io|deb\.debian\.org|artifactory",
    re.IGNORECASE,
)
HOME_PATHS = re.compile(r"(?<![\w.])/(home|Users)/\w+|(?<![\w./])/root/[.\w]|[A-Z]:\\\\?Users\\")
SLEEP = re.compile(r"\bsleep(_until|_ms)?\s*\(")
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


@dataclass(frozen=True)
class Tree:
    """The files of a checkout, by their path from its root."""

    root: Path
    paths: tuple[str, ...]

    @classmethod
    def of(cls, root: Path) -> Tree:
        """Lists a checkout's files."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=False,
        )
        if listed.returncode == 0 and listed.stdout:
            names = [name.decode() for name in listed.stdout.split(b"\0") if name]
        else:
            names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
        kept = {
            name
            for name in names
            if (root / name).is_file() and not GENERATED_FOLDERS & set(name.split("/"))
        }
        return cls(root, tuple(sorted(kept)))

    def texts(
        self, wanted: Callable[[str], bool] = lambda _path: True
    ) -> Iterator[tuple[str, str]]:
        """Every wanted text file with its content; binary ones are passed over."""
        for path in filter(wanted, self.paths):
            try:
                yield path, (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def is_source(path: str) -> bool:
    """Whether a person wrote this program text, or a script without an ending."""
    if GENERATED_FILES.search(path):
        return False
    return Path(path).suffix in SOURCE or (path.startswith("scripts/") and not Path(path).suffix)


def is_written(path: str) -> bool:
    """Whether a person wrote this file."""
    return not GENERATED_FILES.search(path) and path not in RULE_FILES


def lines_before_tests(path: str, text: str) -> int:
    """A file's length; in Rust without the tests at its end."""
    if path.endswith(".rs"):
        tests = r"^#\[cfg\((?:all\()?test\b[^;{]*\{"
        text = re.split(tests, text, maxsplit=1, flags=re.MULTILINE)[0]
    return len(text.splitlines())


def files_are_short(tree: Tree) -> Iterator[str]:
    """A source file without its tests has at most FILE_LINES_MAX lines; test files are exempt."""
    for path, text in tree.texts(lambda path: is_source(path) and not TEST_FILE.search(path)):
        lines = lines_before_tests(path, text)
        if lines > FILE_LINES_MAX:
            yield f"{path}: {lines} lines without tests; at most {FILE_LINES_MAX}"


def python_functions_are_short(tree: Tree) -> Iterator[str]:
    """A Python function has at most FUNCTION_LINES_MAX lines (clippy checks Rust's)."""
    for path, text in tree.texts(lambda path: path.endswith((".py", ".pyi"))):
        try:
            module = ast.parse(text)
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: not Python: {error.msg}"
            continue
        for node in ast.walk(module):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    where = f"{path}:{node.lineno}: {node.name}"
                    yield f"{where} has {lines} lines; at most {FUNCTION_LINES_MAX}"


def no_unfinished_words(tree: Tree) -> Iterator[str]:
    """Nothing is left for later in a source file: it goes to the tracker, or it is done."""
    yield from found(tree, FORBIDDEN_WORDS, lambda path: is_source(path) and path not in RULE_FILES)


def no_registry_hosts(tree: Tree) -> Iterator[str]:
    """No file says where packages are downloaded from; that is each machine's own setting."""
    yield from found(tree, REGISTRY_HOSTS, lambda path: path not in RULE_FILES)


def no_home_paths(tree: Tree) -> Iterator[str]:
    """No file names a folder of one person's machine."""
    yield from found(tree, HOME_PATHS, is_written)


def no_sleep_in_core(tree: Tree) -> Iterator[str]:
    """Time is virtual in the core, in its tests too."""
    yield from found(tree, SLEEP, lambda path: path.startswith("core/") and path.endswith(".rs"))


def json_is_valid(tree: Tree) -> Iterator[str]:
    """Every vector and every other JSON file parses, without a key given twice."""
    for path, text in tree.texts(lambda path: path.endswith(".json") and "tsconfig" not in path):
        try:
            json.loads(text, object_pairs_hook=unique)
        except ValueError as error:
            yield f"{path}: {error}"


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuses what json.loads would silently drop."""
    seen: dict[str, object] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"key {key!r} is given twice")
        seen[key] = value
    return seen


def lock_files_name_no_host(tree: Tree) -> Iterator[str]:
    """Lock files hold versions and checksums; a package's origin is crates.io or not told."""
    for path, text in tree.texts(lambda path: path.endswith(("package-lock.json", "Cargo.lock"))):
        for number, line in enumerate(text.splitlines(), start=1):
            resolved = re.search(r'"resolved":\s*"([^"]*)"', line)
            if resolved and "://" in resolved[1]:
                yield f"{path}:{number}: a `resolved` with a host"
            source = re.match(r'source = "(.*)"', line)
            if source and source[1] != CRATES_IO:
                yield f"{path}:{number}: a source other than crates.io"


def found(tree: Tree, pattern: re.Pattern[str], wanted: Callable[[str], bool]) -> Iterator[str]:
    """Every line of the wanted files in which the pattern occurs."""
    for path, text in tree.texts(wanted):
        for number, line in enumerate(text.splitlines(), start=1):
            match = pattern.search(line)
            if match:
                yield f"{path}:{number}: {match[0]!r}"


RULES: tuple[Callable[[Tree], Iterator[str]], ...] = (
    files_are_short,
    python_functions_are_short,
    no_unfinished_words,
    no_registry_hosts,
    no_home_paths,
    no_sleep_in_core,
    json_is_valid,
    lock_files_name_no_host,
)


def main(arguments: list[str]) -> int:
    """Applies every rule, prints the faults, and writes a report for tests/run.py if asked."""
    parser = argparse.ArgumentParser(description="Checks the repository's own rules.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args(arguments)
    tree = Tree.of(options.root)
    report: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
    for rule in RULES:
        faults = list(rule(tree))
        report["failed" if faults else "passed"].append(rule.__name__)
        print(f"{'FAILED' if faults else 'ok':<7} {rule.__name__}: {rule.__doc__}")
        for fault in faults:
            print(f"        {fault}")
    if options.report:
        options.report.write_text(json.dumps(report), encoding="utf-8")
    return 1 if report["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
