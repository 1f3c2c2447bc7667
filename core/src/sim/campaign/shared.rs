//! What clients and server have in common: time, network, what is planned and what happened.

use alloc::string::String;
use alloc::vec::Vec;

use super::Settings;
use super::coverage::{Coverage, Happening};
use super::ledger::Ledger;
use super::network::{Chunk, Network};
use super::queue::{Event, Queue, Side};
use super::sabotage::Sabotage;
use crate::rng::Rng;

/// The world around clients and server.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) now: u64,
    pub(super) queue: Queue,
    pub(super) network: Network,
    pub(super) ledger: Ledger,
    pub(super) coverage: Coverage,
    pub(super) rng: Rng,
    pub(super) settings: Settings,
    /// What happened, line by line, where somebody wants to read it.
    pub(super) told: Vec<String>,
    /// When all faults end.
    pub(super) calm_at: u64,
    /// Whether names resolve.
    pub(super) resolves: bool,
}

impl Shared {
    pub(super) fn new(seed: u64, settings: Settings) -> Self {
        Self {
            now: 0,
            queue: Queue::default(),
            network: Network::default(),
            ledger: Ledger::default(),
            coverage: Coverage::default(),
            rng: Rng::new(seed),
            settings,
            told: Vec::new(),
            calm_at: 0,
            resolves: true,
        }
    }

    pub(super) fn plan(&mut self, at: u64, event: Event) {
        self.queue.plan(at.max(self.now), event);
    }

    pub(super) fn plan_in(&mut self, after_ms: u64, event: Event) {
        self.queue.plan(self.now + after_ms, event);
    }

    pub(super) fn send(&mut self, wire: usize, to: Side, chunk: Chunk) {
        self.network.send(self.now, &mut self.queue, wire, to, chunk);
    }

    /// The other end of a connection closes it.
    pub(super) fn close(&mut self, wire: usize, to: Side) {
        self.network.close(self.now, &mut self.queue, wire, to);
    }

    /// A connection breaks.
    pub(super) fn cut(&mut self, wire: usize) {
        let Self { now, queue, network, rng, coverage, .. } = self;
        network.cut(*now, queue, wire, rng, coverage);
    }

    /// Nothing gets through to this side until then.
    pub(super) fn hold(&mut self, to: Side, until: u64) {
        self.coverage.count(match to {
            Side::Server => Happening::SwallowedToServer,
            Side::Client => Happening::SwallowedToClient,
        });
        self.network.hold(to, until);
    }

    /// What connections that a client gave up still carry arrives now.
    pub(super) fn release_late(&mut self, host: usize, way_ms: u64) {
        let at = self.now + self.rng.between(0, 2 * way_ms + 1);
        let released = self.network.release_late(self.now, at, &mut self.queue, host);
        self.coverage.add(Happening::LateReleased, released);
    }

    /// Nothing gets through to this side for a while, but not beyond the end of all faults.
    pub(super) fn hold_for(&mut self, to: Side, for_ms: u64) {
        let for_ms = self.rng.between(1, for_ms);
        self.hold(to, (self.now + for_ms).min(self.calm_at));
    }

    /// Whether something is done wrong on purpose.
    pub(super) fn is_sabotaged(&self, sabotage: Sabotage) -> bool {
        self.settings.sabotage == Some(sabotage)
    }

    /// True once in `times`.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.rng.between(1, times) == 1
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.settings.trace {
            let line = alloc::format!("{:>9} {}", self.now, line());
            self.told.push(line);
        }
    }
}
