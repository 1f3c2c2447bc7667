//! What happens next, in the order of virtual time.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Server,
    Client,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// Bytes reach one end of a connection.
    Arrive { wire: usize, to: Side },
    /// The timer of a client's engine.
    Timer { host: usize },
    /// A client's driver does what the engine asked for.
    Drive { host: usize },
    /// A caller does the next thing.
    Caller { host: usize, caller: usize },
    /// The thread of a command goes on.
    GoOn { host: usize, op: usize },
    /// A command has lasted as long as it may.
    Deadline { host: usize, op: usize },
    /// A dial has lasted as long as it may.
    DialOver { host: usize, wire: usize },
    /// An exchange of the replay has lasted as long as it may.
    ExchangeOver { host: usize, wire: usize, exchange: u64 },
    /// A client lets its callers back on Redis.
    Switch { host: usize, wire: usize },
    /// A client may ask for a further connection again.
    MayGrow { host: usize },
    /// A client looks at its idle connections.
    IdleCheck { host: usize },
    /// A connection breaks.
    Cut { wire: usize },
    /// A fault of the plan begins.
    Fault { number: usize },
    /// A fault of the plan ends.
    Healed { number: usize },
    /// All faults end, and callers pause.
    Calm,
    /// Callers go on, on a server and a network that work.
    Resume,
    /// Callers end.
    Rest,
    /// Everything must have settled.
    End,
}

/// Events by their time; of one time in the order in which they were planned.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
}

impl Queue {
    pub(super) fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.heap.push(Reverse((at, self.planned, event)));
    }

    pub(super) fn next(&mut self) -> Option<(u64, Event)> {
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }
}
