//! The loop: what is due next, until all has settled.

use alloc::format;
use alloc::vec::Vec;

use super::coverage::Happening;
use super::host::Host;
use super::ledger::{Kind, key_of};
use super::plan::{Fault, Plan, Planned};
use super::queue::{Event, Side};
use super::server::Server;
use super::shared::Shared;
use super::{Outcome, Settings, Violation, check};
use crate::kind::Schedule;
use crate::policy::Policy;
use crate::rng::Rng;

/// Round trips that logging in and writing everything back may take, in milliseconds.
const WRITE_BACK_MS: u64 = 2_000;
/// How long callers go on once all is calm.
const RESUMED_MS: u64 = 3_000;

#[derive(Debug)]
pub(super) struct World {
    pub(super) shared: Shared,
    pub(super) server: Server,
    pub(super) hosts: Vec<Host>,
    pub(super) plan: Plan,
    are_calling: bool,
    is_over: bool,
    broken_at_rest: Vec<Violation>,
    /// When and how the server died last.
    died: Option<(u64, Option<u64>)>,
}

/// The longest from the end of all faults until each client is back.
pub(super) fn return_ms_max(policy: &Policy) -> u64 {
    let schedules = [Schedule::Server, Schedule::Network];
    let delays = schedules.map(|schedule| policy.backoff(schedule).delay_ms_max());
    // A dial or a command that began before may still have to time out.
    let delay_ms = delays.into_iter().max().unwrap_or(0);
    delay_ms + policy.connect_timeout_ms + policy.command_timeout_ms + WRITE_BACK_MS
}

impl World {
    pub(super) fn new(seed: u64, settings: Settings) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::of(&mut rng);
        let mut shared = Shared::new(rng.next_u64(), settings);
        shared.network.latency_ms = plan.latency_ms;
        shared.calm_at = plan.calm_at;
        let new_host = |(index, host): (usize, &_)| {
            Host::new(index, Clone::clone(host), plan.policy.clone(), &shared)
        };
        let hosts: Vec<Host> = plan.hosts.iter().enumerate().map(new_host).collect();
        shared.tell(|| format!("{plan:#?}"));
        let mut world = Self {
            shared,
            server: Server::new(),
            hosts,
            plan,
            are_calling: true,
            is_over: false,
            broken_at_rest: Vec::new(),
            died: None,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for host in &mut self.hosts {
            host.tell(&mut self.shared, crate::input::Input::Start);
            for caller in 0..host.plan.callers {
                let at = self.shared.rng.between(0, 2 * host.plan.think_ms);
                self.shared.plan(at, Event::Caller { host: host.index, caller });
            }
        }
        for (number, fault) in self.plan.faults.iter().enumerate() {
            self.shared.plan(fault.at, Event::Fault { number });
        }
        let calm_at = self.plan.calm_at;
        let settled_ms = return_ms_max(&self.plan.policy);
        let resume_at = calm_at + settled_ms;
        let rest_at = resume_at + RESUMED_MS;
        self.shared.plan(calm_at, Event::Calm);
        self.shared.plan(resume_at, Event::Resume);
        self.shared.plan(rest_at, Event::Rest);
        self.shared.plan(rest_at + settled_ms, Event::End);
    }

    /// Goes on to what is due next; false at the end.
    pub(super) fn step(&mut self) -> bool {
        let Some((at, event)) = self.shared.queue.next() else { return false };
        self.shared.now = at;
        self.handle(event);
        !self.is_over
    }

    fn handle(&mut self, event: Event) {
        let Self { shared, server, hosts, .. } = self;
        match event {
            Event::Arrive { wire, to } => {
                let now = shared.now;
                let Some(chunk) = shared.network.arrive(now, &mut shared.queue, wire, to) else {
                    return;
                };
                let host = shared.network.wires.get(wire).map_or(0, |wire| wire.host);
                match (to, hosts.get_mut(host)) {
                    (Side::Server, _) => server.take(shared, wire, chunk),
                    (Side::Client, Some(host)) => host.take(shared, wire, chunk),
                    (Side::Client, None) => {}
                }
            }
            Event::Cut { wire } => shared.cut(wire),
            Event::Fault { number } => self.strike(number),
            Event::Healed { number } => self.heal(number),
            Event::Calm => self.calm(),
            Event::Resume => {
                self.note_settled();
                self.broken_at_rest = check::at_rest(self);
                self.are_calling = true;
                self.call_all();
            }
            Event::Rest => self.are_calling = false,
            Event::End => {
                self.note_settled();
                self.is_over = true;
            }
            Event::Timer { host }
            | Event::Drive { host }
            | Event::Caller { host, .. }
            | Event::GoOn { host, .. }
            | Event::Deadline { host, .. }
            | Event::DialOver { host, .. }
            | Event::ExchangeOver { host, .. }
            | Event::Switch { host, .. }
            | Event::MayGrow { host }
            | Event::IdleCheck { host } => {
                let are_calling = self.are_calling;
                if let Some(host) = hosts.get_mut(host) {
                    host.handle(shared, event, are_calling);
                }
            }
        }
    }

    /// Callers that rest begin anew.
    fn call_all(&mut self) {
        for host in &self.hosts {
            for caller in 0..host.plan.callers {
                self.shared.plan_in(0, Event::Caller { host: host.index, caller });
            }
        }
    }

