//! Commands that a host hands in together: they leave together, each has an answer of its own, and
//! the host is told once, when the last has one.

use std::collections::VecDeque;

use outlast_core::connection::Connection;
use outlast_core::resp::Commands;
use outlast_core::{Error, Timestamp, Value};

use super::work::Lost;
use crate::gate::{Came, Gate, Settled, Unanswered, into_result};

/// How a command ended.
pub(crate) type Ended = Result<Value, Error>;

/// Commands that have answers, and those that wait for theirs.
#[derive(Debug)]
pub(crate) struct Batch {
    commands: Commands,
    ended: Vec<Option<Ended>>,
    /// Places of those that were not sent yet, or have no reply, in order.
    open: VecDeque<usize>,
    /// Places of those whose reply has them sent once more.
    again: VecDeque<usize>,
    /// How many got a reply since they were sent.
    finished: u64,
}

impl Batch {
    /// Commands of which nothing is done yet. Those that `refuse` has an error for have ended.
    pub(crate) fn new(
        commands: Commands,
        mut refuse: impl FnMut(&Commands, usize) -> Option<Error>,
    ) -> Self {
        let mut open = VecDeque::with_capacity(commands.len());
        let ended = (0..commands.len()).map(|at| {
            let refused = refuse(&commands, at);
            if refused.is_none() {
                open.push_back(at);
            }
            refused.map(Err)
        });
        let ended = ended.collect();
        Self { commands, ended, open, again: VecDeque::new(), finished: 0 }
    }

    /// How many have not ended.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes of those.
    pub(crate) fn bytes(&self) -> usize {
        self.open.iter().map(|at| self.commands.bytes_of(*at).len()).sum()
    }

    /// Sends those that have not ended; the numbers of the first and the last on the connection.
    pub(crate) fn send(&mut self, connection: &mut Connection, deadline: Timestamp) -> (u64, u64) {
        let (mut first, mut last) = (None, 0);
        for at in &self.open {
            last = connection.send_encoded(self.commands.bytes_of(*at), deadline);
            first.get_or_insert(last);
        }
        (first.unwrap_or(last), last)
    }

    /// The next reply came.
    pub(crate) fn keep(&mut self, gate: &Gate, came: &Came, reply: Value) {
        let Some(at) = self.open.pop_front() else {
            return;
        };
        match gate.replied_among(&self.commands, at, came, reply) {
            Ok(value) => {
                self.finished += 1;
                self.ended[at] = Some(into_result(value));
            }
            Err(unanswered) => self.settle(gate, came.epoch, at, *unanswered),
        }
    }

    /// The last reply has come. How each command ended; none where some are to be sent once more.
    pub(crate) fn replied(&mut self, gate: &Gate, came: &Came) -> Option<Vec<Ended>> {
        gate.finished(std::mem::take(&mut self.finished), came.took_us);
        self.open = std::mem::take(&mut self.again);
        self.whole()
    }

    /// What has no reply will get none. Else as [`replied`](Self::replied).
    pub(crate) fn lost(&mut self, gate: &Gate, came: &Came, lost: &Lost) -> Option<Vec<Ended>> {
        for (nth, at) in std::mem::take(&mut self.open).into_iter().enumerate() {
            let failure = lost.failure.clone();
            let unanswered = Unanswered { failure, maybe_done: nth < lost.sent };
            self.settle(gate, came.epoch, at, unanswered);
        }
        self.replied(gate, came)
    }

    fn settle(&mut self, gate: &Gate, epoch: u64, at: usize, unanswered: Unanswered) {
        match gate.settle(&self.commands.args(at), epoch, unanswered) {
            Settled::Ended(result) => self.ended[at] = Some(result.and_then(into_result)),
            Settled::Again { .. } => self.again.push_back(at),
        }
    }

    /// Answers from memory; none where Redis is back for some.
    pub(crate) fn serve(&mut self, gate: &Gate) -> Option<Vec<Ended>> {
        self.end_each(|commands, at| {
            let args = commands.args(at);
            gate.serve(&args, commands.traits(at, &args), true)
        })
    }

    /// It never got to Redis in time.
    pub(crate) fn overdue(&mut self, gate: &Gate) -> Vec<Ended> {
        let ended = self.end_each(|commands, at| {
            let args = commands.args(at);
            Some(gate.overdue(&args, commands.traits(at, &args)))
        });
        ended.unwrap_or_default()
    }

    /// Ends what has not ended with this error.
    pub(crate) fn fail(&mut self, error: &Error) -> Vec<Ended> {
        self.end_each(|_, _| Some(Err(error.clone()))).unwrap_or_default()
    }

    fn end_each(
        &mut self,
        mut end: impl FnMut(&Commands, usize) -> Option<Ended>,
    ) -> Option<Vec<Ended>> {
        let Self { commands, ended, open, .. } = self;
        open.retain(|at| {
            let result = end(commands, *at);
            let is_open = result.is_none();
            ended[*at] = result.map(|result| result.and_then(into_result));
            is_open
        });
        self.whole()
    }

    /// How each ended, once all have.
    pub(crate) fn whole(&mut self) -> Option<Vec<Ended>> {
        self.open
            .is_empty()
            .then(|| std::mem::take(&mut self.ended).into_iter().flatten().collect())
    }
}
