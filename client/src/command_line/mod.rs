//! The command `outlast`, the same for every language's package.

mod doctor;
mod log;
mod serve;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Arg, Command};

/// A wrong call, as with other commands.
const USAGE: i32 = 2;

/// Runs the command with these arguments, the program's name not among them, and gives the exit
/// code: 0 for success, 2 for a wrong call, 1 where `serve` fails; those of `doctor` are
/// [`exit_code`](crate::doctor::exit_code)'s; `log check` gives 1 for a log with faults. `serve` goes on until SIGINT or SIGTERM comes.
pub fn run<A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> i32 {
    let args = args.into_iter().map(Into::into);
    let args = std::iter::once(OsString::from("outlast")).chain(args);
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => {
            let _ = write!(io::stderr(), "{error}");
            return USAGE;
        }
        Err(help) => {
            let _ = write!(io::stdout(), "{help}");
            return 0;
        }
    };
    let (ended, code_of_error) = match matches.subcommand() {
        Some(("serve", matches)) => (serve::run(matches).map(|()| 0), 1),
        Some(("doctor", matches)) => (doctor::run(matches), USAGE),
        Some(("log", matches)) => (log::run(matches), USAGE),
        _ => (Ok(0), USAGE),
    };
    ended.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "outlast: {error}");
        code_of_error
    })
}

fn command() -> Command {
    Command::new("outlast")
        .about("The Redis client for when Redis is down")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve::command())
        .subcommand(doctor::command())
        .subcommand(log::command())
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}
