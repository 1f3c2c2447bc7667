//! The engine behind its lock: inputs go in, and what it asks for is done or kept for the driver.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlast_core::policy::Startup;
use outlast_core::production_log;
use outlast_core::record::{RecordCode, duration};
use outlast_core::recording;
use outlast_core::{
    Engine, Error, ErrorKind, Failure, Input, Level, Mode, Output, Record, Status, Timestamp,
};

use super::sharing::News;
use super::{CLOSED, CONNECTED, DEGRADED, EPOCH_SHIFT, Gate, RECONCILING, SERVING, STARTED};
use crate::board::HostBoard;
use crate::events::Event;

/// How long a wait that no signal ends goes on before the host is asked whether one came.
pub(crate) const SIGNAL_CHECK: Duration = Duration::from_millis(20);

/// What the engine wants of the driver.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Dial { dial: u64, timeout: Duration },
    Close,
    Replay { epoch: u64 },
}

pub(super) struct State {
    pub(super) engine: Engine,
    /// Where other processes of the host are told.
    pub(super) board: Option<HostBoard>,
    actions: VecDeque<Action>,
    timer: Option<Timestamp>,
    /// How the startup ended, once it has: on Redis, or with the last failure and the dials made.
    startup: Option<Result<(), (Failure, u64)>>,
}

impl State {
    pub(super) const fn new(engine: Engine, board: Option<HostBoard>) -> Self {
        Self { engine, board, actions: VecDeque::new(), timer: None, startup: None }
    }
}

impl Gate {
    /// Tells the engine something and does what it asks at once; dials, replays and timers are
    /// the driver's.
    pub(crate) fn tell(&self, input: Input) {
        let mut state = self.lock();
        let now = self.clock.now();
        if let Input::DialFailed { failure, .. } = &input {
            self.sink.event(Event::DialFailed(failure.clone()));
        }
        self.tell_tally(&mut state, now);
        self.decide(&mut state, now, input);
        self.act_on(state);
    }

    /// One input, and all that the engine answers; recorded, where that is wanted.
    fn decide(&self, state: &mut State, now: Timestamp, input: Input) {
        let mut step = self.begin_step(state, now, &input);
        let news = News::of(state, &input);
        let mut held = None;
        state.engine.handle(now, input);
        loop {
            let output = state.engine.poll_output();
            if let Some((_, digest)) = &mut step {
                digest.add(&output);
            }
            if let Output::Timeout { at_ms } = output {
                state.timer = at_ms;
                break;
            }
            if let Output::Dial { dial, .. } = output {
                held = self.hold_dial(state, dial);
                if held.is_some() {
                    continue;
                }
            }
            self.act(state, output);
        }
        if let Some((input, digest)) = step {
            self.scribe.step(recording::step(now, &input, &digest));
        }
        self.share(state, news);
        if let Some(held) = held {
            self.decide(state, now, held);
        }
    }

    fn begin_step(
        &self,
        state: &State,
        now: Timestamp,
        input: &Input,
    ) -> Option<(Input, recording::Digest)> {
        if !self.scribe.records() {
            return None;
        }
        if self.scribe.wants_checkpoint() {
            self.scribe.checkpoint(recording::checkpoint(now, &state.engine));
        }
        Some((input.clone(), recording::Digest::new()))
    }

    /// Tells everybody that something changed.
    fn act_on(&self, state: MutexGuard<'_, State>) {
        drop(state);
        self.changed.notify_all();
        self.changed_async.notify_waiters();
        self.work.notify_one();
    }

    fn act(&self, state: &mut State, output: Output) {
        match output {
            Output::Dial { dial, timeout_ms } => {
                let timeout = Duration::from_millis(timeout_ms);
                state.actions.push_back(Action::Dial { dial, timeout });
                self.sink.event(Event::Dialling(dial));
            }
            Output::CloseConnection => state.actions.push_back(Action::Close),
            Output::Replay { epoch } => state.actions.push_back(Action::Replay { epoch }),
            Output::ModeChanged { mode, epoch, serving } => {
                let code = match mode {
                    Mode::Connected => CONNECTED,
                    Mode::Reconciling => RECONCILING,
                    Mode::Closed => CLOSED,
                    _ => DEGRADED,
                };
                let mut flags = self.word.load(Ordering::Relaxed) & STARTED;
                if serving {
                    flags |= SERVING;
                }
                if mode == Mode::Connected {
                    flags |= STARTED;
                    state.startup = Some(Ok(()));
                }
                self.word.store(code | flags | epoch << EPOCH_SHIFT, Ordering::Release);
                self.sink.event(Event::Mode(mode));
            }
            Output::StartupFinished { failure: Some(failure), dials } => {
                state.startup = Some(Err((failure, dials)));
                self.word.fetch_or(STARTED, Ordering::Release);
            }
            Output::Log { record } => self.sink.event(Event::Log(*record)),
            Output::IncidentOpened { incident } => {
                self.sink.event(Event::IncidentOpened(*incident));
            }
            Output::IncidentClosed { incident } => {
                let service = self.config.introduction.client_name.as_deref().unwrap_or_default();
                let endpoint = state.engine.endpoint().to_string();
                let entry = production_log::entry(&incident, &endpoint, service);
                self.scribe.entry(&entry);
                self.sink.event(Event::IncidentClosed { incident: *incident, entry });
            }
            _ => {}
        }
    }

