//! The shards of a cluster, and whose a slot is.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, Weak,
};
use std::time::{Duration, Instant};

use outlast_core::cluster::{Node, SLOTS, Topology};
use outlast_core::{Error, Failure, Input, Mode};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::modes::Modes;
use super::whole::Kept;
use super::{Chart, Seat};
use crate::config::Config;
use crate::dial::{self, Deadline};
use crate::driver::Driver;
use crate::endpoint::Place;
use crate::events::Sink;
use crate::gate::{Gate, SIGNAL_CHECK};
use crate::host::entropy;
use crate::transport::Transport;

/// The shortest time between two looks at who serves what, beyond those that dials take.
const LOOKS_APART: Duration = Duration::from_millis(50);

/// A shard: all that a client of one server is.
#[derive(Debug)]
pub(crate) struct Member<T> {
    /// In the order in which they came: connections of several are taken in this order.
    pub(crate) number: u64,
    pub(crate) gate: Arc<Gate>,
    pub(crate) transport: Arc<T>,
    pub(crate) seat: Arc<Seat>,
    /// Slots of others may be on their way to it, though it has none.
    pub(super) asked_at: Mutex<Instant>,
    /// The replica that it is read from, if it is.
    pub(super) reader: Mutex<Option<Arc<Self>>>,
}

/// Who there is, and whose each slot is.
pub(super) struct Map<T> {
    pub(super) owners: Vec<Arc<Member<T>>>,
    /// In the order of their lowest slots.
    pub(super) members: Vec<Arc<Member<T>>>,
}

/// How many looks at who serves what there were.
#[derive(Clone, Copy, Default)]
struct Looks {
    begun: u64,
    ended: u64,
}

/// The shards of one client.
pub(crate) struct Fleet<T: Transport> {
    pub(crate) config: Config,
    pub(super) modes: Arc<Modes>,
    make: fn(Arc<Gate>) -> T,
    pub(super) map: RwLock<Map<T>>,
    /// Nodes that told or were told of, the likeliest to know first.
    nodes: Mutex<Vec<Place>>,
    /// Replicas that were told of last.
    pub(super) replicas: Mutex<Vec<Place>>,
    /// One topology is taken at a time.
    pub(super) applying: Mutex<()>,
    /// Whether a node has ever told who serves what.
    pub(super) is_charted: AtomicBool,
    next_number: AtomicU64,
    /// Whose turn it is where any will do.
    turn: AtomicUsize,
    home: OnceLock<Handle>,
    drivers: Mutex<Vec<JoinHandle<()>>>,
    /// Wakes who looks: the node to ask first.
    wanted: Mutex<Option<Place>>,
    look: Notify,
    looks: Mutex<Looks>,
    looked: Condvar,
    looked_async: Notify,
    closed: AtomicBool,
    pub(super) kept: Kept,
    /// Which of several replicas this client reads from.
    pub(super) spread: usize,
    pub(super) this: Weak<Self>,
}

impl<T: Transport> fmt::Debug for Fleet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<T: Transport> Fleet<T> {
    /// A cluster that nobody was asked about yet: one shard has every slot until a node tells more.
    pub(crate) fn new(config: Config, sink: Arc<dyn Sink>, make: fn(Arc<Gate>) -> T) -> Arc<Self> {
        let modes = Arc::new(Modes::new(sink));
        Arc::new_cyclic(|this: &Weak<Self>| {
            let nodes = config.endpoint.cluster().unwrap_or_default().to_vec();
            let map = RwLock::new(Map { owners: Vec::new(), members: Vec::new() });
            let fleet = Self {
                config,
                modes,
                make,
                map,
                nodes: Mutex::new(nodes),
                replicas: Mutex::default(),
                applying: Mutex::new(()),
                is_charted: AtomicBool::new(false),
                next_number: AtomicU64::new(0),
                turn: AtomicUsize::new(0),
                home: OnceLock::new(),
                drivers: Mutex::default(),
                wanted: Mutex::default(),
                look: Notify::new(),
                looks: Mutex::default(),
                looked: Condvar::new(),
                looked_async: Notify::new(),
                closed: AtomicBool::new(false),
                kept: Kept::default(),
                spread: usize::try_from(entropy() >> 33).unwrap_or_default(),
                this: this.clone(),
            };
            let first = fleet.member(this, fleet.config.clone(), None);
            (0..SLOTS).for_each(|slot| first.seat.set(slot, true));
            {
                let mut map = fleet.map.write().unwrap_or_else(PoisonError::into_inner);
                map.owners = vec![first.clone(); usize::from(SLOTS)];
                map.members.push(first);
            }
            fleet
        })
    }

