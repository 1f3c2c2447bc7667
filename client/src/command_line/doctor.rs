//! The command `outlast doctor`.

use std::io::{self, Write};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use outlast_core::{Error, ErrorKind};
use tokio::runtime::Builder;

use super::option;
use crate::config::Config;
use crate::doctor::examine;

/// Where the URL comes from if none is given. As an argument, everybody could read its password.
const URL_VARIABLE: &str = "REDIS_URL";
/// As long as any knob of time may be.
const TIMEOUT_MS_MAX: u64 = 86_400_000;

pub(super) fn command() -> Command {
    Command::new("doctor")
        .about("Looks step by step at what keeps a client from Redis")
        .after_help(
            "Without a URL it takes the one in the variable REDIS_URL. Options of TLS are \
             parameters of the URL (rediss://host?tls_ca_file=ca.pem) or variables \
             (OUTLAST_TLS_CA_FILE).\nThe exit code is 0 if Redis can be used, 2 for a wrong call \
             or option, and from 10 on that of the failure's kind.",
        )
        .args([
            Arg::new("url")
                .value_name("URL")
                .help("Where Redis is: redis://, rediss://, unix:// or redis-sentinel://")
                .value_parser(ValueParser::string()),
            option(
                "timeout-ms",
                "N",
                "Milliseconds for the way to the first PING, and for the rest [default: 5000]",
            )
            .value_parser(value_parser!(u64).range(1..=TIMEOUT_MS_MAX)),
            Arg::new("json").long("json").action(ArgAction::SetTrue).help("Prints JSON"),
        ])
}

/// Examines, prints, and gives the exit code.
pub(super) fn run(matches: &ArgMatches) -> Result<i32, Error> {
    let given = matches.get_one::<String>("url").cloned();
    let url = given.or_else(|| std::env::var(URL_VARIABLE).ok()).ok_or_else(|| {
        let message = format!("no URL: give one, or set the variable {URL_VARIABLE}");
        Error::new(ErrorKind::InvalidOption, message)
    })?;
    let mut builder = Config::builder(&url);
    if let Some(timeout_ms) = matches.get_one::<u64>("timeout-ms") {
        builder = builder.option("connect_timeout_ms", &timeout_ms.to_string());
    }
    let config = builder.build()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        Error::new(ErrorKind::RedisUnavailable, format!("the runtime does not start: {error}"))
    })?;
    let report = runtime.block_on(examine(&config));
    // A resolver that hangs must not hold the command.
    runtime.shutdown_background();
    let mut out = io::stdout();
    // Who asked may be gone, and then nobody reads it.
    let _ = if matches.get_flag("json") {
        writeln!(out, "{}", report.to_json())
    } else {
        write!(out, "{report}")
    };
    let _ = out.flush();
    Ok(report.exit_code())
}
