//! The vectors, run against the core. `tests/vectors/README.md` describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;

use outlast_core::classify::{classify_errno, classify_reply};
use outlast_core::incident::Incident;
use outlast_core::inspect::{self, Classification};
use outlast_core::policy::{KNOBS, Policy};
use outlast_core::production_log;
use outlast_core::sim::{Scenario, fleet, simulate};
use outlast_core::store::{Refusal, Store};
use outlast_core::throttle::{Counts, Throttle};
use outlast_core::{Engine, FailureKind, Input, Output, Status, Timestamp, Value as Reply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Nothing, or the path and the kind of the first difference.
type Check = Result<(), String>;

/// A section of a file and what its cases are checked with.
type Section = (&'static str, fn(&Value) -> Check);

#[test]
fn classify() {
    run(
        "classify.json",
        &[
            ("text", |case| classified(case, &case["text"])),
            ("reply", |case| {
                let kind = classify_reply(text(&case["reply"]));
                same(&json!({"kind": case["kind"]}), &json!({"kind": kind}), "reply")
            }),
            ("errno", |case| {
                let phase = read(&case["phase"], "phase")?;
                let errno = read(&case["errno"], "errno")?;
                let kind = classify_errno(errno, phase);
                same(&case["kind"], &plain(&kind), "classify_errno")?;
                let kind = kind.unwrap_or(FailureKind::UnknownError);
                let evidence = json!({"errno": case["errno"], "phase": case["phase"]});
                classified(&json!({ "kind": kind }), &evidence)
            }),
            ("evidence", |case| classified(case, &case["evidence"])),
        ],
    );
}

#[test]
fn policy() {
    run(
        "policy.json",
        &[
            ("defaults", |case| exact_or_error(case, policy_of(case).map(|policy| plain(&policy)))),
            ("allowed", |case| match policy_of(case) {
                Ok(policy) => subset(&case["expect"], &plain(&policy), "expect"),
                Err(message) => Err(message),
            }),
            ("refused", |case| exact_or_error(case, policy_of(case).map(|policy| plain(&policy)))),
            ("knobs", |case| {
                let mut knobs = plain(&KNOBS);
                for knob in knobs.as_array_mut().into_iter().flatten() {
                    let meaning = knob.as_object_mut().and_then(|knob| knob.remove("meaning"));
                    if meaning.is_none_or(|meaning| text(&meaning).is_empty()) {
                        return Err(format!("{knob} has no meaning"));
                    }
                }
                same(&case["expect"], &knobs, "expect")
            }),
        ],
    );
}

#[test]
fn rules() {
    run(
        "rules.json",
        &[
            ("refused", |case| exact_or_error(case, policy_of(case).map(|policy| plain(&policy)))),
            ("allowed", |case| subset(&case["expect"], &plain(&policy_of(case)?), "expect")),
            ("classes", |case| {
                let policy = policy_of(case)?;
                each(&case["keys"], "keys", |row| {
                    let answer = inspect::class_of(&policy, text(&row["key"]).as_bytes());
                    same(&row["expect"], &plain(&answer), "expect")
                })
            }),
            ("decisions", |case| {
                let policy = policy_of(case)?;
                each(&case["commands"], "commands", |row| {
                    let args: Vec<String> = read(&row["args"], "args")?;
                    same(&row["expect"], &plain(&inspect::decide(&policy, &args)), "expect")
                })
            }),
        ],
    );
}

#[test]
fn backoff() {
    run("backoff.json", &[("schedules", check_schedule)]);
}

#[test]
fn throttle() {
    run(
        "throttle.json",
        &[("scripts", |case| {
            let mut throttle = Throttle::new(number(&case["interval_ms"]));
            steps(case, |step| check_throttle_step(&mut throttle, step))
        })],
    );
}

#[test]
fn freshness() {
    let check = |case: &Value| {
        let found = read(&case["found"], "found")?;
        let answer = inspect::freshness(&found).map(|answer| plain(&answer));
        exact_or_error(case, answer.map_err(|error| error.message().to_owned()))
    };
    run("freshness.json", &[("values", check)]);
}

#[test]
fn rate_limit() {
    let check = |case: &Value| {
        let requests: Vec<_> = read(&case["requests"], "requests")?;
        let answer = inspect::rate_limits(&read(&case["limit"], "limit")?, &requests);
        let answer = answer.map(|answer| plain(&answer));
        exact_or_error(case, answer.map_err(|error| error.message().to_owned()))
    };
    run("rate_limit.json", &[("scripts", check)]);
}

#[test]
fn engine() {
    run(
        "engine.json",
        &[("scripts", |case| {
            let endpoint = text(&case["endpoint"]);
            let mut host = Host {
                engine: Engine::new(policy_of(case)?, endpoint, number(&case["seed"])),
                timeout: None,
            };
            steps(case, |step| check_engine_step(&mut host, step))
        })],
    );
}

#[test]
fn store() {
    run(
        "store.json",
        &[("scripts", |case| {
            let bytes_max: usize = read(&case["bytes_max"], "bytes_max")?;
            let store = Store::new(bytes_max);
            steps(case, |step| {
                let args: Vec<String> = read(&step["args"], "args")?;
                let journalled = step["journalled"].as_bool().unwrap_or(true);
                let reply = store.execute(at(step), &args, journalled);
                same(&step["expect"], &answer(reply), "expect")
            })
        })],
    );
}

#[test]
fn simulation() {
    run("simulate.json", &[("cases", check_simulation), ("fleets", check_fleet)]);
}

#[test]
fn status() {
    let parse = |case: &Value| -> Check {
        let parsed = Status::parse(text(&case["text"]));
        let parsed = parsed.map(|status| plain(&status));
        if let Ok(status) = &parsed {
            follows_schema(status)?;
        }
        exact_or_error(case, parsed.map_err(|error| error.to_string()))
    };
    run("status.json", &[("valid", parse), ("broken", parse)]);
}

#[test]
fn log() {
    run("log.json", &[("entries", check_entry), ("checks", check_log)]);
}

/// What tells one failing vector from a passing one is itself tested.
#[test]
fn differences_are_found() {
    let found = |expected: Value, actual: Value| same(&expected, &actual, "").is_err();
    assert!(!found(json!({"a": [1, 2.5]}), json!({"a": [1.0, 2.500_000_1]})));
    assert!(found(json!({"a": 1}), json!({"a": 1, "b": null})));
    assert!(found(json!({"a": 1, "b": null}), json!({"a": 1})));
    assert!(found(json!([1]), json!([1, 2])));
    assert!(found(json!(1), json!(true)));
    assert!(found(json!(1), json!(1.01)));
    assert!(found(json!("1"), json!(1)));
    let message = same(&json!({"a": [0, {"b": 1}]}), &json!({"a": [0, {"b": 2}]}), "x");
    assert_eq!(message.unwrap_err(), "x.a[1].b: expected 1, got 2");
    assert!(subset(&json!({"a": {"b": 1}}), &json!({"a": {"b": 1, "c": 2}}), "").is_ok());
    assert!(subset(&json!({"a": {"d": 1}}), &json!({"a": {"b": 1}}), "").is_err());
    assert!(follows_schema(&json!({})).is_err());
}

/// Runs every case of a file and reports all that fail, by name.
fn run(file: &str, sections: &[Section]) {
    let vectors = load(file);
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for (section, cases) in vectors.as_object().expect("a file holds an object") {
        if section == "about" {
            continue;
        }
        let known = sections.iter().find(|(name, _)| name == section);
        let (_, check) = known.unwrap_or_else(|| panic!("{file}: unknown section {section}"));
        for (place, case) in cases.as_array().expect("a section holds a list").iter().enumerate() {
            let name = match &case["name"] {
                Value::String(name) => name.clone(),
                _ if file == "classify.json" => format!("{section}[{place}]"),
                _ => panic!("{file}: {section}[{place}] has no name"),
            };
            if let Err(message) = check(case) {
                faults.push(format!("{file}: {name}: {message}"));
            }
            assert!(names.insert(name.clone()), "{file}: {name} is there twice");
        }
    }
    assert!(!names.is_empty(), "{file} holds no case");
    let (count, all) = (faults.len(), names.len());
    assert!(count == 0, "{count} of {all} cases fail:\n{}", faults.join("\n"));
}

/// Runs the steps of a script up to the first that fails.
fn steps(case: &Value, check: impl FnMut(&Value) -> Check) -> Check {
    each(&case["steps"], "steps", check)
}

fn each(rows: &Value, name: &str, mut check: impl FnMut(&Value) -> Check) -> Check {
    let rows = rows.as_array().ok_or_else(|| format!("a case without {name}"))?;
    for (place, row) in rows.iter().enumerate() {
        check(row).map_err(|message| format!("{name}[{place}].{message}"))?;
    }
    Ok(())
}

fn classified(case: &Value, evidence: &Value) -> Check {
    let answer = inspect::classify(evidence.clone()).map_err(|error| error.to_string())?;
    let kind: FailureKind = read(&case["kind"], "kind")?;
    same(&plain(&Classification::from(kind)), &plain(&answer), "expect")
}

fn policy_of(case: &Value) -> Result<Policy, String> {
    let options = case["options"].as_object().ok_or("a case without options")?;
    inspect::policy(options).map_err(|error| error.to_string())
}

fn check_schedule(case: &Value) -> Check {
    let rows = policy_of(case).and_then(|policy| {
        let attempts = read(&case["attempts"], "attempts")?;
        let (seed, schedule) = (number(&case["seed"]), text(&case["schedule"]));
        inspect::backoff_schedule(&policy, attempts, seed, schedule)
            .map(|rows| plain(&rows))
            .map_err(|error| error.to_string())
    });
    let Some(delays) = case.get("expect_delays_ms") else {
        return exact_or_error(case, rows);
    };
    let rows = rows?;
    let rows = rows.as_array().ok_or("no list")?;
    let actual: Vec<&Value> = rows.iter().map(|row| &row["delay_ms"]).collect();
    same(delays, &plain(&actual), "expect_delays_ms")?;
    for (place, row) in rows.iter().enumerate() {
        let [low, drawn, high] =
            ["low_ms", "jittered_ms", "high_ms"].map(|field| number(&row[field]));
        if row["attempt"] != json!(place + 1) || !(low..=high).contains(&drawn) {
            return Err(format!("rows[{place}]: {row}"));
        }
    }
    Ok(())
}

fn check_throttle_step(throttle: &mut Throttle, step: &Value) -> Check {
    if step.get("every_ms").is_some() {
        return check_throttle_run(throttle, step);
    }
    if let Some(counts) = step.get("count") {
        throttle.count(read(counts, "count")?);
    } else if let Some(kind) = step.get("failure") {
        let counts = throttle.failure(at(step), read(kind, "failure")?);
        same(&step["expect"], &plain(&counts), "expect")?;
    } else if step.get("summary").is_some() {
        same(&step["expect"], &plain(&throttle.summary(at(step))), "expect")?;
    } else if let Some(due) = step.get("due") {
        same(due, &plain(&throttle.due()), "due")?;
    } else if let Some(counts) = step.get("since_line") {
        same(counts, &plain(&throttle.since_line()), "since_line")?;
    } else {
        return Err(format!("unknown step {step}"));
    }
    Ok(())
}

/// The same failure again and again, with a line now and then.
fn check_throttle_run(throttle: &mut Throttle, step: &Value) -> Check {
    let each: Counts = read(&step["each"], "each")?;
    let kind = read(&step["failure"], "failure")?;
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut times = Vec::new();
    let mut now = at(step);
    while now.as_ms() < number(&step["until_ms"]) {
        throttle.count(each);
        if let Some(counts) = throttle.failure(now, kind) {
            times.push(now);
            let counts: BTreeMap<String, u64> = read(&plain(&counts), "counts")?;
            for (field, count) in counts {
                *told.entry(field).or_default() += count;
            }
        }
        now = now.plus_ms(number(&step["every_ms"]));
    }
    let (first, last) = (times.first(), times.last());
    let actual = json!({"lines": times.len(), "told": told, "first_ms": first, "last_ms": last});
    same(&step["expect"], &actual, "expect")
}

/// An engine and when it wants to be woken.
struct Host {
    engine: Engine,
    timeout: Option<Timestamp>,
}

impl Host {
    /// Hands in one input and takes the outputs, of which the last is the timeout.
    fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        self.engine.handle(now, input);
        let mut outputs = Vec::new();
        loop {
            let output = self.engine.poll_output();
            outputs.push(output.clone());
            if let Output::Timeout { at_ms } = output {
                self.timeout = at_ms;
                return outputs;
            }
        }
    }
}

fn check_engine_step(host: &mut Host, step: &Value) -> Check {
    if let Some(drive) = step.get("drive") {
        check_drive(host, drive, step)
    } else if let Some(expected) = step.get("status") {
        let status = plain(&host.engine.status(at(step)));
        follows_schema(&status)?;
        subset(expected, &status, "status")
    } else if let Some(input) = step.get("input") {
        let outputs = host.handle(at(step), read(input, "input")?);
        same(&step["expect"], &plain(&outputs), "expect")
    } else {
        Err(format!("unknown step {step}"))
    }
}

/// Plays a host whose dials all fail.
fn check_drive(host: &mut Host, drive: &Value, step: &Value) -> Check {
    let until = Timestamp::from_ms(number(&drive["until_ms"]));
    let (mut dials, mut others) = (Vec::new(), Vec::new());
    let mut ends: Option<(Timestamp, u64)> = None;
    loop {
        let timer = host.timeout.filter(|at| ends.is_none_or(|(end, _)| *at < end));
        let Some(now) = timer.or_else(|| ends.map(|(end, _)| end)).filter(|now| *now <= until)
        else {
            break;
        };
        let input = match ends.take_if(|_| timer.is_none()) {
            Some((_, dial)) => {
                Input::DialFailed { dial, failure: read(&drive["failure"], "failure")? }
            }
            None => Input::Timer,
        };
        for output in host.handle(now, input) {
            if let Output::Dial { dial, .. } = output {
                dials.push(now);
                ends = Some((now.plus_ms(number(&drive["dial_takes_ms"])), dial));
            } else if !matches!(output, Output::Timeout { .. }) {
                others.push(json!({"at_ms": now, "output": output}));
            }
        }
    }
    same(&step["expect_dials_ms"], &plain(&dials), "expect_dials_ms")?;
    same(&step["expect"], &plain(&others), "expect")
}

fn check_entry(case: &Value) -> Check {
    let incident: Incident = read(&case["incident"], "incident")?;
    let entry = production_log::entry(&incident, text(&case["endpoint"]), text(&case["service"]));
    same(&case["expect"], &plain(&entry.split('\n').collect::<Vec<_>>()), "expect")?;
    let checked = production_log::check(&entry);
    same(&json!([]), &plain(&checked.faults), "faults")?;
    same(&json!(entry), &json!(checked.corrected), "corrected")
}

fn check_log(case: &Value) -> Check {
    let lines: Vec<String> = read(&case["text"], "text")?;
    let checked = production_log::check(&lines.join("\n"));
    let mut found = plain(&checked);
    found["corrected"] = plain(&checked.corrected.split('\n').collect::<Vec<_>>());
    same(&case["expect"], &found, "expect")
}

fn check_simulation(case: &Value) -> Check {
    let scenario: Scenario = read(&case["scenario"], "scenario")?;
    let trace = policy_of(case).and_then(|policy| {
        simulate(&policy, &scenario).map(|trace| plain(&trace)).map_err(|error| error.to_string())
    });
    let Some(expected) = case["expect"].as_object() else {
        return exact_or_error(case, trace);
    };
    let trace = trace?;
    for snapshot in trace["status"].as_array().into_iter().flatten() {
        follows_schema(&snapshot["status"])?;
    }
    for (field, expected) in expected {
        if field == "last_status" {
            let statuses = trace["status"].as_array().ok_or("no statuses")?;
            subset(expected, &statuses.last().ok_or("no status")?["status"], field)?;
        } else {
            same(expected, &figure(&trace, field, expected)?, field)?;
        }
    }
    Ok(())
}

fn check_fleet(case: &Value) -> Check {
    let scenario: Scenario = read(&case["scenario"], "scenario")?;
    let clients: u64 = read(&case["clients"], "clients")?;
    let fleet = policy_of(case).and_then(|policy| {
        let fleet = fleet(&policy, &scenario, clients);
        fleet.map(|fleet| plain(&fleet)).map_err(|error| error.to_string())
    });
    exact_or_error(case, fleet)
}

/// What a trace says under this name.
fn figure(trace: &Value, field: &str, expected: &Value) -> Result<Value, String> {
    let list = |name: &str| trace[name].as_array().cloned().unwrap_or_default();
    let (dials, lines) = (list("dials"), list("lines"));
    Ok(match field {
        "dials" => json!(dials.len()),
        "dials_failed" => json!(dials.iter().filter(|dial| !dial["failure"].is_null()).count()),
        "dial_times_ms" => dials.iter().map(|dial| dial["at_ms"].clone()).collect(),
        "dials_from" => {
            let from: usize = read(&expected["at"], "at")?;
            let rows = expected["rows"].as_array().ok_or("no rows")?.len();
            let rows: Vec<_> = dials.iter().skip(from).take(rows).collect();
            json!({"at": from, "rows": rows})
        }
        "lines" => lines
            .iter()
            .map(|line| json!([line["at_ms"], line["record"]["level"], line["record"]["code"]]))
            .collect(),
        "warnings" => {
            let is_warning = |line: &&Value| line["record"]["level"] == "warning";
            json!(lines.iter().filter(is_warning).count())
        }
        "messages" => lines.iter().map(|line| line["record"]["message"].clone()).collect(),
        "modes" => list("status")
            .iter()
            .map(|snapshot| json!([snapshot["at_ms"], snapshot["status"]["mode"]]))
            .collect(),
        "return_ms" => trace["return_ms"].clone(),
        _ => return Err(format!("unknown figure {field}")),
    })
}

/// A reply of the store as vectors write it.
fn answer(reply: Result<Reply, Refusal>) -> Value {
    match reply {
        Err(Refusal::Full) => json!({"refused": "full"}),
        Err(_) => json!({"refused": "unsupported"}),
        Ok(Reply::Nil | Reply::NilArray) => json!({"nil": true}),
        Ok(Reply::Simple(text)) => json!({ "simple": text }),
        Ok(Reply::Error(text)) => json!({ "error": text }),
        Ok(Reply::Integer(number)) => json!({ "integer": number }),
        Ok(Reply::Bulk(bytes)) => json!({"bulk": String::from_utf8_lossy(&bytes)}),
        Ok(Reply::Array(replies)) => {
            let replies: Vec<Value> = replies.into_iter().map(|reply| answer(Ok(reply))).collect();
            json!({ "array": replies })
        }
        Ok(other) => panic!("the store never answers {other:?}"),
    }
}

/// Compares with `expect`, or an error with `error` or `error_contains`.
fn exact_or_error(case: &Value, actual: Result<Value, String>) -> Check {
    match (actual, case.get("error"), case.get("error_contains")) {
        (Ok(actual), None, None) => same(&case["expect"], &actual, "expect"),
        (Err(message), Some(expected), None) => same(expected, &json!(message), "error"),
        (Err(message), None, Some(part)) if message.contains(text(part)) => Ok(()),
        (actual, ..) => Err(format!("not as expected: {actual:?}")),
    }
}

/// The first difference of two values.
fn same(expected: &Value, actual: &Value, path: &str) -> Check {
    differ(expected, actual, path, false)
}

/// The first difference in the fields that are expected.
fn subset(expected: &Value, actual: &Value, path: &str) -> Check {
    differ(expected, actual, path, true)
}

fn differ(expected: &Value, actual: &Value, path: &str, subset: bool) -> Check {
    match (expected, actual) {
        (Value::Object(left), Value::Object(right)) => {
            let extra = right.keys().find(|key| !subset && !left.contains_key(*key));
            if let Some(key) = extra {
                return Err(format!("{path}.{key}: not expected, got {}", right[key]));
            }
            for (key, left) in left {
                let right = right
                    .get(key)
                    .ok_or_else(|| format!("{path}.{key}: expected {left}, got nothing"))?;
                differ(left, right, &format!("{path}.{key}"), subset)?;
            }
            Ok(())
        }
        (Value::Array(left), Value::Array(right)) => {
            for (place, (left, right)) in left.iter().zip(right).enumerate() {
                differ(left, right, &format!("{path}[{place}]"), subset)?;
            }
            let (left, right) = (left.len(), right.len());
            let message = || format!("{path}: expected {left} elements, got {right}");
            (left == right).then_some(()).ok_or_else(message)
        }
        (Value::Number(left), Value::Number(right)) if left != right => {
            let (left, right) = (left.as_f64(), right.as_f64());
            let near = left.zip(right).is_some_and(|(a, b)| (a - b).abs() <= 1e-6);
            let message = || format!("{path}: expected {expected}, got {actual}");
            near.then_some(()).ok_or_else(message)
        }
        _ if expected == actual => Ok(()),
        _ => Err(format!("{path}: expected {expected}, got {actual}")),
    }
}

/// Checks a status against `status.schema.json`.
fn follows_schema(status: &Value) -> Check {
    let schema = load("status.schema.json");
    validate(&schema, &schema, status, "status")
}

fn validate(root: &Value, schema: &Value, value: &Value, path: &str) -> Check {
    let fault = |what: &dyn Display| Err(format!("{path}: {what}, got {value}"));
    for (keyword, rule) in schema.as_object().ok_or("a schema is an object")? {
        match keyword.as_str() {
            "$ref" => {
                let target = root.pointer(text(rule).trim_start_matches('#'));
                validate(root, target.ok_or("a $ref leads nowhere")?, value, path)?;
            }
            "type" if !types(rule).any(|name| is_type(value, name)) => return fault(rule),
            "enum" if !rule.as_array().is_some_and(|all| all.contains(value)) => {
                return fault(rule);
            }
            "const" if rule != value => return fault(rule),
            "minimum" if value.as_f64() < rule.as_f64() && value.is_number() => return fault(rule),
            "required" => {
                for name in rule.as_array().into_iter().flatten().map(text) {
                    if value.is_object() && value.get(name).is_none() {
                        return fault(&format!("{name} is required"));
                    }
                }
            }
            "properties" | "additionalProperties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    match schema["properties"].get(name) {
                        Some(rule) => validate(root, rule, value, &format!("{path}.{name}"))?,
                        None if schema["additionalProperties"] == false => {
                            return fault(&format!("{name} is not known"));
                        }
                        None => {}
                    }
                }
            }
            "items" => {
                for (place, value) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, value, &format!("{path}[{place}]"))?;
                }
            }
            // What constrains nothing, and what was found to hold above.
            "$schema" | "$defs" | "title" | "description" | "type" | "enum" | "const"
            | "minimum" => {}
            _ => return fault(&format!("unknown keyword {keyword}")),
        }
    }
    Ok(())
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let one = rule.as_str().into_iter();
    one.chain(rule.as_array().into_iter().flatten().map(text))
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("unknown type {name}"),
    }
}

fn load(file: &str) -> Value {
    let path = format!("{}/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read<T: DeserializeOwned>(value: &Value, path: &str) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("{path}: {error}"))
}

fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a plain value")
}

fn at(step: &Value) -> Timestamp {
    Timestamp::from_ms(number(&step["at_ms"]))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
