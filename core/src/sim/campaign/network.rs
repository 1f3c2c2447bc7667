//! Connections as pairs of pipes that delay, cut, hold and drop what they carry.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::coverage::{Coverage, Happening};
use super::queue::{Event, Queue, Side};
use crate::rng::Rng;

/// What a pipe carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// The client wants a connection, or the server accepts it.
    Open,
    /// Nobody listens.
    Refused,
    Bytes(Vec<u8>),
    /// No more bytes come.
    End,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Pipe {
    chunks: VecDeque<(u64, Chunk)>,
    last_at: u64,
    /// Nothing that is handed in from now on arrives.
    is_cut: bool,
}

impl Pipe {
    fn push(&mut self, at: u64, chunk: Chunk) -> u64 {
        let at = at.max(self.last_at);
        self.last_at = at;
        self.chunks.push_back((at, chunk));
        at
    }

    /// Keeps a part of what is on its way, cut at any byte, and drops the rest.
    fn cut(&mut self, rng: &mut Rng) -> bool {
        self.is_cut = true;
        let bytes: usize = self.chunks.iter().map(|(_, chunk)| chunk.len()).sum();
        let bytes_max = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut left = usize::try_from(rng.between(0, bytes_max)).unwrap_or(bytes);
        let was_amid = left > 0 && left < bytes;
        for (_, chunk) in &mut self.chunks {
            if let Chunk::Bytes(bytes) = chunk {
                bytes.truncate(left);
                left -= bytes.len();
            }
        }
        was_amid
    }
}

impl Chunk {
    fn len(&self) -> usize {
        if let Self::Bytes(bytes) = self { bytes.len() } else { 0 }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) host: usize,
    to_server: Pipe,
    to_client: Pipe,
    /// Whether the client has given it up.
    pub(super) is_abandoned: bool,
}

/// All connections, and the way between clients and server.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) wires: Vec<Wire>,
    /// One way, in milliseconds.
    pub(super) latency_ms: u64,
    /// What comes on top while the network is slow.
    pub(super) extra_ms: u64,
    /// Until when nothing gets through to the server and to the clients.
    held_until: [u64; 2],
}

const fn index(to: Side) -> usize {
    match to {
        Side::Server => 0,
        Side::Client => 1,
    }
}

impl Network {
    /// Begins a connection; its number.
    pub(super) fn open(&mut self, now: u64, queue: &mut Queue, host: usize) -> usize {
        let wire = Wire {
            host,
            to_server: Pipe::default(),
            to_client: Pipe::default(),
            is_abandoned: false,
        };
        self.wires.push(wire);
        let wire = self.wires.len() - 1;
        self.send(now, queue, wire, Side::Server, Chunk::Open);
        wire
    }

    fn pipe(&mut self, wire: usize, to: Side) -> Option<&mut Pipe> {
        let wire = self.wires.get_mut(wire)?;
        Some(match to {
            Side::Server => &mut wire.to_server,
            Side::Client => &mut wire.to_client,
        })
    }

    pub(super) fn send(
        &mut self,
        now: u64,
        queue: &mut Queue,
        wire: usize,
        to: Side,
        chunk: Chunk,
    ) {
        let at = (now + self.latency_ms + self.extra_ms).max(self.held_until[index(to)]);
        let Some(pipe) = self.pipe(wire, to) else { return };
        if pipe.is_cut {
            return;
        }
        let at = pipe.push(at, chunk);
        queue.plan(at, Event::Arrive { wire, to });
    }

    /// What has arrived. What is held arrives later.
    pub(super) fn arrive(
        &mut self,
        now: u64,
        queue: &mut Queue,
        wire: usize,
        to: Side,
    ) -> Option<Chunk> {
        let held_until = self.held_until[index(to)];
        let pipe = self.pipe(wire, to)?;
        let (at, _) = pipe.chunks.front()?;
        if *at > now {
            return None;
        }
        if held_until > now {
            queue.plan(held_until, Event::Arrive { wire, to });
            return None;
        }
        pipe.chunks.pop_front().map(|(_, chunk)| chunk)
    }

    /// Nothing gets through to this side until then; it is not lost, though.
    pub(super) fn hold(&mut self, to: Side, until: u64) {
        let held_until = &mut self.held_until[index(to)];
        *held_until = (*held_until).max(until);
    }

    /// The network works again.
    pub(super) fn heal(&mut self) {
        self.held_until = [0, 0];
        self.extra_ms = 0;
    }

    /// One end closes: what it sent still arrives, perhaps late.
    pub(super) fn close(&mut self, now: u64, queue: &mut Queue, wire: usize, to: Side) {
        self.send(now, queue, wire, to, Chunk::End);
        if let Some(pipe) = self.pipe(wire, to) {
            pipe.is_cut = true;
        }
    }

    /// The client gives a connection up. Late bytes arrive `late_ms` later than they would have.
    pub(super) fn abandon(&mut self, now: u64, queue: &mut Queue, wire: usize, late_ms: u64) {
        let Some(record) = self.wires.get_mut(wire) else { return };
        if record.is_abandoned {
            return;
        }
        record.is_abandoned = true;
        record.to_client.is_cut = true;
        record.to_client.chunks.clear();
        for (at, _) in &mut record.to_server.chunks {
            *at += late_ms;
        }
        record.to_server.last_at += late_ms;
        let times: Vec<u64> = record.to_server.chunks.iter().map(|(at, _)| *at).collect();
        for at in times.into_iter().filter(|_| late_ms > 0) {
            queue.plan(at, Event::Arrive { wire, to: Side::Server });
        }
        self.close(now, queue, wire, Side::Server);
    }

    /// What connections that a client gave up still carry arrives at this time, if it was to arrive
    /// later; of how many.
    pub(super) fn release_late(
        &mut self,
        now: u64,
        at: u64,
        queue: &mut Queue,
        host: usize,
    ) -> u64 {
        let mut released = 0;
        let wires = self.wires.iter_mut().enumerate();
        for (wire, record) in wires.filter(|(_, wire)| wire.host == host && wire.is_abandoned) {
            let pipe = &mut record.to_server;
            let is_late = |(due, chunk): &(u64, Chunk)| *due > now && chunk.len() > 0;
            released += u64::from(pipe.chunks.iter().any(is_late));
            for (due, _) in pipe.chunks.iter_mut().filter(|(due, _)| *due > at) {
                *due = at;
                queue.plan(at, Event::Arrive { wire, to: Side::Server });
            }
        }
        released
    }

    /// The connection breaks: a part of what is on its way arrives, and then its end.
    pub(super) fn cut(
        &mut self,
        now: u64,
        queue: &mut Queue,
        wire: usize,
        rng: &mut Rng,
        coverage: &mut Coverage,
    ) {
        let is_open = |pipe: &Pipe| !pipe.is_cut;
        if self.wires.get(wire).is_some_and(|wire| is_open(&wire.to_server)) {
            coverage.count(Happening::ConnectionCut);
        }
        for to in [Side::Server, Side::Client] {
            let Some(pipe) = self.pipe(wire, to).filter(|pipe| !pipe.is_cut) else { continue };
            if pipe.cut(rng) {
                coverage.count(match to {
                    Side::Server => Happening::CommandCutAmid,
                    Side::Client => Happening::ReplyCutAmid,
                });
            }
            let at = pipe.push(now, Chunk::End);
            queue.plan(at, Event::Arrive { wire, to });
        }
    }
}
