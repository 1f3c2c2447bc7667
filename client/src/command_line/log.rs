//! The command `outlast log`.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use outlast_core::incident::Incident;
use outlast_core::production_log::{Checked, Statistics, check, entry};
use outlast_core::record::duration;
use outlast_core::{Error, ErrorKind, FailureKind};
use serde_json::Value;

use super::option;
use crate::scribe::append;

/// The exit code for a log that is not as the template has it.
const FAULTS: i32 = 1;
/// What a file may hold: a log of this size has a hundred thousand entries.
const FILE_BYTES_MAX: u64 = 134_217_728;

pub(super) fn command() -> Command {
    let file =
        || Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf));
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Prints JSON");
    Command::new("log")
        .about("Checks, sums up and adds to a production log")
        .after_help("A client writes such a log by itself where its option log_path names a file.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("check")
                .about("Says, line by line, what is not as the template has it")
                .after_help("The exit code is 0 where nothing is wrong, else 1.")
                .args([file(), json()]),
        )
        .subcommand(
            Command::new("stats")
                .about("Entries, open ones and times to recover, by kind of failure")
                .args([file(), json()]),
        )
        .subcommand(
            Command::new("add")
                .about("Appends the entry of an incident")
                .after_help(
                    "The incident is JSON as the field `incident` of a status has it, or a whole \
                     status.",
                )
                .args([
                    file(),
                    option("incident", "FILE", "Where the incident is; - for the standard input")
                        .value_parser(value_parser!(PathBuf))
                        .default_value("-"),
                    option("endpoint", "URL", "Where Redis was, without a password"),
                    option("service", "NAME", "Who saw it"),
                    json(),
                ]),
        )
}

/// Runs the subcommand and gives the exit code.
pub(super) fn run(matches: &ArgMatches) -> Result<i32, Error> {
    match matches.subcommand() {
        Some(("check", matches)) => {
            let (path, checked) = checked(matches)?;
            let text =
                if matches.get_flag("json") { json(&checked)? } else { report(path, &checked) };
            print(&text);
            Ok(if checked.faults.is_empty() { 0 } else { FAULTS })
        }
        Some(("stats", matches)) => {
            let Checked { statistics, .. } = checked(matches)?.1;
            print(&if matches.get_flag("json") { json(&statistics)? } else { sums(&statistics) });
            Ok(0)
        }
        Some(("add", matches)) => add(matches).map(|()| 0),
        _ => Ok(super::USAGE),
    }
}

fn checked(matches: &ArgMatches) -> Result<(&Path, Checked), Error> {
    let path = file_of(matches);
    Ok((path, check(&text_of(path)?)))
}

fn file_of(matches: &ArgMatches) -> &Path {
    matches.get_one::<PathBuf>("file").map_or_else(|| Path::new(""), PathBuf::as_path)
}

fn report(path: &Path, checked: &Checked) -> String {
    let mut text = String::new();
    for fault in &checked.faults {
        let _ = writeln!(text, "{}:{}: {}", path.display(), fault.line, fault.message);
    }
    let (entries, faults) = (checked.entries.len(), checked.faults.len());
    let entries = counted(entries, "entry", "entries");
    let _ = match faults {
        0 => writeln!(text, "{}: {entries}, nothing wrong", path.display()),
        _ => {
            writeln!(text, "{}: {entries}, {}", path.display(), counted(faults, "fault", "faults"))
        }
    };
    text
}

fn sums(statistics: &Statistics) -> String {
    let Statistics { entries, resolved, mitigated, open, kinds, .. } = statistics;
    let mut text = format!(
        "{}: {resolved} resolved, {mitigated} mitigated, {open} open\n",
        counted(*entries, "entry", "entries")
    );
    let all = (statistics.recovered_after_ms_median, statistics.recovered_after_ms_max);
    let _ = writeln!(text, "time to recover: {}", times(all));
    for of_kind in kinds {
        let name = of_kind.kind.map_or("no kind", FailureKind::code);
        let entries = counted(of_kind.entries, "entry", "entries");
        let times = times((of_kind.recovered_after_ms_median, of_kind.recovered_after_ms_max));
        let _ = writeln!(text, "{name}: {entries}, {} open, {times}", of_kind.open);
    }
    text
}

fn times((median, longest): (Option<u64>, Option<u64>)) -> String {
    match (median, longest) {
        (Some(median), Some(longest)) => {
            format!("median {}, longest {}", duration(median), duration(longest))
        }
        _ => "no entry tells".to_string(),
    }
}

fn add(matches: &ArgMatches) -> Result<(), Error> {
    let source = matches.get_one::<PathBuf>("incident");
    let source = source.map_or_else(|| Path::new("-"), PathBuf::as_path);
    let text = if source == Path::new("-") { standard_input()? } else { text_of(source)? };
    let (incident, from_status) = incident(&text)?;
    let given = |name: &str| matches.get_one::<String>(name).cloned();
    let endpoint = given("endpoint").or(from_status).unwrap_or_else(|| "an unnamed Redis".into());
    let entry = entry(&incident, &endpoint, &given("service").unwrap_or_default());
    let path = file_of(matches);
    append(path, &entry).map_err(|error| unusable(path, "written", &error))?;
    if matches.get_flag("json") {
        print(&json(&check(&entry).entries)?);
    } else {
        print(&entry);
    }
    Ok(())
}

/// The incident in a text, and the endpoint where the text is a whole status.
fn incident(text: &str) -> Result<(Incident, Option<String>), Error> {
    let wrong = |why: &str| {
        let message = format!("not an incident: {why}");
        Error::new(ErrorKind::InvalidArgument, message)
    };
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let endpoint = value.get("endpoint").and_then(Value::as_str).map(ToString::to_string);
    let incident = match value.get("incident") {
        Some(Value::Null) => return Err(wrong("the status has none")),
        Some(incident) => incident.clone(),
        None => value,
    };
    let incident = serde_json::from_value(incident);
    Ok((incident.map_err(|error| wrong(&error.to_string()))?, endpoint))
}

fn text_of(path: &Path) -> Result<String, Error> {
    let file = std::fs::File::open(path).map_err(|error| unusable(path, "read", &error))?;
    read(file, &path.display().to_string()).map_err(|error| unusable(path, "read", &error))
}

fn standard_input() -> Result<String, Error> {
    let name = "the standard input";
    read(io::stdin(), name).map_err(|error| unusable(Path::new(name), "read", &error))
}

/// All of it, where it is text and not too much.
fn read(source: impl Read, name: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(invalid(format!("{name} holds more than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to());
        let line = before.unwrap_or_default().split(|byte| *byte == b'\n').count();
        invalid(format!("line {line} is not UTF-8"))
    })
}

fn unusable(path: &Path, done: &str, error: &io::Error) -> Error {
    let message = format!("{} cannot be {done}: {error}", path.display());
    Error::new(ErrorKind::InvalidArgument, message)
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?;
    Ok(text + "\n")
}

/// Who asked may be gone, and then nobody reads it.
fn print(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
