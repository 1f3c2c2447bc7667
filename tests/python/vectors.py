"""The vectors, run against the package `outlast`. `tests/vectors/README.md` describes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import outlast

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
FILES = (
    "classify.json",
    "policy.json",
    "rules.json",
    "backoff.json",
    "throttle.json",
    "freshness.json",
    "rate_limit.json",
    "engine.json",
    "store.json",
    "simulate.json",
    "status.json",
    "log.json",
)


class Vector(NamedTuple):
    """One case, and the section that it stands in."""

    section: str
    name: str
    case: dict[str, Any]


class DifferenceError(AssertionError):
    """An answer is not what a vector expects; the message begins with the path."""


def load(file: str) -> Any:
    """The content of a file of the folder."""
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


def vectors() -> Iterator[Vector]:
    """Every vector of every file."""
    for file in FILES:
        sections = {name: cases for name, cases in load(file).items() if name != "about"}
        if not any(sections.values()):
            raise ValueError(f"{file} holds no case")
        for section, cases in sections.items():
            for place, case in enumerate(cases):
                own = f"{section}[{place}]" if file == "classify.json" else case["name"]
                yield Vector(f"{file}/{section}", f"{file}: {own}", case)


def check(vector: Vector) -> None:
    """Runs one vector."""
    if vector.section not in SECTIONS:
        raise DifferenceError(f"unknown section {vector.section}")
    SECTIONS[vector.section](vector.case)


# The kinds of cases.


def check_classified(case: dict, answer: dict) -> None:
    """One answer for every case of a kind; no kind is the unknown one."""
    kind = case["kind"] or "unknown_error"
    same(kind, answer["kind"], "kind")
    for field in ("verdict", "schedule", "words"):
        if not isinstance(answer[field], str) or not answer[field]:
            raise DifferenceError(f"{field}: expected a text, got {answer[field]!r}")
    same(ANSWERS.setdefault(kind, answer), answer, "expect")


ANSWERS: dict[str, dict] = {}


def check_allowed(case: dict) -> None:
    same(case["expect"], outlast.policy(case["options"]), "expect", subset=True)


def check_policy(case: dict) -> None:
    check_call(case, lambda: outlast.policy(case["options"]))


def check_knobs(case: dict) -> None:
    knobs = [dict(knob) for knob in outlast.knobs()]
    for knob in knobs:
        meaning = knob.pop("meaning")
        if not isinstance(meaning, str) or not meaning:
            raise DifferenceError(f"{knob['name']} has no meaning")
    same(case["expect"], knobs, "expect")


def check_schedule(case: dict) -> None:
    def call() -> list[dict]:
        return outlast.backoff_schedule(
            case["options"], case["attempts"], case["seed"], case["schedule"]
        )

    if "expect_delays_ms" not in case:
        check_call(case, call)
        return
    rows = call()
    same(case["expect_delays_ms"], [row["delay_ms"] for row in rows], "expect_delays_ms")
    for place, row in enumerate(rows):
        inside = row["low_ms"] <= row["jittered_ms"] <= row["high_ms"]
        if row["attempt"] != place + 1 or not inside:
            raise DifferenceError(f"rows[{place}]: {row}")


def check_classes(case: dict) -> None:
    def check_row(row: dict) -> None:
        same(row["expect"], outlast.class_of(case["options"], row["key"]), "expect")

    each_row(case, "keys", check_row)


def check_decisions(case: dict) -> None:
    def check_row(row: dict) -> None:
        same(row["expect"], outlast.decide(case["options"], row["args"]), "expect")

    each_row(case, "commands", check_row)


def check_freshness(case: dict) -> None:
    check_call(case, lambda: outlast.freshness(case["found"]))


def check_rate_limit(case: dict) -> None:
    check_call(case, lambda: outlast.rate_limits(case["limit"], case["requests"]))


def check_throttle(case: dict) -> None:
    throttle = outlast.Throttle(case["interval_ms"])
    each_step(case, lambda step: check_throttle_step(throttle, step))


def check_throttle_step(throttle: outlast.Throttle, step: dict) -> None:
    if "every_ms" in step:
        check_throttle_run(throttle, step)
    elif "count" in step:
        throttle.count(step["count"])
    elif "failure" in step:
        same(step["expect"], throttle.failure(step["at_ms"], step["failure"]), "expect")
    elif "summary" in step:
        same(step["expect"], throttle.summary(step["at_ms"]), "expect")
    elif "due" in step:
        same(step["due"], throttle.due(), "due")
    elif "since_line" in step:
        same(step["since_line"], throttle.since_line(), "since_line")
    else:
        raise DifferenceError(f"unknown step {step}")


def check_throttle_run(throttle: outlast.Throttle, step: dict) -> None:
    """The same failure again and again, with a line now and then."""
    told = dict.fromkeys(("dials_failed", "commands_failed", "served_locally", "refused"), 0)
    times = []
    for now in range(step["at_ms"], step["until_ms"], step["every_ms"]):
        throttle.count(step["each"])
        counts = throttle.failure(now, step["failure"])
        if counts is not None:
            times.append(now)
            for field in told:
                told[field] += counts[field]
    first, last = (times[0], times[-1]) if times else (None, None)
    actual = {"lines": len(times), "told": told, "first_ms": first, "last_ms": last}
    same(step["expect"], actual, "expect")


class Host:
    """An engine and when it wants to be woken."""

    def __init__(self, case: dict) -> None:
        self.engine = outlast.Engine(case["options"], case["endpoint"], case["seed"])
        self.timeout: int | None = None

    def handle(self, at_ms: int, given: dict) -> list[dict]:
        """Hands in one input and keeps the timeout, the last output."""
        outputs = self.engine.handle(at_ms, given)
        if not outputs or outputs[-1]["type"] != "timeout":
            raise DifferenceError(f"the last output is no timeout: {outputs}")
        self.timeout = outputs[-1]["at_ms"]
        return outputs


def check_engine(case: dict) -> None:
    host = Host(case)
    each_step(case, lambda step: check_engine_step(host, step))


def check_engine_step(host: Host, step: dict) -> None:
    if "drive" in step:
        check_drive(host, step)
    elif "status" in step:
        status = host.engine.status(step["at_ms"])
        validate(SCHEMA, status, "status")
        same(step["status"], status, "status", subset=True)
    elif "input" in step:
        same(step["expect"], host.handle(step["at_ms"], step["input"]), "expect")
    else:
        raise DifferenceError(f"unknown step {step}")


def check_drive(host: Host, step: dict) -> None:
    """Plays a host whose dials all fail."""
    drive = step["drive"]
    dials: list[int] = []
    others: list[dict] = []
    ends: int | None = None
    dial = 0
    while True:
        dial_ends = ends is not None and (host.timeout is None or ends <= host.timeout)
        now = ends if dial_ends else host.timeout
        if now is None or now > drive["until_ms"]:
            break
        given: dict[str, Any] = {"type": "timer"}
        if dial_ends:
            given = {"type": "dial_failed", "dial": dial, "failure": drive["failure"]}
            ends = None
        for output in host.handle(now, given):
            if output["type"] == "dial":
                dials.append(now)
                ends, dial = now + drive["dial_takes_ms"], output["dial"]
            elif output["type"] != "timeout":
                others.append({"at_ms": now, "output": output})
    same(step["expect_dials_ms"], dials, "expect_dials_ms")
    same(step["expect"], others, "expect")


def check_store(case: dict) -> None:
    store = outlast.Store(case["bytes_max"])

    def check_step(step: dict) -> None:
        optional = {key: step[key] for key in ("journalled",) if key in step}
        reply = store.execute(step["at_ms"], step["args"], **optional)
        same(step["expect"], reply, "expect")

    each_step(case, check_step)


def check_simulation(case: dict) -> None:
    def call() -> dict:
        return outlast.simulate(case["options"], case["scenario"])

    if "expect" not in case:
        check_call(case, call)
        return
    trace = call()
    for snapshot in trace["status"]:
        validate(SCHEMA, snapshot["status"], "status")
    for field, expected in case["expect"].items():
        if field not in FIGURES:
            raise DifferenceError(f"unknown figure {field}")
        same(expected, FIGURES[field](trace, expected), field, subset=field == "last_status")


def check_fleet(case: dict) -> None:
    def call() -> dict:
        return outlast.simulate_fleet(case["options"], case["scenario"], case["clients"])

    check_call(case, call)


def check_status(case: dict) -> None:
    def call() -> dict:
        status = outlast.parse_status(case["text"])
        validate(SCHEMA, status, "status")
        return status

    check_call(case, call)


def check_entry(case: dict) -> None:
    entry = outlast.log_entry(case["incident"], case["endpoint"], case["service"])
    same(case["expect"], entry.split("\n"), "expect")
    checked = outlast.check_log(entry)
    same([], checked["faults"], "faults")
    same(entry, checked["corrected"], "corrected")


def check_log(case: dict) -> None:
    found = outlast.check_log("\n".join(case["text"]))
    same(case["expect"], {**found, "corrected": found["corrected"].split("\n")}, "expect")


def line_of(line: dict) -> list:
    return [line["at_ms"], line["record"]["level"], line["record"]["code"]]


# What a trace says under each name.
FIGURES: dict[str, Callable[[dict, Any], Any]] = {
    "dials": lambda trace, _: len(trace["dials"]),
    "dials_failed": lambda trace, _: sum(d["failure"] is not None for d in trace["dials"]),
    "dial_times_ms": lambda trace, _: [dial["at_ms"] for dial in trace["dials"]],
    "dials_from": lambda trace, expected: {
        "at": expected["at"],
        "rows": trace["dials"][expected["at"] :][: len(expected["rows"])],
    },
    "lines": lambda trace, _: [line_of(line) for line in trace["lines"]],
    "warnings": lambda trace, _: sum(
        line["record"]["level"] == "warning" for line in trace["lines"]
    ),
    "messages": lambda trace, _: [line["record"]["message"] for line in trace["lines"]],
    "modes": lambda trace, _: [[s["at_ms"], s["status"]["mode"]] for s in trace["status"]],
    "return_ms": lambda trace, _: trace["return_ms"],
    "last_status": lambda trace, _: trace["status"][-1]["status"],
}

SECTIONS: dict[str, Callable[[dict], None]] = {
    "classify.json/text": lambda case: check_classified(case, outlast.classify(case["text"])),
    "classify.json/reply": lambda case: check_classified(
        case, outlast.classify_reply(case["reply"])
    ),
    "classify.json/errno": lambda case: check_classified(
        case, outlast.classify({"errno": case["errno"], "phase": case["phase"]})
    ),
    "classify.json/evidence": lambda case: check_classified(
        case, outlast.classify(case["evidence"])
    ),
    "policy.json/defaults": check_policy,
    "policy.json/allowed": check_allowed,
    "policy.json/refused": check_policy,
    "policy.json/knobs": check_knobs,
    "rules.json/refused": check_policy,
    "rules.json/allowed": check_allowed,
    "rules.json/classes": check_classes,
    "rules.json/decisions": check_decisions,
    "backoff.json/schedules": check_schedule,
    "throttle.json/scripts": check_throttle,
    "freshness.json/values": check_freshness,
    "rate_limit.json/scripts": check_rate_limit,
    "engine.json/scripts": check_engine,
    "store.json/scripts": check_store,
    "simulate.json/cases": check_simulation,
    "simulate.json/fleets": check_fleet,
    "status.json/valid": check_status,
    "status.json/broken": check_status,
    "log.json/entries": check_entry,
    "log.json/checks": check_log,
}


# What is the same for all.


def each_step(case: dict, check_step: Callable[[dict], None]) -> None:
    """Runs the steps of a script up to the first that fails."""
    each_row(case, "steps", check_step)


def each_row(case: dict, name: str, check_row: Callable[[dict], None]) -> None:
    """Checks the rows of a list up to the first that fails."""
    for place, row in enumerate(case[name]):
        try:
            check_row(row)
        except DifferenceError as error:
            raise DifferenceError(f"{name}[{place}].{error}") from None


def check_call(case: dict, call: Callable[[], Any]) -> None:
    """Compares an answer with `expect`, or an error with `error` or `error_contains`."""
    try:
        answer = call()
    except DifferenceError:
        raise
    except Exception as error:
        if "error_contains" in case and case["error_contains"] in str(error):
            return
        if "error" in case:
            same(case["error"], str(error), "error")
            return
        raise
    if "expect" not in case:
        raise DifferenceError(f"expected an error, got {answer}")
    same(case["expect"], answer, "expect")


def same(expected: Any, actual: Any, path: str, *, subset: bool = False) -> None:
    """Raises at the first difference; in a subset, fields that are not expected do not count."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in actual:
            if key not in expected and not subset:
                raise DifferenceError(f"{path}.{key}: not expected, got {actual[key]!r}")
        for key, value in expected.items():
            if key not in actual:
                raise DifferenceError(f"{path}.{key}: expected {value!r}, got nothing")
            same(value, actual[key], f"{path}.{key}", subset=subset)
    elif isinstance(expected, list) and isinstance(actual, (list, tuple)):
        for place, (left, right) in enumerate(zip(expected, actual)):
            same(left, right, f"{path}[{place}]", subset=subset)
        if len(expected) != len(actual):
            raise DifferenceError(f"{path}: expected {len(expected)} elements, got {len(actual)}")
    elif is_number(expected) and is_number(actual):
        if abs(expected - actual) > 1e-6:
            raise DifferenceError(f"{path}: expected {expected!r}, got {actual!r}")
    elif type(expected) is not type(actual) or expected != actual:
        raise DifferenceError(f"{path}: expected {expected!r}, got {actual!r}")


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


