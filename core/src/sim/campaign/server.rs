//! The model of Redis: the store behind connections, with a log from which a restart brings back what
//! it held at some time.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::clock;
use super::coverage::Happening;
use super::ledger::{Args, ids_in, is_marker};
use super::network::Chunk;
use super::queue::Side;
use super::shared::Shared;
use crate::command::{Command, Flags};
use crate::resp::{RequestLimits, RequestParser, Value, encode_reply};
use crate::store::{Answer, Session, Store};

/// Why the server answers with errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    ReadOnly,
    Loading,
    OutOfMemory,
    DiskError,
    BusyScript,
    MasterDown,
    MaxClients,
}

impl Trouble {
    pub(super) const ALL: [Self; 7] = [
        Self::ReadOnly,
        Self::Loading,
        Self::OutOfMemory,
        Self::DiskError,
        Self::BusyScript,
        Self::MasterDown,
        Self::MaxClients,
    ];

    pub(super) const fn happening(self) -> Happening {
        match self {
            Self::ReadOnly => Happening::ReadOnly,
            Self::Loading => Happening::Loading,
            Self::OutOfMemory => Happening::OutOfMemory,
            Self::DiskError => Happening::DiskError,
            Self::BusyScript => Happening::BusyScript,
            Self::MasterDown => Happening::MasterDown,
            Self::MaxClients => Happening::MaxClients,
        }
    }

    /// Redis' own words.
    const fn message(self) -> &'static str {
        match self {
            Self::ReadOnly => "READONLY You can't write against a read only replica.",
            Self::Loading => "LOADING Redis is loading the dataset in memory",
            Self::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.",
            Self::DiskError => {
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to \
                 persist to disk. Commands that may modify the data set are disabled, because this \
                 instance is configured to report errors during writes if RDB snapshotting fails \
                 (stop-writes-on-bgsave-error option). Please check the Redis logs for details \
                 about the RDB error."
            }
            Self::BusyScript => {
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN \
                 NOSAVE."
            }
            Self::MasterDown => {
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
            }
            Self::MaxClients => "ERR max number of clients reached",
        }
    }

    /// Whether a command is refused, as `processCommand` of Redis has it.
    fn refuses(self, args: &[Vec<u8>], queued: &[Args]) -> bool {
        let has = |args: &[Vec<u8>], flag: Flags| {
            Command::of(args).is_some_and(|command| command.flags.contains(flag))
        };
        let any_has = |flag: Flags| {
            has(args, flag) || is_exec(args) && queued.iter().any(|args| has(args, flag))
        };
        let name = args.first().map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::ReadOnly => any_has(Flags::WRITE),
            Self::OutOfMemory => any_has(Flags::DENYOOM),
            Self::DiskError => any_has(Flags::WRITE) || name == b"PING",
            Self::Loading | Self::BusyScript | Self::MasterDown => {
                !matches!(name, b"MULTI" | b"EXEC" | b"WATCH" | b"UNWATCH" | b"CLIENT")
                    || is_exec(args) && !queued.is_empty()
            }
            Self::MaxClients => false,
        }
    }
}

fn is_exec(args: &[Vec<u8>]) -> bool {
    args.first().is_some_and(|name| name == b"EXEC")
}

/// The server's end of a connection.
#[derive(Debug)]
struct Peer {
    session: Session,
    parser: RequestParser,
    /// Commands since MULTI.
    queued: Vec<Args>,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) store: Store,
    /// What was done: when, and the commands that were done at once.
    log: Vec<(u64, Vec<Args>)>,
    peers: BTreeMap<usize, Peer>,
    pub(super) is_up: bool,
    pub(super) is_stopped: bool,
    pub(super) trouble: Option<Trouble>,
    /// What arrived while it stood still.
    backlog: VecDeque<(usize, Chunk)>,
}

const BYTES_MAX: usize = 1 << 24;

impl Server {
    pub(super) fn new() -> Self {
        Self {
            store: Store::new(BYTES_MAX),
            log: Vec::new(),
            peers: BTreeMap::new(),
            is_up: true,
            is_stopped: false,
            trouble: None,
            backlog: VecDeque::new(),
        }
    }

    /// Something arrived over a connection.
    pub(super) fn take(&mut self, shared: &mut Shared, wire: usize, chunk: Chunk) {
        if self.is_stopped && self.is_up && chunk != Chunk::Open {
            self.backlog.push_back((wire, chunk));
            return;
        }
        match chunk {
            Chunk::Open if !self.is_up => shared.send(wire, Side::Client, Chunk::Refused),
            Chunk::Open => self.accept(shared, wire),
            Chunk::End => self.drop_peer(wire),
            Chunk::Bytes(bytes) => self.read(shared, wire, &bytes),
            Chunk::Refused => {}
        }
    }