    /// A shard without slots. It begins to dial once it [is begun](Self::begin).
    pub(super) fn member(
        &self,
        this: &Weak<Self>,
        config: Config,
        master: Option<Place>,
    ) -> Arc<Member<T>> {
        let chart: Weak<dyn Chart> = this.clone();
        let seat = Arc::new(Seat::new(chart, master));
        let number = self.next_number.load(Ordering::Relaxed);
        let sink = self.modes.of(number, this.clone());
        self.member_at(config, seat, sink)
    }

    /// The same with this seat, whose events go here. One is made at a time.
    pub(super) fn member_at(
        &self,
        config: Config,
        seat: Arc<Seat>,
        sink: Arc<dyn Sink>,
    ) -> Arc<Member<T>> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let gate = Arc::new(Gate::with_seat(config, sink, Some(seat.clone())));
        let transport = Arc::new((self.make)(gate.clone()));
        let asked_at = Mutex::new(Instant::now());
        Arc::new(Member { number, gate, transport, seat, asked_at, reader: Mutex::default() })
    }

    /// Begins the background work, here or on a thread of its own.
    pub(crate) fn start_on(self: &Arc<Self>, home: Handle) {
        if self.home.set(home).is_ok() {
            for member in self.members() {
                self.drive(&member);
            }
        }
    }

    /// Runs a shard's driver.
    pub(super) fn drive(&self, member: &Member<T>) {
        if let Some(home) = self.home.get() {
            let driver = Driver::new(member.gate.clone(), member.transport.clone());
            let driver = home.spawn(driver.run());
            let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
            drivers.retain(|driver| !driver.is_finished());
            drivers.push(driver);
        }
    }

    /// Takes a look at who serves what, now and then and when it is asked for, until the client is
    /// closed; then waits for the drivers.
    pub(crate) async fn tend(self: Arc<Self>) {
        let every = Duration::from_millis(self.config.policy.cluster_refresh_ms);
        while !self.is_closed() {
            tokio::select! {
                biased;
                () = self.look.notified() => {}
                () = sleep(every), if self.is_charted.load(Ordering::Acquire) => {}
            }
            if self.is_closed() {
                break;
            }
            self.looks().begun += 1;
            let first = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Who is away is told by the shards.
            let _ = self.take_a_look(first).await;
            self.looks().ended += 1;
            self.looked.notify_all();
            self.looked_async.notify_waiters();
            sleep(LOOKS_APART).await;
        }
        let drivers: Vec<_> = {
            let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
            drivers.drain(..).collect()
        };
        for driver in drivers {
            let _ = driver.await;
        }
    }

    async fn take_a_look(&self, first: Option<Place>) -> Result<(), Failure> {
        let mut nodes = Chart::nodes(self);
        if let Some(first) = first {
            nodes.retain(|node| *node != first);
            nodes.insert(0, first);
        }
        let timeout = Duration::from_millis(self.config.policy.connect_timeout_ms);
        let topology = dial::cluster::ask(&self.config, &nodes, Deadline::after(timeout)).await?;
        self.apply(&topology);
        Ok(())
    }

    /// Waits for a look at who serves what that began after now, on the calling thread.
    pub(crate) fn wait_for_look(
        &self,
        first: Option<Place>,
        deadline: Instant,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        // One that is under way may have begun before.
        let wanted = self.looks().begun + 1;
        Chart::wants_refresh(self, first);
        loop {
            let looks = self.looks();
            let left = deadline.saturating_duration_since(Instant::now());
            if looks.ended >= wanted || left.is_zero() || self.is_closed() {
                return Ok(());
            }
            drop(self.looked.wait_timeout(looks, left.min(SIGNAL_CHECK)));
            interrupt()?;
        }
    }

    /// The same for a task.
    pub(crate) async fn look_taken(&self, first: Option<Place>) {
        let wanted = self.looks().begun + 1;
        Chart::wants_refresh(self, first);
        loop {
            let looked = self.looked_async.notified();
            if self.looks().ended >= wanted || self.is_closed() {
                return;
            }
            looked.await;
        }
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a command may still be sent again at this time: what is left must be enough for its reply,
    /// or it would look as if Redis did not answer.
    pub(crate) fn is_early(&self, at: Instant, deadline: Instant) -> bool {
        at + Duration::from_millis(self.config.policy.command_timeout_ms) / 4 < deadline
    }

    /// Every shard, in the order of their lowest slots.
    pub(crate) fn members(&self) -> Vec<Arc<Member<T>>> {
        self.read().members.clone()
    }

    /// A shard that is none of these, by their numbers, and is one of them from then on. Shards come as
    /// soon as the first node has told of them.
    pub(crate) fn next_but(&self, seen: &mut Vec<u64>) -> Option<Arc<Member<T>>> {
        let mut members = self.members().into_iter();
        let member = members.find(|member| !seen.contains(&member.number))?;
        seen.push(member.number);
        Some(member)
    }

    /// The shard that has a slot.
    pub(crate) fn owner(&self, slot: u16) -> Arc<Member<T>> {
        let map = self.read();
        // There is a shard for each slot, from the beginning.
        map.owners[usize::from(slot % SLOTS)].clone()
    }

    /// A shard for what has no key: one that is on Redis, where any is.
    pub(crate) fn any(&self) -> Arc<Member<T>> {
        let map = self.read();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = map.members.len();
        let in_turn = (0..count).map(|at| &map.members[(turn + at) % count]);
        let connected = in_turn.clone().find(|member| member.gate.is_connected());
        connected.unwrap_or(&map.members[turn % count]).clone()
    }

    /// The worst of all shards' modes.
    pub(crate) fn mode(&self) -> Mode {
        self.modes.worst()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes every shard; again does nothing.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // Nobody comes after this.
        let _one = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        for member in self.members() {
            member.close();
        }
        self.look.notify_one();
        self.looked.notify_all();
        self.looked_async.notify_waiters();
    }

    /// Begins to dial, at every shard.
    pub(crate) fn begin(&self) {
        for member in self.members() {
            member.gate.tell(Input::Start);
        }
    }

    /// Notes the nodes of a topology, before those that were known.
    pub(super) fn note_nodes(&self, topology: &Topology) {
        let place = |node: &Node| Place { host: node.host.clone(), port: node.port };
        let replicas = topology.shards.iter().flat_map(|shard| &shard.replicas).map(place);
        *self.replicas.lock().unwrap_or_else(PoisonError::into_inner) = replicas.collect();
        let mut nodes: Vec<Place> = topology.nodes().map(place).collect();
        // Those of the URL may be names that lead to others one day.
        for seed in self.config.endpoint.cluster().unwrap_or_default() {
            if !nodes.contains(seed) {
                nodes.push(seed.clone());
            }
        }
        *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }

    fn read(&self) -> RwLockReadGuard<'_, Map<T>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Chart for Fleet<T> {
    fn config(&self) -> &Config {
        &self.config
    }

    fn nodes(&self) -> Vec<Place> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn apply(&self, topology: &Topology) {
        self.take(topology);
    }

    fn wants_refresh(&self, first: Option<Place>) {
        if first.is_some() {
            *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = first;
        }
        self.look.notify_one();
    }
}