SCHEMA: dict = load("status.schema.json")

# The keywords of a schema that constrain nothing.
WORDS = {"$schema", "$defs", "title", "description"}

TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and value == int(value),
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def validate(schema: dict, value: Any, path: str) -> None:
    """Raises where a value breaks a schema, of the keywords that the README lists."""
    for keyword, rule in schema.items():
        if keyword in WORDS:
            continue
        if keyword not in KEYWORDS:
            raise DifferenceError(f"{path}: unknown keyword {keyword}")
        KEYWORDS[keyword](rule, value, path, schema)


def keyword_ref(rule: str, value: Any, path: str, _: dict) -> None:
    target = SCHEMA
    for name in rule.removeprefix("#/").split("/"):
        target = target[name]
    validate(target, value, path)


def keyword_type(rule: Any, value: Any, path: str, _: dict) -> None:
    names = [rule] if isinstance(rule, str) else rule
    if not any(TYPES[name](value) for name in names):
        raise DifferenceError(f"{path}: {rule}, got {value!r}")


def keyword_enum(rule: list, value: Any, path: str, _: dict) -> None:
    if not any(type(one) is type(value) and one == value for one in rule):
        raise DifferenceError(f"{path}: {rule}, got {value!r}")


def keyword_const(rule: Any, value: Any, path: str, _: dict) -> None:
    keyword_enum([rule], value, path, {})


