//! The command `outlast serve`.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Command, value_parser};
use outlast_core::store::{Eviction, Password};
use outlast_core::{Error, ErrorKind};
use tokio::runtime::Builder;

use super::option;
use crate::server::{Server, ServerOptions};

/// Where the password comes from if no file is named. As an argument, everybody could read it.
const PASSWORD_VARIABLE: &str = "OUTLAST_SERVE_PASSWORD";
/// What a password file may hold.
const PASSWORD_BYTES_MAX: u64 = 4_096;

pub(super) fn command() -> Command {
    Command::new("serve")
        .about("Serves an in-memory Redis until SIGINT or SIGTERM; all data is gone then")
        .after_help("The password may also be in the variable OUTLAST_SERVE_PASSWORD.")
        .args([
            option("port", "N", "Port to listen on; 0 lets the system choose")
                .value_parser(value_parser!(u16))
                .default_value("6379"),
            option("bind", "ADDRESS", "Address to listen on; other than loopback needs a password")
                .value_parser(value_parser!(IpAddr))
                .default_value("127.0.0.1"),
            option("unix-socket", "PATH", "Listens on this unix socket instead")
                .value_parser(value_parser!(PathBuf)),
            option("password-file", "FILE", "File with the password that clients must give")
                .value_parser(value_parser!(PathBuf)),
            option("bytes-max", "N", "Bytes that keys and values may take [default: 256 MiB]")
                .value_parser(value_parser!(u64).range(1..)),
            option("eviction", "NAME", "What happens when that is reached")
                .value_parser(PossibleValuesParser::new(Eviction::ALL.map(Eviction::name)))
                .default_value(Eviction::NoEviction.name()),
            option("clients-max", "N", "Connections at once [default: 10000]")
                .value_parser(value_parser!(u64).range(1..)),
        ])
}

/// Serves until SIGINT or SIGTERM comes.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Error> {
    options(matches).and_then(serve)
}

fn options(matches: &ArgMatches) -> Result<ServerOptions, Error> {
    let mut options = ServerOptions::new(0);
    let port = matches.get_one::<u16>("port").copied().unwrap_or_default();
    if let Some(address) = matches.get_one::<IpAddr>("bind") {
        options.address = SocketAddr::new(*address, port);
    }
    options.unix_path = matches.get_one::<PathBuf>("unix-socket").cloned();
    let eviction = matches.get_one::<String>("eviction").and_then(|name| Eviction::parse(name));
    options.eviction = eviction.unwrap_or_default();
    let number = |name: &str| {
        matches.get_one::<u64>(name).map(|number| usize::try_from(*number).unwrap_or(usize::MAX))
    };
    options.bytes_max = number("bytes-max").unwrap_or(options.bytes_max);
    options.clients_max = number("clients-max").unwrap_or(options.clients_max);
    options.password = match matches.get_one::<PathBuf>("password-file") {
        Some(path) => Some(password_in(path)?),
        None => password_in_environment()?,
    };
    Ok(options)
}

/// The first line of a file.
fn password_in(path: &Path) -> Result<Password, Error> {
    use std::io::Read;

    let mut content = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(PASSWORD_BYTES_MAX).read_to_end(&mut content));
    read.map_err(|error| {
        let message = format!("cannot read the password file {}: {error}", path.display());
        Error::new(ErrorKind::InvalidOption, message)
    })?;
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    password(line.strip_suffix(b"\r").unwrap_or(line), &path.display().to_string())
}

fn password_in_environment() -> Result<Option<Password>, Error> {
    let Some(value) = std::env::var_os(PASSWORD_VARIABLE) else {
        return Ok(None);
    };
    password(value.as_encoded_bytes(), PASSWORD_VARIABLE).map(Some)
}

/// An empty password would let everybody in where somebody meant to keep them out.
fn password(secret: &[u8], source: &str) -> Result<Password, Error> {
    if secret.is_empty() {
        let message = format!("the password in {source} is empty");
        return Err(Error::new(ErrorKind::InvalidOption, message));
    }
    Ok(Password::new(secret))
}

fn serve(options: ServerOptions) -> Result<(), Error> {
    let failed = |what: &str, error: &io::Error| {
        Error::new(ErrorKind::RedisUnavailable, format!("{what}: {error}"))
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("the runtime does not start", &error))?;
    runtime.block_on(async {
        let server = Server::bind(options).await?;
        let ended = Signals::listen().map_err(|error| failed("no signals", &error))?;
        let mut out = io::stdout();
        // Who waits for this line may be gone, which is no reason not to serve.
        let _ = writeln!(out, "outlast: serving on {}", server.address());
        let _ = out.flush();
        server.run(ended.any()).await;
        Ok(())
    })
}

/// What ends the command.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn any(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn any(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
