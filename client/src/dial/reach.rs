//! From a name to a socket: every address of it is tried, the families in turn, and the next one
//! soon, so that one that swallows packets costs a moment (RFC 8305, in its simplest form).

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use outlast_core::classify::{Evidence, Phase, classify};
use outlast_core::{Failure, FailureKind, Verdict};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Deadline, failure_of};
use crate::stream::Stream;

/// Idle time after which the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Time after which the kernel gives up a connection whose bytes nobody acknowledges.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// How long one address has before the next is tried beside it.
pub(super) const HEAD_START: Duration = Duration::from_millis(250);

/// The addresses of a name, in the order in which they are tried.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Failure> {
    let resolving = async {
        let found = lookup_host((host, port)).await;
        found.map_err(|error| Failure::new(FailureKind::DnsError, error.to_string()))
    };
    let resolved = deadline.within("the name did not resolve", resolving).await;
    let addresses = in_turn(resolved.map_err(|mut failure| {
        failure.kind = FailureKind::DnsError;
        failure
    })?);
    if addresses.is_empty() {
        return Err(Failure::new(FailureKind::DnsError, "the name has no address"));
    }
    Ok(addresses)
}

/// The first family that the resolver names goes first, then they take turns.
fn in_turn(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<SocketAddr> = addresses.collect();
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::with_capacity(addresses.len());
    loop {
        let before = turns.len();
        turns.extend(first.next());
        turns.extend(second.next());
        if turns.len() == before {
            return turns;
        }
    }
}

/// The first connection that stands, and whereto.
pub(crate) async fn reach(
    addresses: Vec<SocketAddr>,
    deadline: Deadline,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let overdue = "no connection could be made";
    deadline.within(overdue, first_of(addresses)).await
}

async fn first_of(addresses: Vec<SocketAddr>) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut left = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = left.next() {
            attempts.spawn(async move { (TcpStream::connect(address).await, address) });
        }
        let has_more = left.len() > 0;
        tokio::select! {
            ended = attempts.join_next() => match ended {
                None => return Err(most_telling(failures)),
                Some(Ok((Ok(stream), address))) => {
                    prepare(&stream).map_err(|error| failure_of(&error, Phase::Dial))?;
                    return Ok((stream, address));
                }
                Some(Ok((Err(error), _))) => failures.push(failure_of(&error, Phase::Dial)),
                Some(Err(_)) => {}
            },
            () = sleep(HEAD_START), if has_more => {}
        }
    }
}

/// Of several places that failed, the failure that got furthest.
pub(super) fn most_telling(mut failures: Vec<Failure>) -> Failure {
    let mut all = Evidence::new("").with_phase(Phase::Dial);
    for failure in &failures {
        let mut cause = Evidence::new(failure.text.clone()).with_phase(Phase::Dial);
        cause.errno = failure.errno;
        all = all.with_cause(cause);
    }
    let kind = classify(&all);
    let place = failures.iter().position(|failure| failure.kind == kind).unwrap_or(0);
    if failures.is_empty() {
        return Failure::new(FailureKind::UnknownError, "no address could be tried");
    }
    failures.swap_remove(place)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

/// A connection to a unix socket.
#[cfg(unix)]
pub(crate) async fn open(path: &Path, deadline: Deadline) -> Result<Stream, Failure> {
    let connecting = async {
        let stream = tokio::net::UnixStream::connect(path).await;
        stream.map_err(|error| {
            let mut failure = failure_of(&error, Phase::Dial);
            // That we may not open the file is no command's affair.
            if failure.verdict() == Verdict::Command {
                failure.kind = FailureKind::ConnectionRefused;
            }
            failure
        })
    };
    Ok(Stream::Unix(deadline.within("the socket did not accept", connecting).await?))
}

#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "it waits where there are unix sockets")]
pub(crate) async fn open(_: &Path, _: Deadline) -> Result<Stream, Failure> {
    Err(Failure::new(FailureKind::UnknownError, "there are no unix sockets on this system"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn families_take_turns() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let turns = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(in_turn(given.into_iter()), turns);
    }

    #[tokio::test]
    async fn the_next_address_is_tried_at_once_after_a_refusal() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let open = listener.local_addr().expect("its address");
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let closed = refusing.local_addr().expect("its address");
        drop(refusing);
        let deadline = Deadline::after(Duration::from_millis(200));
        let (stream, address) = reach(vec![closed, open], deadline).await.expect("one of them");
        assert_eq!(address, open);
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("a live socket"));
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().expect("a live socket"), Some(UNACKNOWLEDGED));
        let failure = reach(vec![closed], deadline).await.expect_err("nobody listens");
        assert_eq!(failure.kind, FailureKind::ConnectionRefused, "{failure:?}");
    }

    /// A socket whose queue is full: Linux drops what asks for more.
    #[cfg(target_os = "linux")]
    fn swallowing() -> (socket2::Socket, SocketAddr, Vec<std::net::TcpStream>) {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        socket.bind(&any.into()).expect("a free port");
        socket.listen(0).expect("it listens");
        let address = socket.local_addr().ok().and_then(|address| address.as_socket());
        let address = address.expect("its address");
        let patience = Duration::from_millis(50);
        let queued =
            std::iter::from_fn(|| std::net::TcpStream::connect_timeout(&address, patience).ok());
        let queued = queued.collect();
        (socket, address, queued)
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_swallows_costs_a_moment() {
        let (_socket, swallowing, _queued) = swallowing();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let open = listener.local_addr().expect("its address");
        // The kernel itself asks again after a second.
        let deadline = Deadline::after(Duration::from_millis(900));
        let (_, address) = reach(vec![swallowing, open], deadline).await.expect("the other one");
        assert_eq!(address, open);
        let deadline = Deadline::after(Duration::from_millis(300));
        let failure = reach(vec![swallowing], deadline).await.expect_err("nobody answers");
        assert_eq!(failure.kind, FailureKind::ConnectTimeout, "{failure:?}");
    }

    #[test]
    fn the_failure_that_got_furthest_is_told() {
        let unreachable = io::Error::from_raw_os_error(101);
        let refused = io::Error::from_raw_os_error(111);
        let failures = [&unreachable, &refused, &unreachable]
            .map(|error| failure_of(error, Phase::Dial))
            .to_vec();
        assert_eq!(most_telling(failures).kind, FailureKind::ConnectionRefused);
    }
}