    /// Tells once what options make unsafe.
    pub(crate) fn warn_of_options(&self) {
        if self.config.tls.as_ref().is_some_and(|tls| tls.insecure) {
            let endpoint = self.config.endpoint.to_string();
            let message = format!(
                "the certificate of {endpoint} is not checked (tls_insecure): whoever is on the \
                 way can read and change everything, the password included"
            );
            let record = Record::new(Level::Warning, RecordCode::TlsInsecure, message, endpoint);
            self.sink.event(Event::Log(record));
        }
    }

    fn tell_tally(&self, state: &mut State, now: Timestamp) {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let (finished, served_locally, refused) =
            (take(&self.finished), take(&self.served), take(&self.refused));
        if finished + served_locally + refused > 0 {
            self.decide(state, now, Input::Tally { finished, served_locally, refused });
        }
    }

    /// The next thing for the driver to do.
    pub(crate) fn next_action(&self) -> Option<Action> {
        self.lock().actions.pop_front()
    }

    /// When the engine's timer is due.
    pub(crate) fn timer(&self) -> Option<Duration> {
        let timer = self.lock().timer?;
        Some(Duration::from_millis(timer.since_ms(self.clock.now())))
    }

    /// Waits for work, for the driver.
    pub(crate) async fn worked(&self) {
        self.work.notified().await;
    }

    /// Wakes the driver.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Waits until the startup has ended, at most until `deadline`; how it ended. A condition
    /// variable sleeps through signals, so `interrupt` is asked now and then; its error ends the
    /// wait.
    pub(crate) fn wait_for_startup(
        &self,
        deadline: Option<Instant>,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Option<Result<(), Error>>, Error> {
        loop {
            let state = self.lock();
            if state.startup.is_some() || self.is_closed() {
                break;
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let left = left.unwrap_or(SIGNAL_CHECK).min(SIGNAL_CHECK);
            if left.is_zero() {
                return Ok(None);
            }
            // No lock is held while the host is asked.
            drop(self.changed.wait_timeout(state, left));
            interrupt()?;
        }
        Ok(self.startup_result())
    }

    /// The same for a task.
    pub(crate) async fn startup_finished(&self) -> Result<(), Error> {
        loop {
            let changed = self.changed_async.notified();
            if let Some(result) = self.startup_result() {
                return result;
            }
            changed.await;
        }
    }

    /// How the startup ended, if it has.
    pub(crate) fn startup_result(&self) -> Option<Result<(), Error>> {
        if self.is_closed() {
            return Some(Err(self.closed()));
        }
        let state = self.lock();
        let startup = state.startup.as_ref()?;
        let required = self.policy().startup == Startup::Required;
        let Some((failure, dials)) = startup.as_ref().err().filter(|_| required) else {
            return Some(Ok(()));
        };
        let noun = if *dials == 1 { "dial" } else { "dials" };
        let message = format!(
            "Redis is required and was not reached in {dials} {noun} ({}): {}: {}",
            state.engine.endpoint(),
            failure.kind.code(),
            failure.text,
        );
        let error = Error::new(ErrorKind::RedisUnavailable, message).because_of(failure);
        Some(Err(error))
    }

    /// The error that says why Redis is away and when it is dialled next.
    pub(crate) fn unavailable(&self, what: &str) -> Error {
        let state = self.lock();
        let next_dial_in_ms = state.engine.next_dial_in_ms(self.clock.now());
        let failure = state.engine.last_failure();
        let why = failure.map(|failure| format!(": {}", failure.kind.words())).unwrap_or_default();
        let when = next_dial_in_ms.map(|in_ms| format!("; next dial in {}", duration(in_ms)));
        let message = format!(
            "{what}; {} is unavailable{why}{}",
            state.engine.endpoint(),
            when.unwrap_or_default()
        );
        let error =
            Error::new(ErrorKind::RedisUnavailable, message).with_next_dial(next_dial_in_ms);
        match failure {
            Some(failure) => error.because_of(failure),
            None => error,
        }
    }

    /// Whether a command may be sent a second time.
    pub(super) fn may_retry(&self) -> bool {
        let mut state = self.lock();
        let now = self.clock.now();
        self.tell_tally(&mut state, now);
        state.engine.may_retry()
    }

    /// The snapshot.
    pub(crate) fn status(&self) -> Status {
        let (store_keys, store_bytes) = (self.store.len(), self.store.bytes());
        let journal = self.store.journal();
        let mut state = self.lock();
        let now = self.clock.now();
        let timer = state.timer;
        self.tell_tally(&mut state, now);
        let mut status = state.engine.status(now);
        if state.timer != timer || !state.actions.is_empty() {
            self.act_on(state);
        }
        status.store_keys = store_keys as u64;
        status.store_bytes = store_bytes as u64;
        status.journal_keys = journal.keys as u64;
        status.journal_bytes = journal.bytes as u64;
        status.journal_file = self.journal_file();
        status.latency = self.latency.quantiles();
        status.redirects = self.redirects.load(Ordering::Relaxed);
        status
    }

    /// Closes the client, and waits a moment until what it has to say is in its files; again does
    /// nothing.
    pub(crate) fn close(&self) {
        self.close_journal();
        // What is on disk is not lost.
        let journal_keys = if self.is_durable() { 0 } else { self.store.journal().keys as u64 };
        self.tell(Input::Close { journal_keys });
        self.scribe.end();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