    fn note_settled(&mut self) {
        for host in &mut self.hosts {
            let is_settled = host.is_settled();
            host.settled.push(is_settled);
            self.shared.tell(|| host.standing());
        }
    }

    fn strike(&mut self, number: usize) {
        let Some(&Planned { at, until, fault }) = self.plan.faults.get(number) else { return };
        if self.shared.now >= self.plan.calm_at {
            return;
        }
        let Self { shared, server, hosts, .. } = self;
        shared.tell(|| format!("fault until {until}: {fault:?}"));
        shared.plan(until, Event::Healed { number });
        match fault {
            Fault::Cut { host } => {
                for wire in 0..shared.network.wires.len() {
                    let of = shared.network.wires.get(wire).map(|wire| wire.host);
                    if host.is_none_or(|host| of == Some(host)) {
                        shared.cut(wire);
                    }
                }
            }
            Fault::Swallow { to } => {
                for side in [Side::Server, Side::Client] {
                    if to.is_none_or(|to| to == side) {
                        shared.hold(side, until);
                    }
                }
            }
            Fault::Slow { extra_ms } => {
                shared.coverage.count(Happening::NetworkSlow);
                shared.network.extra_ms = extra_ms;
            }
            Fault::Restart { lost_ms } if server.is_up => {
                server.kill(shared);
                self.died = Some((at, lost_ms));
            }
            Fault::Restart { .. } => {}
            Fault::Stop => {
                shared.coverage.count(Happening::ServerStopped);
                server.is_stopped = true;
            }
            Fault::Trouble(trouble) => {
                shared.coverage.count(trouble.happening());
                server.trouble = Some(trouble);
            }
            Fault::Unresolved => {
                shared.coverage.count(Happening::NameUnresolved);
                shared.resolves = false;
            }
            Fault::Jump { host, by_ms } => {
                shared.coverage.count(Happening::ClockJumped);
                if let Some(host) = hosts.get_mut(host) {
                    host.jump(shared, by_ms);
                }
            }
            Fault::Retype { host, caller } => {
                shared.coverage.count(Happening::TypeChanged);
                server.retype(shared, &key_of("victim", host, caller));
            }
        }
    }

    fn heal(&mut self, number: usize) {
        let Some(&Planned { fault, .. }) = self.plan.faults.get(number) else { return };
        let Self { shared, server, .. } = self;
        match fault {
            Fault::Slow { .. } => shared.network.extra_ms = 0,
            Fault::Restart { .. } => self.restart(),
            Fault::Stop => server.resume(shared),
            Fault::Trouble(_) => server.trouble = None,
            Fault::Unresolved => shared.resolves = true,
            // Others are over at once, or when what is held goes on.
            Fault::Cut { .. }
            | Fault::Swallow { .. }
            | Fault::Jump { .. }
            | Fault::Retype { .. } => {}
        }
    }

    fn restart(&mut self) {
        let Some((died_at, lost_ms)) = self.died.take() else { return };
        let Self { shared, server, .. } = self;
        shared.coverage.count(match lost_ms {
            None => Happening::ServerRestartedWithData,
            Some(u64::MAX) => Happening::ServerRestartedEmpty,
            Some(_) => Happening::ServerRestartedOlder,
        });
        let as_of = match lost_ms {
            None => u64::MAX,
            Some(lost_ms) => died_at.saturating_sub(lost_ms),
        };
        server.restart(shared, as_of);
    }

    /// Everything works from here on, and callers pause.
    fn calm(&mut self) {
        self.restart();
        let Self { shared, server, .. } = self;
        shared.tell(|| "calm".into());
        server.trouble = None;
        server.resume(shared);
        shared.resolves = true;
        shared.network.heal();
        self.are_calling = false;
    }

    pub(super) fn outcome(mut self) -> Outcome {
        let mut violations = core::mem::take(&mut self.broken_at_rest);
        violations.extend(check::at_the_end(&mut self));
        let Shared { coverage, told, .. } = self.shared;
        Outcome { violations, coverage, trace: told }
    }
}

impl Host {
    fn handle(&mut self, shared: &mut Shared, event: Event, are_calling: bool) {
        match event {
            Event::Timer { .. } => self.timer(shared),
            Event::Drive { .. } => self.drive(shared),
            Event::Caller { caller, .. } if are_calling => {
                let kind = Kind::of(&mut shared.rng);
                self.submit(shared, caller, kind);
            }
            Event::GoOn { op, .. } => self.go_on_paused(shared, op),
            Event::Deadline { op, .. } => self.deadline(shared, op),
            Event::DialOver { wire, .. } => self.dial_over(shared, wire),
            Event::ExchangeOver { wire, exchange, .. } => {
                self.exchange_over(shared, wire, exchange);
            }
            Event::Switch { wire, .. } => self.switch(shared, wire),
            Event::MayGrow { .. } => self.may_grow(shared),
            Event::IdleCheck { .. } => self.check_idle(shared),
            Event::Caller { .. }
            | Event::Arrive { .. }
            | Event::Cut { .. }
            | Event::Fault { .. }
            | Event::Healed { .. }
            | Event::Calm
            | Event::Resume
            | Event::Rest
            | Event::End => {}
        }
    }
}
