//! What keeps a client from Redis: the way is gone step by step, and each step is timed.
//!
//! ```no_run
//! # async fn example() -> Result<(), outlast::Error> {
//! let config = outlast::Config::builder("rediss://cache.example").build()?;
//! let report = outlast::doctor::examine(&config).await;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```

mod cluster;
mod exit;
mod report;
mod server;

use std::future::Future;
use std::time::{Duration, Instant};

use outlast_core::Failure;
use rustls::ProtocolVersion;

pub use exit::exit_code;
pub use report::{Examined, Outcome, Report, Step};

use crate::config::Config;
use crate::dial::sentinel::{self, Named};
use crate::dial::{self, Deadline, Link};
use crate::endpoint::Address;
use crate::stream::Stream;

/// Goes the whole way to Redis, and asks it how it is. The way to the first PING takes at most
/// `connect_timeout_ms`, and what is asked then as long again. It changes nothing on the server.
pub async fn examine(config: &Config) -> Report {
    let mut report = Report::new(config);
    let timeout = Duration::from_millis(config.policy.connect_timeout_ms);
    let deadline = Deadline::after(timeout);
    let reached = reach(config, &mut report, deadline).await;
    if let Some(mut link) = reached {
        server::ask(&mut link, &mut report, Deadline::after(timeout)).await;
    }
    report
}

/// The way to a connection that is logged in. None if a step failed.
async fn reach(config: &Config, report: &mut Report, deadline: Deadline) -> Option<Link> {
    let stream = match &config.endpoint.address {
        Address::Unix { path } => {
            let opened = dial::open(path, deadline);
            report.step("connect", opened, |_| path.display().to_string()).await?
        }
        Address::Tcp { host, port } | Address::Tls { host, port } => {
            connect(config, report, host, *port, deadline).await?
        }
        Address::Sentinel { sentinels, master, .. } => {
            let found = sentinel::find(config, sentinels, deadline);
            let shown = |named: &Named| format!("{master} is {}, says {}", named.master, named.by);
            let Named { master, .. } = report.step("sentinel", found, shown).await?;
            connect(config, report, &master.host, master.port, deadline).await?
        }
        Address::Cluster { nodes, .. } => {
            let master = cluster::look(config, nodes, report, deadline).await?;
            connect(config, report, &master.host, master.port, deadline).await?
        }
    };
    log_in(config, report, stream, deadline).await
}

/// The way to a place, to a stream that nobody is logged in on.
async fn connect(
    config: &Config,
    report: &mut Report,
    host: &str,
    port: u16,
    deadline: Deadline,
) -> Option<Stream> {
    let resolved = dial::resolve(host, port, deadline);
    let shown = |addresses: &Vec<_>| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let addresses = report.step("resolve", resolved, shown).await?;
    let reached = dial::reach(addresses, deadline);
    let (stream, _) = report.step("connect", reached, |(_, address)| address.to_string()).await?;
    let Some(tls) = &config.tls else {
        return Some(Stream::Tcp(stream));
    };
    let secured = async {
        let tls = tls.for_host(host)?;
        let name = tls.server_name.to_str().into_owned();
        Ok((dial::secure(&tls, stream, deadline).await?, name))
    };
    let shown = |(stream, name): &(Stream, String)| session_of(stream, name, tls.insecure);
    report.step("tls", secured, shown).await.map(|(stream, _)| stream)
}

async fn log_in(
    config: &Config,
    report: &mut Report,
    stream: Stream,
    deadline: Deadline,
) -> Option<Link> {
    let mut link = Link::new(config, stream);
    let user = config.endpoint.credentials.username.is_some();
    let password = config.endpoint.credentials.password.is_some();
    let who = match (user, password) {
        (true, _) => "as the user of the URL",
        (false, true) => "with the password of the URL",
        (false, false) => "without a password",
    };
    let database = config.endpoint.credentials.database;
    let logged_in = dial::log_in(config, &mut link, deadline);
    report.step("login", logged_in, |()| format!("{who}, database {database}")).await?;
    Some(link)
}

fn session_of(stream: &Stream, name: &str, insecure: bool) -> String {
    let version = match stream.session().and_then(|session| session.protocol_version()) {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    if insecure {
        return format!("{version}, the certificate is NOT checked (tls_insecure)");
    }
    format!("{version}, the certificate is for {name} and trusted")
}

/// Times one step.
async fn timed<T>(
    step: impl Future<Output = Result<T, Failure>>,
) -> (Result<T, Failure>, Duration) {
    let began = Instant::now();
    let result = step.await;
    (result, began.elapsed())
}
