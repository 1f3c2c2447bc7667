//! The mode of a cluster is the worst of its shards' modes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use outlast_core::Mode;

use super::Chart;
use crate::events::{Event, Sink};

/// The modes of all shards, and who is told of the worst.
pub(crate) struct Modes {
    sink: Arc<dyn Sink>,
    state: Mutex<State>,
}

struct State {
    by_number: BTreeMap<u64, Mode>,
    told: Mode,
}

impl State {
    fn worst(&self) -> Mode {
        let modes = || self.by_number.values();
        let any = |wanted| modes().any(|mode| *mode == wanted);
        if !self.by_number.is_empty() && modes().all(|mode| *mode == Mode::Closed) {
            return Mode::Closed;
        }
        // One that serves from memory is worse than one on its way back.
        let order = [Mode::Degraded, Mode::Reconciling, Mode::Connected];
        order.into_iter().find(|mode| any(*mode)).unwrap_or(Mode::Degraded)
    }
}

impl Modes {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Self {
        let state = State { by_number: BTreeMap::new(), told: Mode::Degraded };
        Self { sink, state: Mutex::new(state) }
    }

    /// Where the events of one shard go.
    pub(super) fn of(self: &Arc<Self>, number: u64, chart: Weak<dyn Chart>) -> Arc<dyn Sink> {
        self.set(number, Mode::Degraded);
        Arc::new(Of { modes: self.clone(), number, chart })
    }

    /// The worst of all.
    pub(super) fn worst(&self) -> Mode {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).worst()
    }

    fn set(&self, number: u64, mode: Mode) {
        self.change(|modes| modes.insert(number, mode));
    }

    /// A shard is no more.
    pub(super) fn forget(&self, number: u64) {
        self.change(|modes| modes.remove(&number));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, Mode>) -> Option<Mode>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.by_number);
        let worst = state.worst();
        if std::mem::replace(&mut state.told, worst) != worst {
            self.sink.event(Event::Mode(worst));
        }
    }
}

struct Of {
    modes: Arc<Modes>,
    number: u64,
    chart: Weak<dyn Chart>,
}

impl Sink for Of {
    fn event(&self, event: Event) {
        let Event::Mode(mode) = event else {
            self.modes.sink.event(event);
            return;
        };
        self.modes.set(self.number, mode);
        // Slots that were kept for what waited may go where they belong now.
        if mode == Mode::Connected
            && let Some(chart) = self.chart.upgrade()
        {
            chart.wants_refresh(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Queue;

    #[test]
    fn the_worst_is_told_when_it_changes() {
        let queue = Arc::new(Queue::new(|| ()));
        let modes = Modes::new(queue.clone());
        let told = || queue.take();
        modes.set(0, Mode::Connected);
        assert_eq!(told(), [Event::Mode(Mode::Connected)]);
        modes.set(1, Mode::Reconciling);
        modes.set(2, Mode::Degraded);
        assert_eq!(told(), [Event::Mode(Mode::Reconciling), Event::Mode(Mode::Degraded)]);
        modes.set(1, Mode::Connected);
        assert_eq!(told(), []);
        modes.forget(2);
        assert_eq!(told(), [Event::Mode(Mode::Connected)]);
        modes.set(0, Mode::Closed);
        assert_eq!(told(), []);
        modes.set(1, Mode::Closed);
        assert_eq!(told(), [Event::Mode(Mode::Closed)]);
    }
}
