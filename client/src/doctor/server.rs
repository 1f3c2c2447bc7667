//! What a server tells of itself, once a client is logged in.

use std::time::Instant;

use outlast_core::classify::classify_reply;
use outlast_core::{Failure, FailureKind, Value, Verdict};

use super::report::milliseconds;
use super::{Outcome, Report, timed};
use crate::dial::{Deadline, Link};
use crate::host::Clock;

/// PINGs that are timed.
const PINGS: usize = 20;

/// Asks for everything, until a step fails.
pub(super) async fn ask(link: &mut Link, report: &mut Report, deadline: Deadline) {
    let pong = |_: &Value| "the server answers".to_string();
    let pinged = checked(link, &["PING"], deadline);
    if report.step("ping", pinged, pong).await.is_none() {
        return;
    }
    for (name, command, read) in QUESTIONS {
        let clock = Clock::new();
        let began = Instant::now();
        let (result, took) = timed(checked(link, command, deadline)).await;
        match result {
            Ok(reply) => {
                // The server looked at its clock in the middle of it.
                let middle_ms = clock.at(began + took / 2).as_ms();
                let told = read(report, &reply, middle_ms);
                let outcome = if told.is_some() { Outcome::Ok } else { Outcome::Unknown };
                let detail = told.unwrap_or_else(|| "the server's answer does not tell".into());
                report.note(name, outcome, took, &detail);
            }
            // That the user may not ask keeps no command from Redis.
            Err(failure) if failure.verdict() == Verdict::Command => {
                report.note(name, Outcome::Unknown, took, &failure.text);
            }
            Err(failure) => {
                report
                    .step(name, std::future::ready(Err::<(), _>(failure)), |()| String::new())
                    .await;
                return;
            }
        }
    }
    let measured = latencies(link, deadline);
    let shown = |[min, median, max]: &[f64; 3]| {
        format!("{PINGS} PINGs: min {min:.2}, median {median:.2}, max {max:.2} ms")
    };
    if let Some([min, median, max]) = report.step("latency", measured, shown).await {
        report.server.latency_ms_min = Some(min);
        report.server.latency_ms_median = Some(median);
        report.server.latency_ms_max = Some(max);
    }
}

/// Reads a reply into the report, and words it.
type Read = fn(&mut Report, &Value, u64) -> Option<String>;

const QUESTIONS: [(&str, &[&str], Read); 3] = [
    ("version", &["INFO", "server"], read_version),
    ("role", &["ROLE"], read_role),
    ("clock", &["TIME"], read_clock),
];

fn read_version(report: &mut Report, reply: &Value, _: u64) -> Option<String> {
    let info = text_of(reply)?;
    let line = |name: &str| {
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(|value| value.trim().to_string())
    };
    let version = line("redis_version")?;
    report.server.version = Some(version.clone());
    // Valkey and others call themselves so, and keep `redis_version` for clients.
    let detail = match (line("server_name"), line("valkey_version")) {
        (Some(name), Some(own)) => format!("{name} {own}, as Redis {version}"),
        _ => format!("Redis {version}"),
    };
    Some(detail)
}

fn read_role(report: &mut Report, reply: &Value, _: u64) -> Option<String> {
    let Value::Array(parts) = reply else {
        return None;
    };
    let role = parts.first().and_then(text_of)?;
    report.server.role = Some(role.clone());
    Some(match (role.as_str(), parts.get(1), parts.get(2), parts.get(3)) {
        ("slave", Some(host), Some(Value::Integer(port)), Some(link)) => {
            let host = text_of(host).unwrap_or_default();
            let link = text_of(link).unwrap_or_default();
            format!("replica of {host}:{port}, link {link}: it refuses writes unless configured so")
        }
        ("master", _, Some(Value::Array(replicas)), _) => {
            format!("master, {} replicas", replicas.len())
        }
        _ => role,
    })
}

fn read_clock(report: &mut Report, reply: &Value, middle_ms: u64) -> Option<String> {
    let Value::Array(parts) = reply else {
        return None;
    };
    let number = |place: usize| parts.get(place).and_then(text_of)?.parse::<i64>().ok();
    let server_ms = number(0)?.checked_mul(1_000)?.checked_add(number(1)? / 1_000)?;
    let skew_ms = server_ms.checked_sub(i64::try_from(middle_ms).ok()?)?;
    report.server.clock_skew_ms = Some(skew_ms);
    let detail = match skew_ms {
        0 => "the same as here, to the millisecond".to_string(),
        1.. => format!("{skew_ms} ms ahead of this machine"),
        _ => format!("{} ms behind this machine", skew_ms.unsigned_abs()),
    };
    Some(detail)
}

/// Milliseconds of the quickest PING, of the one in the middle and of the slowest.
async fn latencies(link: &mut Link, deadline: Deadline) -> Result<[f64; 3], Failure> {
    let mut took = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let (result, one) = timed(checked(link, &["PING"], deadline)).await;
        result?;
        took.push(one);
    }
    took.sort_unstable();
    let at = |place: usize| milliseconds(took.get(place).copied().unwrap_or_default());
    Ok([at(0), at(PINGS / 2), at(PINGS - 1)])
}

/// Runs one command; an error reply is a failure.
async fn checked(link: &mut Link, command: &[&str], deadline: Deadline) -> Result<Value, Failure> {
    let commands = [command.to_vec()];
    let asked = link.exchange(&commands);
    let answered = deadline.within("no reply came", asked).await.map_err(|mut failure| {
        if failure.kind == FailureKind::ConnectTimeout {
            failure.kind = FailureKind::ResponseTimeout;
        }
        failure
    });
    let reply = answered?.into_iter().next().unwrap_or(Value::Nil);
    if let Some(message) = reply.as_error() {
        return Err(Failure::new(classify_reply(message), message));
    }
    Ok(reply)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Bulk(bytes) | Value::Verbatim { text: bytes, .. } => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        Value::Simple(text) => Some(text.clone()),
        _ => None,
    }
}
