//! Does what the engine asks: dials, writes the journal back, keeps its timers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast_core::connection::Identity;
use outlast_core::replay::{Progress, Replay, Step};
use outlast_core::{Failure, FailureKind, Input, Value};
use tokio::time::{sleep, timeout};

use crate::cluster::Elsewhere;
use crate::dial::{Deadline, Link, dial};
use crate::gate::{Action, Gate};
use crate::transport::Transport;

/// How often idle connections are looked at.
const IDLE_CHECK: Duration = Duration::from_secs(1);
/// How long a transport waits after it was refused another connection.
const GROWTH_PAUSE: Duration = Duration::from_millis(500);
/// Further than any timer: what is not planned.
const NEVER: Duration = Duration::from_secs(86_400);

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What happened next.
enum Happened {
    Woken,
    Timer,
    Dialled(u64, Result<Link, Failure>),
    Replayed(u64, Result<(), Failure>),
    Grown(Result<Link, Failure>),
    IdleCheck,
}

/// The background work of one client. It ends when the client is closed.
pub(crate) struct Driver<T: Transport> {
    gate: Arc<Gate>,
    transport: Arc<T>,
    dialling: Option<Task<(u64, Result<Link, Failure>)>>,
    replaying: Option<Task<(u64, Result<(), Failure>)>>,
    growing: Option<Task<Result<Link, Failure>>>,
    /// Dialled, and not in use yet.
    fresh: Option<Link>,
}

impl<T: Transport> Driver<T> {
    pub(crate) fn new(gate: Arc<Gate>, transport: Arc<T>) -> Self {
        Self { gate, transport, dialling: None, replaying: None, growing: None, fresh: None }
    }

