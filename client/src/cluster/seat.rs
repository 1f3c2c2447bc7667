//! A shard's place in its cluster: which slots are its own, and who serves them.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use outlast_core::cluster::{SLOTS, slot_of_call};
use outlast_core::{Failure, FailureKind};

use super::Chart;
use crate::config::Config;
use crate::dial::{self, Deadline, Link};
use crate::endpoint::Place;

const WORDS: usize = SLOTS as usize / 64;

/// A set of slots that threads share.
struct Slots([AtomicU64; WORDS]);

impl Slots {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; WORDS])
    }

    fn has(&self, slot: u16) -> bool {
        let word = self.0.get(usize::from(slot / 64));
        word.is_some_and(|word| word.load(Ordering::Acquire) & (1 << (slot % 64)) != 0)
    }

    fn set(&self, slot: u16, is_member: bool) {
        let Some(word) = self.0.get(usize::from(slot / 64)) else { return };
        let bit = 1 << (slot % 64);
        if is_member {
            word.fetch_or(bit, Ordering::AcqRel);
        } else {
            word.fetch_and(!bit, Ordering::AcqRel);
        }
    }
}

/// What a shard knows of its cluster.
pub(crate) struct Seat {
    chart: Weak<dyn Chart>,
    slots: Slots,
    master: Mutex<Option<Place>>,
    /// A slot that this master serves, plus one; 0 where none is known. Slots that are kept for what waits
    /// may be another's by now.
    served: AtomicU32,
    /// Whether it is a replica's, which is only read from.
    is_reader: bool,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("master", &self.master()).finish_non_exhaustive()
    }
}

impl Seat {
    pub(super) fn new(chart: Weak<dyn Chart>, master: Option<Place>) -> Self {
        let served = AtomicU32::new(0);
        let is_reader = false;
        Self { chart, slots: Slots::new(), master: Mutex::new(master), served, is_reader }
    }

    /// The seat of a replica.
    pub(super) fn of_reader(chart: Weak<dyn Chart>, place: Place) -> Self {
        Self { is_reader: true, ..Self::new(chart, Some(place)) }
    }

    /// Whether a slot is its own.
    pub(super) fn has(&self, slot: u16) -> bool {
        self.slots.has(slot)
    }

    pub(super) fn set(&self, slot: u16, is_own: bool) {
        self.slots.set(slot, is_own);
    }

    /// Its slots, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = u16> {
        (0..SLOTS).filter(|slot| self.has(*slot))
    }

    /// Whether what a command touches is its own.
    pub(crate) fn holds<A: AsRef<[u8]>>(&self, args: &[A]) -> bool {
        slot_of_call(args).ok().flatten().is_none_or(|slot| self.has(slot))
    }

    /// Who serves its slots, as far as is known.
    pub(crate) fn master(&self) -> Option<Place> {
        self.master.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names who serves its slots; whether that was another before.
    pub(super) fn set_master(&self, master: Place) -> bool {
        let mut own = self.master.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = own.as_ref().is_some_and(|own| *own != master);
        *own = Some(master);
        is_other
    }

    /// Names a slot that the master serves.
    pub(super) fn set_served(&self, slot: u16) {
        self.served.store(u32::from(slot) + 1, Ordering::Release);
    }

    /// The first connection of an outage's end: the cluster is asked anew who serves the slots.
    pub(crate) async fn dial(&self, config: &Config, timeout: Duration) -> Result<Link, Failure> {
        let deadline = Deadline::after(timeout);
        if self.is_reader {
            return self.reach(config, deadline).await;
        }
        let chart = self.chart()?;
        let topology = dial::cluster::ask(chart.config(), &chart.nodes(), deadline).await?;
        chart.apply(&topology);
        drop(chart);
        self.reach(config, deadline).await
    }

    /// A further connection to the same master.
    pub(crate) async fn dial_again(
        &self,
        config: &Config,
        timeout: Duration,
    ) -> Result<Link, Failure> {
        self.reach(config, Deadline::after(timeout)).await
    }

    async fn reach(&self, config: &Config, deadline: Deadline) -> Result<Link, Failure> {
        let master = self.master().ok_or_else(|| {
            Failure::new(FailureKind::ClusterDown, "no master of the cluster serves its slots")
        })?;
        let served = self.served.load(Ordering::Acquire).checked_sub(1);
        let served = served.and_then(|slot| u16::try_from(slot).ok());
        if self.is_reader {
            return dial::cluster::dial_replica(config, &master, served, deadline).await;
        }
        dial::cluster::dial(config, &master, served, deadline).await
    }

    /// A connection to whoever serves a slot that is elsewhere: what waits for it is written back there.
    pub(crate) async fn dial_elsewhere(
        &self,
        config: &Config,
        place: &Place,
        timeout: Duration,
    ) -> Result<Link, Failure> {
        dial::cluster::dial(config, place, None, Deadline::after(timeout)).await
    }

    fn chart(&self) -> Result<Arc<dyn Chart>, Failure> {
        let gone = || Failure::new(FailureKind::UnknownError, "the client is closed");
        self.chart.upgrade().ok_or_else(gone)
    }
}