    /// The kernel accepts also for a server that stands still.
    fn accept(&mut self, shared: &mut Shared, wire: usize) {
        shared.send(wire, Side::Client, Chunk::Open);
        if self.trouble == Some(Trouble::MaxClients) {
            let mut bytes = Vec::new();
            let error = Value::Error(Trouble::MaxClients.message().to_string());
            encode_reply(&error, 2, &mut bytes);
            shared.send(wire, Side::Client, Chunk::Bytes(bytes));
            shared.close(wire, Side::Client);
            return;
        }
        let session = self.store.open(clock::server(shared.now));
        let parser = RequestParser::new(RequestLimits::default());
        self.peers.insert(wire, Peer { session, parser, queued: Vec::new() });
    }

    fn drop_peer(&mut self, wire: usize) {
        if let Some(mut peer) = self.peers.remove(&wire) {
            self.store.close(&mut peer.session);
        }
    }

    fn read(&mut self, shared: &mut Shared, wire: usize, bytes: &[u8]) {
        let Some(mut peer) = self.peers.remove(&wire) else {
            // The kernel resets a connection that nobody has.
            shared.close(wire, Side::Client);
            return;
        };
        peer.parser.feed(bytes);
        let mut out = Vec::new();
        let mut killed = Vec::new();
        while let Ok(Some(args)) = peer.parser.next_request(true) {
            if let Some(victim) = killed_by(&args) {
                killed.push(victim);
                encode_reply(&Value::Integer(1), 2, &mut out);
                continue;
            }
            for reply in self.answer(shared, wire, &mut peer, args) {
                encode_reply(&reply, 2, &mut out);
            }
        }
        self.peers.insert(wire, peer);
        for victim in killed {
            if self.peers.contains_key(&victim) {
                shared.coverage.count(Happening::ConnectionKilled);
            }
            self.drop_peer(victim);
            shared.close(victim, Side::Client);
        }
        if !out.is_empty() {
            shared.send(wire, Side::Client, Chunk::Bytes(out));
        }
    }

    fn answer(
        &mut self,
        shared: &mut Shared,
        wire: usize,
        peer: &mut Peer,
        args: Args,
    ) -> Vec<Value> {
        let refusal = self.trouble.filter(|trouble| trouble.refuses(&args, &peer.queued));
        if let Some(trouble) = refusal {
            return vec![self.refuse(shared, trouble, peer, &args)];
        }
        let now = clock::server(shared.now);
        let was_queueing = peer.session.queue.is_some();
        let Answer::Replies(replies) = self.store.serve(now, &mut peer.session, &args) else {
            return vec![Value::Error("ERR unknown command".into())];
        };
        let is_queueing = peer.session.queue.is_some();
        match (was_queueing, is_queueing) {
            (true, true) => peer.queued.push(args),
            (true, false) => {
                let queued = core::mem::take(&mut peer.queued);
                if let (true, Some(Value::Array(results))) = (is_exec(&args), replies.last()) {
                    let ended = queued.into_iter().zip(results);
                    let done = ended.filter(|(_, result)| result.as_error().is_none());
                    self.done(shared, wire, done.map(|(args, _)| args).collect());
                }
            }
            (false, _) => {
                if replies.iter().all(|reply| reply.as_error().is_none()) {
                    self.done(shared, wire, vec![args]);
                }
            }
        }
        replies
    }

    /// What a transaction's command is refused for has EXEC refused.
    fn refuse(
        &mut self,
        shared: &Shared,
        trouble: Trouble,
        peer: &mut Peer,
        args: &[Vec<u8>],
    ) -> Value {
        let message = trouble.message();
        if !is_exec(args) {
            if let Some(queue) = &mut peer.session.queue {
                queue.broken = true;
            }
            return Value::Error(message.to_string());
        }
        peer.queued.clear();
        let now = clock::server(shared.now);
        self.store.serve(now, &mut peer.session, &["DISCARD"]);
        Value::Error(format!("EXECABORT Transaction discarded because of: {message}"))
    }

    /// Notes what was written.
    fn done(&mut self, shared: &mut Shared, wire: usize, commands: Vec<Args>) {
        let writes = |args: &Args| {
            Command::of(args).is_some_and(|command| command.flags.contains(Flags::WRITE))
        };
        let commands: Vec<Args> = commands.into_iter().filter(writes).collect();
        if commands.is_empty() {
            return;
        }
        let is_late = shared.network.wires.get(wire).is_some_and(|wire| wire.is_abandoned);
        for args in &commands {
            shared.ledger.applied(shared.now, args, is_late);
        }
        if is_late {
            let is_batch = commands.iter().any(|args| is_marker(args));
            shared.coverage.count(if is_batch {
                Happening::LateBatch
            } else {
                Happening::LateWrite
            });
        }
        shared
            .tell(|| format!("server: {}{}", if is_late { "late " } else { "" }, text(&commands)));
        let pairs = commands.iter().flatten().filter(|key| key.starts_with(b"left:"));
        let pairs: Vec<Vec<u8>> = pairs.cloned().collect();
        self.log.push((shared.now, commands));
        for left in pairs {
            self.compare(shared, &left);
        }
    }