def keyword_minimum(rule: float, value: Any, path: str, _: dict) -> None:
    if is_number(value) and value < rule:
        raise DifferenceError(f"{path}: at least {rule}, got {value!r}")


def keyword_required(rule: list[str], value: Any, path: str, _: dict) -> None:
    for name in rule:
        if isinstance(value, dict) and name not in value:
            raise DifferenceError(f"{path}: {name} is required, got {value!r}")


def keyword_properties(rule: dict, value: Any, path: str, _: dict) -> None:
    if isinstance(value, dict):
        for name in value.keys() & rule.keys():
            validate(rule[name], value[name], f"{path}.{name}")


def keyword_additional(rule: Any, value: Any, path: str, schema: dict) -> None:
    if rule is not False:
        raise DifferenceError(f"{path}: only false is known for additionalProperties")
    if isinstance(value, dict):
        for name in value.keys() - schema["properties"].keys():
            raise DifferenceError(f"{path}: {name} is not known, got {value!r}")


def keyword_items(rule: dict, value: Any, path: str, _: dict) -> None:
    if isinstance(value, list):
        for place, item in enumerate(value):
            validate(rule, item, f"{path}[{place}]")


KEYWORDS: dict[str, Callable[[Any, Any, str, dict], None]] = {
    "$ref": keyword_ref,
    "type": keyword_type,
    "enum": keyword_enum,
    "const": keyword_const,
    "minimum": keyword_minimum,
    "required": keyword_required,
    "properties": keyword_properties,
    "additionalProperties": keyword_additional,
    "items": keyword_items,
}
