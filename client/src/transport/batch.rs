//! Commands that a host hands in together: they leave together, each has an answer of its own, and
//! the host is told once, when the last has one.

use std::collections::{BTreeSet, VecDeque};

use outlast_core::connection::Connection;
use outlast_core::resp::{Arguments, Commands};
use outlast_core::{Error, Timestamp, Value};

use super::work::Lost;
use crate::gate::{Came, Gate, Settled, Unanswered, doubted, into_result, name_of};

/// How a command ended.
pub(crate) type Ended = Result<Value, Error>;

/// Commands that have answers, and those that wait for theirs.
#[derive(Debug)]
pub(crate) struct Batch {
    commands: Commands,
    ended: Vec<Option<Ended>>,
    /// Places of writes that an earlier connection may have carried.
    in_doubt: BTreeSet<usize>,
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
        let (in_doubt, again) = (BTreeSet::new(), VecDeque::new());
        Self { commands, ended, in_doubt, open, again, finished: 0 }
    }

    /// How many have not ended.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes of those.
    pub(crate) fn bytes(&self) -> usize {
        self.open.iter().map(|at| self.commands.bytes_of(*at).len()).sum()
    }

    /// Names and arguments of those, in order.
    pub(crate) fn open_args(&self) -> Vec<Arguments<'_>> {
        self.open.iter().map(|at| self.commands.args(*at)).collect()
    }

    /// Those ended so, in their order. How each of all did.
    pub(crate) fn end(&mut self, results: Vec<Ended>) -> Vec<Ended> {
        for (at, result) in std::mem::take(&mut self.open).into_iter().zip(results) {
            self.ended[at] = Some(result);
        }
        self.whole().unwrap_or_default()
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
            Settled::Ended(result) => {
                self.ended[at] = Some(told(&self.commands, at, &self.in_doubt, result));
            }
            Settled::Again { in_doubt } => {
                if in_doubt {
                    self.in_doubt.insert(at);
                }
                self.again.push_back(at);
            }
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
        let Self { commands, ended, in_doubt, open, .. } = self;
        open.retain(|at| {
            let result = end(commands, *at);
            let is_open = result.is_none();
            ended[*at] = result.map(|result| told(commands, *at, in_doubt, result));
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

/// What the one at a place is told.
fn told(commands: &Commands, at: usize, in_doubt: &BTreeSet<usize>, result: Ended) -> Ended {
    let name = || name_of(&commands.args(at));
    doubted(name, in_doubt.contains(&at), result).and_then(into_result)
}
