//! One connection: its requests in, its replies and messages out.

use std::sync::Arc;
use std::time::Duration;

use outlast_core::resp::{RequestError, RequestParser, encode_reply};
use outlast_core::{Timestamp, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::world::World;

/// Bytes of a read at first; more where they are filled.
const READ_BYTES: usize = 4 << 10;
const READ_BYTES_MAX: usize = 64 << 10;
/// Bytes of messages that are taken while others are being written.
const MESSAGES_AHEAD: usize = 64 << 10;
/// Bytes of requests that are read ahead while none of them can be answered.
const READ_AHEAD_MAX: usize = 1 << 20;
/// How long the last bytes of a connection that ends may take.
const FLUSH_MAX: Duration = Duration::from_secs(1);
/// A wait without an end is looked after this often, for the sake of the timer only.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Serves a connection until either side ends it.
pub(super) async fn run<R, W>(
    world: Arc<World>,
    mut reader: R,
    mut writer: W,
    addresses: (String, String),
    mut ended: watch::Receiver<bool>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let news = Arc::new(Notify::new());
    let Some(id) = world.open(addresses, news.clone()) else {
        let refusal = writer.write_all(b"-ERR max number of clients reached\r\n");
        let _ = timeout(FLUSH_MAX, refusal).await;
        return;
    };
    let mut connection = Connection::new(world, id);
    let mut incoming = Vec::with_capacity(READ_BYTES);
    while !*ended.borrow() {
        connection.process();
        if connection.ends != Ends::No || connection.is_done() {
            break;
        }
        tokio::select! {
            read = reader.read_buf(&mut incoming), if connection.may_read() => match read {
                Ok(0) => connection.input_ended = true,
                Ok(_) => connection.feed(&mut incoming),
                Err(_) => return,
            },
            wrote = writer.write(connection.unwritten()), if connection.has_output() => match wrote {
                Ok(0) | Err(_) => return,
                Ok(bytes) => connection.wrote(bytes),
            },
            () = news.notified() => {}
            () = sleep_until(connection.deadline()), if connection.is_blocked => {
                connection.time_out();
            }
            _ = ended.changed() => break,
        }
    }
    if connection.ends != Ends::AtOnce {
        let _ = timeout(FLUSH_MAX, writer.write_all(connection.unwritten())).await;
        let _ = timeout(FLUSH_MAX, writer.shutdown()).await;
    }
}

/// Whether a connection ends from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    No,
    /// Once what it was told is written.
    AfterReplies,
    AtOnce,
}

/// A connection without its socket. Its session ends with it.
#[derive(Debug)]
struct Connection {
    world: Arc<World>,
    id: u64,
    parser: RequestParser,
    out: Vec<u8>,
    written: usize,
    ends: Ends,
    /// The peer sends no more.
    input_ended: bool,
    is_blocked: bool,
    until: Option<Timestamp>,
}

impl Connection {
    fn new(world: Arc<World>, id: u64) -> Self {
        let parser = RequestParser::new(world.options.limits());
        Self {
            world,
            id,
            parser,
            out: Vec::new(),
            written: 0,
            ends: Ends::No,
            input_ended: false,
            is_blocked: false,
            until: None,
        }
    }

    /// Answers every whole request that came, and takes what others left.
    fn process(&mut self) {
        let Self { world, id, parser, out, .. } = self;
        let now = world.now();
        let mut state = world.lock();
        if out.len() - self.written < MESSAGES_AHEAD {
            state.take_inbox(*id, out);
        }
        loop {
            let Some(peer) = state.peer(*id).filter(|peer| !peer.is_over) else {
                self.ends = Ends::AtOnce;
                return;
            };
            self.is_blocked = peer.blocked.is_some();
            self.until = peer.blocked.as_ref().and_then(|block| block.until);
            if peer.session.quits() {
                self.ends = Ends::AfterReplies;
                return;
            }
            let is_slow = out.len() - self.written > world.options.output_bytes_max;
            if self.is_blocked || is_slow {
                return;
            }
            match parser.next_request(peer.session.is_authenticated()) {
                Ok(None) => return,
                Ok(Some(args)) if is_http(&args) => {
                    self.ends = Ends::AtOnce;
                    return;
                }
                Ok(Some(args)) => state.serve(now, *id, &args, out),
                Err(RequestError::Protocol(message)) => {
                    encode_reply(&Value::Error(message), 2, out);
                    self.ends = Ends::AfterReplies;
                    return;
                }
                Err(_) => {
                    self.ends = Ends::AtOnce;
                    return;
                }
            }
        }
    }

    fn feed(&mut self, incoming: &mut Vec<u8>) {
        self.parser.feed(incoming);
        let was_full = incoming.len() == incoming.capacity();
        incoming.clear();
        if was_full && incoming.capacity() < READ_BYTES_MAX {
            incoming.reserve(incoming.capacity() * 2);
        }
    }

    /// While nothing can be answered, little is read: only to see whether the peer is still there.
    fn may_read(&self) -> bool {
        let is_slow = self.out.len() - self.written > self.world.options.output_bytes_max;
        let may_answer = !(self.is_blocked || is_slow);
        !self.input_ended && (may_answer || self.parser.waiting() < READ_AHEAD_MAX)
    }

    /// Whether a peer that sends no more was told all that it asked for. One that waits is gone.
    fn is_done(&self) -> bool {
        self.input_ended && (self.is_blocked || !self.has_output())
    }

    fn has_output(&self) -> bool {
        self.written < self.out.len()
    }

    fn unwritten(&self) -> &[u8] {
        self.out.get(self.written..).unwrap_or_default()
    }

    fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= self.out.len() {
            self.written = 0;
            self.out.clear();
            self.out.shrink_to(READ_BYTES_MAX);
        } else if self.written > READ_AHEAD_MAX {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }

    fn deadline(&self) -> Instant {
        let now = self.world.now();
        let left = self.until.map(|until| until.as_ms().saturating_sub(now.as_ms()));
        Instant::now() + left.map_or(FOREVER, Duration::from_millis).min(FOREVER)
    }

    fn time_out(&mut self) {
        let now = self.world.now();
        self.world.lock().time_out(now, self.id, &mut self.out);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.world.close(self.id);
    }
}

/// Whether a browser was made to talk to this port: the rest of what it sends must not be run
/// (`securityWarningCommand` of Redis).
fn is_http(args: &[Vec<u8>]) -> bool {
    let name = args.first().map(Vec::as_slice).unwrap_or_default();
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}
