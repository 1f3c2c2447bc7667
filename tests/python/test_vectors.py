"""Every vector, one test each, and the comparison that tells a passing one from a failing one."""

from __future__ import annotations

import pytest
import vectors

ALL = list(vectors.vectors())


@pytest.mark.parametrize("vector", ALL, ids=[vector.name for vector in ALL])
def test_vector(vector: vectors.Vector) -> None:
    vectors.check(vector)


def test_names_are_unique() -> None:
    names = [vector.name for vector in ALL]
    assert len(set(names)) == len(names)


def test_every_file_is_run() -> None:
    files = {path.name for path in vectors.FOLDER.glob("*.json")}
    # A schema, and what test_metrics.py and test_conflicts.py compare.
    elsewhere = {"status.schema.json", "metrics.json", "conflicts.json"}
    assert files - elsewhere == set(vectors.FILES)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": 1, "b": None}, {"a": 1}),
        ([1], [1, 2]),
        ([1, 2], [1]),
        (1, True),
        (True, 1),
        (1, 1.01),
        ("1", 1),
        (None, 0),
    ],
)
def test_differences_are_found(expected: object, actual: object) -> None:
    with pytest.raises(vectors.DifferenceError):
        vectors.same(expected, actual, "")


def test_a_difference_names_its_path() -> None:
    with pytest.raises(vectors.DifferenceError, match=r"^x\.a\[1\]\.b: expected 1, got 2$"):
        vectors.same({"a": [0, {"b": 1}]}, {"a": [0, {"b": 2}]}, "x")


def test_numbers_and_subsets_are_compared_as_described() -> None:
    vectors.same({"a": [1, 2.5]}, {"a": [1.0, 2.5000001]}, "")
    vectors.same({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, "", subset=True)
    with pytest.raises(vectors.DifferenceError):
        vectors.same({"a": {"d": 1}}, {"a": {"b": 1}}, "", subset=True)


def test_the_schema_refuses_what_is_no_status() -> None:
    case = next(vector.case for vector in ALL if vector.section == "status.json/valid")
    status = case["expect"]
    vectors.validate(vectors.SCHEMA, status, "status")
    for broken in (
        {},
        {**status, "mode": "offline"},
        {**status, "dials": -1},
        {**status, "redis_connected": 1},
        {**status, "more": 1},
        {**status, "incident": {}},
    ):
        with pytest.raises(vectors.DifferenceError):
            vectors.validate(vectors.SCHEMA, broken, "status")
