//! From a name to a connection that answered a PING, in stages that the doctor times one by one.

pub(crate) mod cluster;
mod in_turn;
mod reach;
pub(crate) mod sentinel;

use std::io;
use std::time::Duration;

use outlast_core::classify::{self, Phase};
use outlast_core::connection::{Connection, Event, Handshake, Identity, Step};
use outlast_core::resp::Limits;
use outlast_core::{Failure, FailureKind, Timestamp, Value};
use socket2::Socket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

pub(crate) use reach::{open, reach, resolve};

use crate::channel::Channel;
use crate::config::Config;
use crate::endpoint::{Address, Place};
use crate::stream::Stream;
use crate::tls::{self, Tls};

/// A connection that nobody uses yet.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stream: Stream,
    pub(crate) connection: Connection,
    /// By what the server knows it.
    pub(crate) identity: Option<Identity>,
    /// Which process serves it, by its run id; none where nobody asked, or it may not be told.
    pub(crate) run_id: Option<Vec<u8>>,
}

/// When a dial must have ended, and the time that it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { at: Instant::now() + timeout, timeout }
    }

    /// Waits for a stage of the dial; `what` did not end in time otherwise.
    pub(crate) async fn within<T>(
        self,
        what: &str,
        stage: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        timeout_at(self.at, stage).await.unwrap_or_else(|_| {
            let text = format!("{what} within {} ms", self.timeout.as_millis());
            Err(Failure::new(FailureKind::ConnectTimeout, text))
        })
    }
}

/// The name is resolved anew at each dial, and each address is tried.
pub(crate) async fn dial(config: &Config, timeout: Duration) -> Result<Link, Failure> {
    let deadline = Deadline::after(timeout);
    match &config.endpoint.address {
        Address::Tcp { host, port } | Address::Tls { host, port } => {
            let place = Place { host: host.clone(), port: *port };
            link_to(config, &place, deadline).await
        }
        Address::Unix { path } => {
            let mut link = Link::new(config, open(path, deadline).await?);
            log_in(config, &mut link, deadline).await?;
            Ok(link)
        }
        Address::Sentinel { sentinels, .. } => sentinel::dial(config, sentinels, deadline).await,
        Address::Cluster { .. } => {
            Err(Failure::new(FailureKind::UnknownError, "a cluster is dialled shard by shard"))
        }
    }
}

/// A connection to this place, logged in, if it says of itself that it is a master. If not, `or_else`
/// says what may be wrong beside a failover.
async fn reach_master(
    config: &Config,
    master: &Place,
    or_else: &str,
    deadline: Deadline,
) -> Result<Link, Failure> {
    let mut link = link_to(config, master, deadline).await?;
    let overdue = "it accepted the connection and did not answer";
    let replies = deadline.within(overdue, link.exchange(&[vec!["ROLE"]])).await?;
    // Who may not ask for the role learns it from the first write.
    let role = match replies.first() {
        Some(Value::Array(parts)) => parts.first().and_then(Value::as_bulk).unwrap_or_default(),
        _ => b"master",
    };
    if role == b"master" {
        return Ok(link);
    }
    let role = String::from_utf8_lossy(role);
    let text = format!("its role is {role}, so a failover is under way, or {or_else}");
    Err(Failure::new(FailureKind::ReadOnly, text))
}

fn told(mut failure: Failure, who: &str) -> Failure {
    failure.text = format!("{who}: {}", failure.text);
    failure
}

/// A connection to this place, logged in.
async fn link_to(config: &Config, place: &Place, deadline: Deadline) -> Result<Link, Failure> {
    let addresses = resolve(&place.host, place.port, deadline).await?;
    let (stream, _) = reach(addresses, deadline).await?;
    let stream = match &config.tls {
        Some(tls) => secure(&tls.for_host(&place.host)?, stream, deadline).await?,
        None => Stream::Tcp(stream),
    };
    let mut link = Link::new(config, stream);
    log_in(config, &mut link, deadline).await?;
    Ok(link)
}

/// The TLS handshake.
pub(crate) async fn secure(
    tls: &Tls,
    stream: TcpStream,
    deadline: Deadline,
) -> Result<Stream, Failure> {
    let connector = TlsConnector::from(tls.config.clone());
    let handshake = async {
        let secured = connector.connect(tls.server_name.clone(), stream).await;
        secured.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Failure::new(
                FailureKind::TlsError,
                "the server closed the connection in the TLS handshake: does this port speak TLS?",
            ),
            _ => failure_of(&error, Phase::Dial),
        })
    };
    let overdue = "the server accepted the connection and did not answer the TLS handshake (does \
                   this port speak TLS?)";
    let secured = deadline.within(overdue, handshake).await?;
    Ok(Stream::Tls(Box::new(secured)))
}

