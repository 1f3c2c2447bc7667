//! One client: the real engine, store, replay and connections, with what the crate `outlast` does
//! around them: its gate, its driver and its transports, without threads and sockets.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::check::kind_in;
use super::clock;
use super::ledger::Ending;
use super::link::{Link, Role};
use super::plan::HostPlan;
use super::queue::Event;
use super::sabotage::Sabotage;
use super::shared::Shared;
use crate::engine::Engine;
use crate::input::Input;
use crate::kind::FailureKind;
use crate::output::Output;
use crate::policy::Policy;
use crate::record::{Level, RecordCode};
use crate::status::Mode;
use crate::store::{Eviction, Options, Store};
use crate::time::Timestamp;

/// What the engine wants of the driver.
#[derive(Clone, Copy, Debug)]
enum Action {
    Dial { dial: u64, timeout_ms: u64 },
    Close,
    Replay { epoch: u64 },
}

/// A command that waits for the startup or for a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) op: usize,
    pub(super) deadline: Timestamp,
}

/// A dial as the checks see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DialSeen {
    pub(super) began: u64,
    /// When and how it failed; a time alone where it succeeded.
    pub(super) ended: Option<(u64, Option<FailureKind>)>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what is true of it, independently")]
pub(super) struct Host {
    pub(super) index: usize,
    pub(super) plan: HostPlan,
    /// What it should follow. The engine's own is another where it is sabotaged.
    pub(super) policy: Policy,
    pub(super) engine: Engine,
    pub(super) store: Store,
    pub(super) client_id: String,
    pub(super) mode: Mode,
    pub(super) epoch: u64,
    pub(super) serving: bool,
    pub(super) started: bool,
    timer: Option<Timestamp>,
    actions: VecDeque<Action>,
    pub(super) links: Vec<Link>,
    pub(super) waiting: VecDeque<Waiting>,
    /// Commands whose threads are put off before they reach the store.
    pub(super) paused: Vec<Waiting>,
    pub(super) is_growing: bool,
    /// How far its clock jumped.
    pub(super) jumped_ms: u64,
    /// Connections given up since the last replay began.
    pub(super) abandoned: Vec<usize>,
    pub(super) exchanges: u64,
    pub(super) dials: Vec<DialSeen>,
    pub(super) lines: Vec<(u64, Level, RecordCode)>,
    /// When it came to be connected.
    pub(super) connected: Vec<u64>,
    /// When its clock jumped.
    pub(super) jumps: Vec<u64>,
    /// Kinds of failure that its engine was told of.
    pub(super) kinds: BTreeSet<FailureKind>,
    pub(super) incidents: u64,
    /// Commands that Redis answered since the engine was told.
    pub(super) finished: u64,
    /// Whether the command that memory is about to answer may have been done by Redis.
    pub(super) in_doubt: bool,
    /// Which callers wait for an answer.
    pub(super) is_busy: Vec<bool>,
    /// When its mode was connected while something waited to be written back.
    pub(super) unclean_at: Option<u64>,
    /// Whether it was connected with nothing to write back at each moment when all was calm.
    pub(super) settled: Vec<bool>,
}

impl Host {
    pub(super) fn new(index: usize, plan: HostPlan, policy: Policy, shared: &Shared) -> Self {
        let mut followed = policy.clone();
        if shared.is_sabotaged(Sabotage::DialWithoutDelay) {
            followed.server_delay_ms = 1;
            followed.server_delay_ms_max = 1;
            followed.network_delay_ms = 1;
            followed.network_delay_ms_max = 1;
        }
        if shared.is_sabotaged(Sabotage::LogEveryFailure) {
            followed.log_interval_ms = 0;
        }
        let callers = plan.callers;
        Self {
            index,
            engine: Engine::new(followed, "redis://model:6379", plan.seed),
            store: new_store(&policy, plan.seed),
            client_id: format!("client-{index}"),
            plan,
            policy,
            mode: Mode::Degraded,
            epoch: 0,
            serving: false,
            started: false,
            timer: None,
            actions: VecDeque::new(),
            links: Vec::new(),
            waiting: VecDeque::new(),
            paused: Vec::new(),
            is_growing: false,
            jumped_ms: 0,
            abandoned: Vec::new(),
            exchanges: 0,
            dials: Vec::new(),
            lines: Vec::new(),
            connected: Vec::new(),
            jumps: Vec::new(),
            kinds: BTreeSet::new(),
            incidents: 0,
            finished: 0,
            in_doubt: false,
            is_busy: vec![false; callers],
            unclean_at: None,
            settled: Vec::new(),
        }
    }