    /// Both sides of a pair are always the same.
    fn compare(&self, shared: &mut Shared, left: &[u8]) {
        let right = [b"right:", left.strip_prefix(b"left:").unwrap_or_default()].concat();
        let [left_value, right_value] =
            [left, right.as_slice()].map(|key| self.get(shared.now, key));
        if left_value != right_value && shared.ledger.torn.is_none() {
            let key = String::from_utf8_lossy(left).into_owned();
            let torn = format!("{key}: {left_value:?} beside {right_value:?}");
            shared.ledger.torn = Some((torn, shared.now));
        }
    }

    /// What it holds at a key, for the checks.
    pub(super) fn get(&self, now: u64, key: &[u8]) -> Option<Vec<u8>> {
        let reply = self.store.execute(clock::server(now), &[b"GET", key], false);
        reply.ok().and_then(|value| value.as_bulk().map(<[u8]>::to_vec))
    }

    /// The operations in a list or in the one field of a hash; none where it is of another type.
    pub(super) fn list(&self, now: u64, key: &[u8]) -> Option<Vec<usize>> {
        let args: [&[u8]; 4] = [b"LRANGE", key, b"0", b"-1"];
        let reply = self.store.execute(clock::server(now), &args, false);
        let Ok(Value::Array(items)) = reply else { return None };
        let mut args = vec![b"RPUSH".to_vec(), key.to_vec()];
        args.extend(items.iter().filter_map(Value::as_bulk).map(<[u8]>::to_vec));
        Some(ids_in(&args))
    }

    pub(super) fn field(&self, now: u64, key: &[u8]) -> Option<Vec<u8>> {
        let args: [&[u8]; 3] = [b"HGET", key, b"field"];
        let reply = self.store.execute(clock::server(now), &args, false);
        reply.ok().and_then(|value| value.as_bulk().map(<[u8]>::to_vec))
    }

    /// It dies: every connection is reset.
    pub(super) fn kill(&mut self, shared: &mut Shared) {
        self.is_up = false;
        self.backlog.clear();
        let wires: Vec<usize> = self.peers.keys().copied().collect();
        for wire in wires {
            self.drop_peer(wire);
            shared.close(wire, Side::Client);
        }
    }

    /// It starts with what it held at a time.
    pub(super) fn restart(&mut self, shared: &mut Shared, as_of: u64) {
        self.is_up = true;
        self.is_stopped = false;
        let kept = self.log.partition_point(|(at, _)| *at <= as_of);
        let lost = self.log.split_off(kept);
        if lost.is_empty() {
            return;
        }
        self.store = Store::new(BYTES_MAX);
        for (at, commands) in &self.log {
            for args in commands {
                let _ = self.store.execute(clock::server(*at), args, false);
            }
        }
        for args in lost.iter().flat_map(|(_, commands)| commands) {
            shared.ledger.lost(args);
        }
    }

    /// It stood still, and goes on with what arrived.
    pub(super) fn resume(&mut self, shared: &mut Shared) {
        self.is_stopped = false;
        while let Some((wire, chunk)) = self.backlog.pop_front() {
            self.take(shared, wire, chunk);
        }
    }

    /// A third party gives a key another type: what was in it is gone.
    pub(super) fn retype(&mut self, shared: &mut Shared, key: &[u8]) {
        let now = shared.now;
        if self.get(now, key).is_some() {
            return;
        }
        for id in self.list(now, key).unwrap_or_default() {
            if let Some(op) = shared.ledger.ops.get_mut(id) {
                op.was_lost = true;
                op.applied = 0;
            }
        }
        let key = key.to_vec();
        let commands = vec![vec![b"SET".to_vec(), key, b"text".to_vec()]];
        let _ = self.store.execute(clock::server(now), &commands[0], false);
        self.log.push((now, commands));
    }
}

/// The connection that a command kills.
fn killed_by(args: &[Vec<u8>]) -> Option<usize> {
    let [client, kill, id, number] = args else { return None };
    let is_kill = client == b"CLIENT" && kill == b"KILL" && id == b"ID";
    is_kill.then(|| core::str::from_utf8(number).ok()?.parse().ok())?
}

/// Commands as a person reads them.
pub(super) fn text(commands: &[Args]) -> String {
    let line = |args: &Args| String::from_utf8_lossy(&args.join(&b' ')).into_owned();
    commands.iter().map(line).collect::<Vec<_>>().join("; ")
}