/// Logs in, introduces itself, and has a PING answered.
pub(crate) async fn log_in(
    config: &Config,
    link: &mut Link,
    deadline: Deadline,
) -> Result<(), Failure> {
    let mut handshake = Handshake::new(&config.endpoint.credentials, &config.introduction);
    let mut is_first = true;
    while let Step::Send(commands) = handshake.next_step() {
        let overdue = "the server accepted the connection and did not answer";
        let replies = deadline.within(overdue, link.exchange(&commands)).await;
        let replies = replies.map_err(|mut failure| {
            // OpenSSL drops a plain client without a word.
            if is_first && config.tls.is_none() && failure.kind == FailureKind::ConnectionLost {
                failure.text.push_str(" before it answered (does this port want TLS, rediss://?)");
            }
            failure
        })?;
        is_first = false;
        link.identity = Handshake::identity(&replies);
        Handshake::check(&replies).map_err(|mut failure| {
            failure.text = config.endpoint.conceal(&failure.text);
            failure
        })?;
    }
    Ok(())
}

/// The failure that an I/O error is.
pub(crate) fn failure_of(error: &io::Error, phase: Phase) -> Failure {
    if let Some(failure) = tls::failure_in(error, phase) {
        return failure;
    }
    let errno = error.raw_os_error();
    let kind = errno.and_then(|errno| classify::classify_errno(errno, phase));
    let kind = kind.unwrap_or_else(|| match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted => FailureKind::ConnectionLost,
        io::ErrorKind::ConnectionRefused => FailureKind::ConnectionRefused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FailureKind::ResponseTimeout,
        _ => classify::classify_text(&error.to_string()),
    });
    Failure::new(kind, error.to_string()).with_errno(errno)
}

/// The other side closed the connection.
pub(crate) fn closed_by_server() -> Failure {
    Failure::new(FailureKind::ConnectionLost, "the server closed the connection")
}

impl Link {
    pub(crate) fn new(config: &Config, stream: Stream) -> Self {
        let reply_bytes_max = usize::try_from(config.policy.reply_bytes_max).unwrap_or(usize::MAX);
        let connection = Connection::new(Limits::new(reply_bytes_max));
        Self { stream, connection, identity: None, run_id: None }
    }

    /// The socket and what drives it, for who waits without tokio.
    pub(crate) fn into_parts(self) -> io::Result<(Socket, Channel)> {
        let (socket, session) = self.stream.into_parts()?;
        Ok((socket, Channel::new(self.connection, session)))
    }

    /// Asks which process serves it.
    pub(crate) async fn ask_run_id(&mut self, deadline: Deadline) -> Result<(), Failure> {
        let overdue = "it accepted the connection and did not answer";
        let command = [vec!["INFO", "server"]];
        let replies = deadline.within(overdue, self.exchange(&command)).await?;
        self.run_id = replies.first().and_then(|reply| {
            let (Value::Bulk(text) | Value::Verbatim { text, .. }) = reply else { return None };
            let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            lines.find_map(|line| line.strip_prefix(b"run_id:")).map(<[u8]>::to_vec)
        });
        Ok(())
    }

    /// Sends commands at once and waits for all their replies. It has no deadline of its own.
    pub(crate) async fn exchange<A: AsRef<[u8]>>(
        &mut self,
        commands: &[Vec<A>],
    ) -> Result<Vec<Value>, Failure> {
        let far = Timestamp::from_ms(u64::MAX);
        for args in commands {
            self.connection.send(args, far);
        }
        let unsent = self.connection.unsent();
        let bytes = unsent.len();
        let mut written = self.stream.write_all(unsent).await;
        if written.is_ok() {
            written = self.stream.flush().await;
        }
        self.connection.sent(bytes);
        let mut replies = Vec::with_capacity(commands.len());
        // A server that refuses us says why before it closes, also where it read nothing.
        let read = self.read_replies(&mut replies, commands.len()).await;
        match (written, read) {
            (_, Ok(())) => Ok(replies),
            (Err(error), Err(read)) if read.kind == FailureKind::ConnectionLost => {
                Err(failure_of(&error, Phase::Command))
            }
            (_, Err(failure)) => Err(failure),
        }
    }

    async fn read_replies(
        &mut self,
        replies: &mut Vec<Value>,
        wanted: usize,
    ) -> Result<(), Failure> {
        let mut buffer = vec![0; 16 * 1_024];
        let mut is_first = true;
        while replies.len() < wanted {
            let read = self.stream.read(&mut buffer).await;
            let read = read.map_err(|error| failure_of(&error, Phase::Command))?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Err(closed_by_server());
            }
            if std::mem::take(&mut is_first) && bytes.starts_with(TLS_ALERT) {
                let text = "the server answers in TLS: use rediss:// for this port";
                return Err(Failure::new(FailureKind::TlsError, text));
            }
            self.connection.receive(bytes);
            loop {
                match self.connection.next_event() {
                    Ok(Some(Event::Reply { value, .. })) => replies.push(value),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => return Err(broken(&error)),
                }
            }
        }
        Ok(())
    }
}

/// How an alert of TLS begins: what a plain client gets from a server that expects TLS.
const TLS_ALERT: &[u8] = &[0x15, 0x03];

/// What came is not RESP.
pub(crate) fn broken(error: &outlast_core::resp::ProtocolError) -> Failure {
    Failure::new(FailureKind::ProtocolError, error.to_string())
}