    /// What its clock shows.
    pub(super) fn now(&self, shared: &Shared) -> Timestamp {
        clock::server(shared.now + self.jumped_ms)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.mode == Mode::Connected
    }

    pub(super) fn is_current(&self, epoch: u64) -> bool {
        self.is_connected() && self.epoch == epoch
    }

    /// Whether no connection was made after this one.
    pub(super) fn is_newest(&self, epoch: u64) -> bool {
        matches!(self.mode, Mode::Connected | Mode::Degraded) && self.epoch == epoch
    }

    /// Whether it is on Redis and has nothing to write back.
    pub(super) fn is_settled(&self) -> bool {
        self.is_connected() && self.store.journal().keys == 0
    }

    /// Tells the engine something, and does or keeps what it asks for.
    pub(super) fn tell(&mut self, shared: &mut Shared, input: Input) {
        let now = self.now(shared);
        let index = self.index;
        shared.tell(|| format!("client {index}: {input:?}"));
        self.kinds.extend(kind_in(&input));
        let finished = core::mem::take(&mut self.finished);
        if finished > 0 {
            let tally = Input::Tally { finished, served_locally: 0, refused: 0 };
            self.engine.handle(now, tally);
        }
        self.engine.handle(now, input);
        loop {
            let output = self.engine.poll_output();
            if let Output::Timeout { at_ms } = output {
                self.set_timer(shared, at_ms);
                break;
            }
            self.act(shared, output);
        }
        let after_ms = shared.rng.between(0, self.plan.drive_ms_max);
        shared.plan_in(after_ms, Event::Drive { host: index });
    }

    fn set_timer(&mut self, shared: &mut Shared, at: Option<Timestamp>) {
        if let Some(at) = at
            && self.timer != Some(at)
        {
            let at = clock::run_time(at, self.jumped_ms);
            shared.plan(at, Event::Timer { host: self.index });
        }
        self.timer = at;
    }

    fn act(&mut self, shared: &mut Shared, output: Output) {
        match output {
            Output::Dial { dial, timeout_ms } => {
                self.actions.push_back(Action::Dial { dial, timeout_ms });
            }
            Output::CloseConnection => self.actions.push_back(Action::Close),
            Output::Replay { epoch } => self.actions.push_back(Action::Replay { epoch }),
            Output::ModeChanged { mode, epoch, serving } => {
                let index = self.index;
                shared.tell(|| format!("client {index}: {mode:?}, connection {epoch}"));
                self.mode = mode;
                self.epoch = epoch;
                self.serving = serving;
                if mode == Mode::Connected {
                    self.started = true;
                    self.connected.push(shared.now);
                }
            }
            Output::StartupFinished { failure: Some(_), .. } => self.started = true,
            Output::Log { record } => {
                self.lines.push((shared.now, record.level, record.code));
            }
            Output::IncidentOpened { .. } => self.incidents += 1,
            Output::StartupFinished { failure: None, .. }
            | Output::IncidentClosed { .. }
            | Output::Timeout { .. } => {}
        }
    }

    /// The engine's timer may be due.
    pub(super) fn timer(&mut self, shared: &mut Shared) {
        if self.timer.is_some_and(|at| at <= self.now(shared)) {
            self.timer = None;
            self.tell(shared, Input::Timer);
        }
    }

