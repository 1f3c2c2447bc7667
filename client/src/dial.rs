//! From a name to a connection that answered a PING.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use outlast_core::classify::{self, Phase};
use outlast_core::connection::{Connection, Event, Handshake, Step};
use outlast_core::resp::Limits;
use outlast_core::{Failure, FailureKind, Timestamp, Value};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::config::Config;

/// A connection that nobody uses yet.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    pub(crate) connection: Connection,
}

/// Idle time after which the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The name is resolved anew at each dial, and each address is tried.
pub(crate) async fn dial(config: &Config, timeout: Duration) -> Result<Link, Failure> {
    let deadline = Instant::now() + timeout;
    let stream = connect(config, deadline, timeout).await?;
    let reply_bytes_max = usize::try_from(config.policy.reply_bytes_max).unwrap_or(usize::MAX);
    let connection = Connection::new(Limits::new(reply_bytes_max));
    let mut link = Link { stream, connection };
    let mut handshake = Handshake::new(&config.endpoint.credentials);
    while let Step::Send(args) = handshake.next_step() {
        let commands = [args];
        let replies = timeout_at(deadline, link.exchange(&commands));
        let replies = replies.await.unwrap_or_else(|_| Err(too_slow(timeout)))?;
        replies.iter().try_for_each(Handshake::check).map_err(|mut failure| {
            failure.text = config.endpoint.conceal(&failure.text);
            failure
        })?;
    }
    Ok(link)
}

async fn connect(
    config: &Config,
    deadline: Instant,
    timeout: Duration,
) -> Result<TcpStream, Failure> {
    let endpoint = &config.endpoint;
    let resolving = lookup_host((endpoint.host.as_str(), endpoint.port));
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, resolving).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(Failure::new(FailureKind::DnsError, error.to_string())),
        Err(_) => {
            let text = format!("the name did not resolve within {} ms", timeout.as_millis());
            return Err(Failure::new(FailureKind::DnsError, text));
        }
    };
    let mut last = Failure::new(FailureKind::DnsError, "the name has no address");
    for (at, address) in addresses.iter().enumerate() {
        // Each address gets an equal part of what is left, so that one that swallows packets does
        // not take the time of the next.
        let left = deadline.saturating_duration_since(Instant::now());
        let parts = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let part = Instant::now() + left / parts;
        match timeout_at(part, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                prepare(&stream).map_err(|error| failure_of(&error, Phase::Dial))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = failure_of(&error, Phase::Dial),
            Err(_) => last = too_slow(timeout),
        }
    }
    Err(last)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn too_slow(timeout: Duration) -> Failure {
    let text = format!("the dial did not end within {} ms", timeout.as_millis());
    Failure::new(FailureKind::ConnectTimeout, text)
}

/// The failure that an I/O error is.
pub(crate) fn failure_of(error: &io::Error, phase: Phase) -> Failure {
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
        let written = self.stream.write_all(unsent).await;
        written.map_err(|error| failure_of(&error, Phase::Command))?;
        self.connection.sent(bytes);
        let mut replies = Vec::with_capacity(commands.len());
        let mut buffer = vec![0; 16 * 1_024];
        while replies.len() < commands.len() {
            let read = self.stream.read(&mut buffer).await;
            match read.map_err(|error| failure_of(&error, Phase::Command))? {
                0 => return Err(closed_by_server()),
                read => self.connection.receive(&buffer[..read]),
            }
            loop {
                match self.connection.next_event() {
                    Ok(Some(Event::Reply { value, .. })) => replies.push(value),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => return Err(broken(&error)),
                }
            }
        }
        Ok(replies)
    }
}

/// What came is not RESP.
pub(crate) fn broken(error: &outlast_core::resp::ProtocolError) -> Failure {
    Failure::new(FailureKind::ProtocolError, error.to_string())
}