    pub(crate) async fn run(mut self) {
        loop {
            while let Some(action) = self.gate.next_action() {
                self.act(action);
            }
            if self.gate.is_closed() {
                return;
            }
            self.grow_if_wanted();
            match self.next().await {
                Happened::Woken => {}
                Happened::Timer => self.gate.tell(Input::Timer),
                Happened::Dialled(dial, result) => self.dialled(dial, result),
                Happened::Replayed(epoch, result) => {
                    self.replaying = None;
                    if let Err(failure) = result {
                        self.gate.tell(Input::ConnectionLost { epoch, failure });
                    }
                }
                Happened::Grown(result) => self.grown(result),
                Happened::IdleCheck => {
                    if let Some((epoch, failure)) = self.transport.check_idle() {
                        self.gate.tell(Input::ConnectionLost { epoch, failure });
                    }
                }
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial { dial: number, timeout } => {
                if number == 1 {
                    self.gate.warn_of_options();
                }
                let gate = self.gate.clone();
                let outage = self.gate.outage();
                self.dialling = Some(Box::pin(async move {
                    match outage {
                        Some(failure) => (number, Err(failure)),
                        None => (number, dial_timed(&gate, timeout, true).await),
                    }
                }));
            }
            Action::Close => {
                self.dialling = None;
                self.replaying = None;
                self.growing = None;
                self.fresh = None;
                self.transport.close();
            }
            Action::Replay { epoch } => {
                let Some(link) = self.fresh.take() else {
                    return;
                };
                let (gate, transport) = (self.gate.clone(), self.transport.clone());
                self.replaying = Some(Box::pin(async move {
                    (epoch, write_back(&gate, transport.as_ref(), link, epoch).await)
                }));
            }
        }
    }

    async fn next(&mut self) -> Happened {
        let timer = self.gate.timer().unwrap_or(NEVER);
        let idle_check = if self.gate.is_connected() { IDLE_CHECK } else { NEVER };
        tokio::select! {
            biased;
            (dial, result) = maybe(&mut self.dialling) => Happened::Dialled(dial, result),
            (epoch, result) = maybe(&mut self.replaying) => Happened::Replayed(epoch, result),
            result = maybe(&mut self.growing) => Happened::Grown(result),
            () = self.gate.worked() => Happened::Woken,
            () = sleep(timer) => Happened::Timer,
            () = sleep(idle_check) => Happened::IdleCheck,
        }
    }

    fn dialled(&mut self, dial: u64, result: Result<Link, Failure>) {
        self.dialling = None;
        // An outage that was caused during the dial ends this connection, too.
        match self.gate.outage().map_or(result, Err) {
            Ok(link) => {
                self.fresh = Some(link);
                self.gate.tell(Input::DialSucceeded { dial });
            }
            Err(failure) => self.gate.tell(Input::DialFailed { dial, failure }),
        }
    }

    fn grow_if_wanted(&mut self) {
        if self.growing.is_some() || !self.gate.is_connected() || !self.transport.wants_link() {
            return;
        }
        let gate = self.gate.clone();
        let connect_timeout = Duration::from_millis(gate.policy().connect_timeout_ms);
        self.growing = Some(Box::pin(async move {
            let mut result = dial_timed(&gate, connect_timeout, false).await;
            if let Ok(link) = &mut result
                && let Err(failure) = link.ask_run_id(Deadline::after(connect_timeout)).await
            {
                result = Err(failure);
            }
            if result.is_err() {
                sleep(GROWTH_PAUSE).await;
            }
            result
        }));
    }

    fn grown(&mut self, result: Result<Link, Failure>) {
        self.growing = None;
        // That there is no further connection is no outage: the others work.
        let Ok(link) = result else { return };
        let identity = link.identity.clone();
        match self.transport.add(link) {
            Ok(()) => self.gate.carries(identity.as_ref()),
            // Sentinels name another master by now, and the old one may not know yet. All follow, for
            // what is written to two masters is lost on one. A name that leads to several servers is
            // not followed to and fro.
            Err(epoch) if self.gate.config.endpoint.master().is_some() => {
                let text = "a further connection came to another server: the master has changed";
                let failure = Failure::new(FailureKind::ConnectionLost, text);
                self.gate.tell(Input::ConnectionLost { epoch, failure });
            }
            Err(_) => {}
        }
    }
}

/// A connection; the first one of an epoch, or a further one to the same server.
async fn dial_timed(gate: &Gate, timeout: Duration, is_first: bool) -> Result<Link, Failure> {
    let began = Instant::now();
    let link = match &gate.seat {
        None => dial(&gate.config, timeout).await?,
        Some(seat) if is_first => seat.dial(&gate.config, timeout).await?,
        Some(seat) => seat.dial_again(&gate.config, timeout).await?,
    };
    gate.dialled(began);
    Ok(link)
}

/// The task, or for ever nothing.
async fn maybe<T>(task: &mut Option<Task<T>>) -> T {
    match task {
        Some(task) => task.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Writes the journal back over `link`, then hands the link to the callers: one atomic switch.
async fn write_back<T: Transport>(
    gate: &Gate,
    transport: &T,
    mut link: Link,
    epoch: u64,
) -> Result<(), Failure> {
    give_up_carriers(gate, &mut link).await?;
    if transport.may_grow() {
        let within = Duration::from_millis(gate.policy().connect_timeout_ms);
        link.ask_run_id(Deadline::after(within)).await?;
    }
    let mut elsewhere = Elsewhere::default();
    let mut replay = Replay::new(gate.client_id.clone());
    loop {
        match replay.next(gate.clock.now(), &gate.store) {
            Step::Exchange(commands) => {
                gate.sync_journal();
                let carrier = elsewhere.link(replay.slot()).unwrap_or(&mut link);
                let replies = exchange(gate, carrier, &commands).await?;
                let now = gate.clock.now();
                let handled = replay.handle(now, &gate.store, &replies);
                let Progress { replayed, refused, conflicts, .. } = match handled {
                    Ok(progress) => progress,
                    Err(failure) => {
                        elsewhere.follow(gate, failure).await?;
                        continue;
                    }
                };
                if replayed + refused + conflicts > 0 {
                    gate.tell(Input::ReplayProgressed { epoch, replayed, conflicts, refused });
                }
            }
            Step::Switch => {
                if elsewhere.is_used() {
                    exchange(gate, &mut link, &[vec!["UNWATCH"]]).await?;
                }
                match switch(gate, transport, link, epoch) {
                    None => return Ok(()),
                    Some(returned) => link = returned,
                }
            }
            _ => return Err(Failure::new(FailureKind::UnknownError, "an unknown step")),
        }
    }
}

/// Has Redis give up the connections that were cut: a command that one of them still carries would
/// otherwise go over what is written back, or over what callers write next. A server that does not know
/// how, or a user that may not, is left alone.
async fn give_up_carriers(gate: &Gate, link: &mut Link) -> Result<(), Failure> {
    let carriers = gate.take_carriers();
    if !carriers.is_empty() {
        let commands: Vec<Vec<String>> = carriers.iter().map(Identity::kill).collect();
        if let Err(failure) = exchange(gate, link, &commands).await {
            for carrier in &carriers {
                gate.carries(Some(carrier));
            }
            return Err(failure);
        }
    }
    gate.carries(link.identity.as_ref());
    Ok(())
}

/// Callers are on Redis from here on, unless something was journalled meanwhile: the link then
/// comes back, for one more round.
fn switch<T: Transport>(gate: &Gate, transport: &T, link: Link, epoch: u64) -> Option<Link> {
    let mut link = Some(link);
    gate.store.when_written_back(|| {
        if let Some(link) = link.take() {
            transport.install(link, epoch);
            gate.tell(Input::Reconciled { epoch });
        }
    });
    link
}

/// Sends commands while the journal is written back, and waits for their replies.
async fn exchange<A: AsRef<[u8]>>(
    gate: &Gate,
    link: &mut Link,
    commands: &[Vec<A>],
) -> Result<Vec<Value>, Failure> {
    let within = Duration::from_millis(gate.policy().connect_timeout_ms);
    timeout(within, link.exchange(commands)).await.unwrap_or_else(|_| {
        let text = format!("no reply within {} ms while writing back", within.as_millis());
        Err(Failure::new(FailureKind::ResponseTimeout, text))
    })
}