    /// Its clock jumps forward.
    pub(super) fn jump(&mut self, shared: &mut Shared, by_ms: u64) {
        self.jumped_ms += by_ms;
        self.jumps.push(shared.now);
        let due = self.timer.map(|at| clock::run_time(at, self.jumped_ms));
        if let Some(due) = due {
            shared.plan(due, Event::Timer { host: self.index });
        }
        let timeout_ms = self.policy.command_timeout_ms;
        for op in self.pending() {
            let began = shared.ledger.ops.get(op).map_or(0, |op| op.began);
            let at = (began + timeout_ms).saturating_sub(by_ms);
            shared.plan(at, Event::Deadline { host: self.index, op });
        }
    }

    /// Every command that has not ended.
    fn pending(&self) -> Vec<usize> {
        let sent = self.links.iter().flat_map(|link| &link.sent).map(|pending| pending.op);
        sent.chain(self.waiting.iter().map(|waiting| waiting.op)).collect()
    }

    /// Does what the engine asked for since, as the driver does a moment later.
    pub(super) fn drive(&mut self, shared: &mut Shared) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Dial { dial, timeout_ms } => self.dial(shared, Some(dial), timeout_ms),
                Action::Close => self.close_links(shared),
                Action::Replay { epoch } => self.begin_replay(shared, epoch),
            }
        }
        self.go_on_waiting(shared);
        self.grow_if_wanted(shared);
    }

    /// Every connection is given up, and a dial that is under way.
    fn close_links(&mut self, shared: &mut Shared) {
        let links = core::mem::take(&mut self.links);
        let mut kept = Vec::new();
        let mut failed = Vec::new();
        for mut link in links {
            // A thread that waits for its reply goes on waiting, on a socket of its own.
            if self.plan.is_pool && matches!(link.role, Role::Serving) && !link.sent.is_empty() {
                kept.push(link);
                continue;
            }
            if let Role::Dialling { dial: None, .. } = link.role {
                self.is_growing = false;
            }
            self.abandon(shared, link.wire);
            if link.is_given_up() {
                continue;
            }
            failed.extend(link.fail());
        }
        self.links = kept;
        for pending in failed {
            self.settle_lost(shared, pending);
        }
    }

    pub(super) fn abandon(&mut self, shared: &mut Shared, wire: usize) {
        let late_ms = if shared.rng.between(1, 100) <= self.plan.late_percent {
            shared.rng.between(1, 20_000)
        } else {
            0
        };
        self.abandoned.push(wire);
        let now = shared.now;
        shared.network.abandon(now, &mut shared.queue, wire, late_ms);
    }

    /// An operation ended; its caller thinks, and goes on.
    pub(super) fn end(&mut self, shared: &mut Shared, op: usize, ending: Ending) {
        let now = shared.now;
        let Some(record) = shared.ledger.ops.get_mut(op) else { return };
        if record.ended.is_some() {
            return;
        }
        record.ended = Some((now, ending));
        let (host, caller) = (record.host, record.caller);
        if let Some(is_busy) = self.is_busy.get_mut(caller) {
            *is_busy = false;
        }
        let (index, kind) = (self.index, record.kind);
        shared.tell(|| format!("client {index}: {op} {kind:?} {ending:?}"));
        let think_ms = shared.rng.between(0, 2 * self.plan.think_ms);
        shared.plan_in(think_ms, Event::Caller { host, caller });
    }

    /// Notes where something waits although callers are on Redis.
    pub(super) fn look(&mut self, shared: &Shared) {
        if self.is_connected() && self.store.journal().keys > 0 {
            self.unclean_at.get_or_insert(shared.now);
        }
    }

    /// How it stands, for a failure's report.
    pub(super) fn standing(&self) -> String {
        let journal = self.store.journal();
        let mode = self.mode.code().to_string();
        format!("client {}: {mode}, {} keys to write back", self.index, journal.keys)
    }
}

pub(super) fn new_store(policy: &Policy, seed: u64) -> Store {
    let bytes_max = usize::try_from(policy.store_bytes_max).unwrap_or(usize::MAX);
    let options = Options::new(bytes_max).with_eviction(Eviction::AllKeysLru);
    Store::with_options(options.with_seed(seed))
}
