//! Commands of a calling thread on a cluster: divided, sent to all shards that they need at once, and
//! followed where they are redirected.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use outlast_core::cluster::{slot_of_all, slot_of_call};
use outlast_core::command::Traits;
use outlast_core::resp::Commands;
use outlast_core::{Error, Value};

use super::caller::{Caller, Sending};
use crate::cluster::{Fleet, Member, Next, Pause, Piece, Way, cross_slot, in_time};
use crate::gate::{Gate, Route, SIGNAL_CHECK, Settled, Unanswered};
use crate::transport::pool::{CallError, Exchanged, Exchanging, Interrupt, Pool};

impl Member<Pool> {
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { gate: &self.gate, pool: &self.transport }
    }
}

/// Pieces that are under way to one shard: their places among all, and the connection.
type UnderWay = (Arc<Member<Pool>>, u64, Vec<usize>, Exchanging);

/// What holds for all pieces of a call.
#[derive(Clone, Copy)]
struct Call<'a> {
    began: Instant,
    deadline: Instant,
    interrupt: Interrupt<'a>,
}

impl Fleet<Pool> {
    /// Waits until the startup of every shard has ended; the first error of any.
    pub(super) fn wait_for_startup(&self, interrupt: Interrupt<'_>) -> Result<(), Error> {
        let mut waited = Vec::new();
        while let Some(member) = self.next_but(&mut waited) {
            member.gate.wait_for_startup(None, interrupt)?.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    /// Runs a command to its end, which may be an error reply.
    pub(super) fn call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Value, Error> {
        // Most commands have one key, and most of them come to the right place.
        if let Ok(Some(slot)) = slot_of_call(args) {
            let to = self.owner(slot);
            let sending = Sending::default();
            return self.in_slot(slot, args, traits, deadline, (to, sending), interrupt);
        }
        let mut ended = self.run(&[args], deadline, interrupt)?;
        ended.pop().unwrap_or(Ok(Value::Nil))
    }

    /// Waits for the end of a command that was begun, or runs it.
    pub(super) fn end_call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        (sending, to): (Sending, Option<Arc<Member<Pool>>>),
        interrupt: Interrupt<'_>,
    ) -> Result<Value, Error> {
        match (slot_of_call(args), to) {
            (Ok(Some(slot)), Some(to)) => {
                self.in_slot(slot, args, traits, deadline, (to, sending), interrupt)
            }
            _ => self.call(args, traits, deadline, interrupt),
        }
    }

    fn in_slot<A: AsRef<[u8]>>(
        &self,
        slot: u16,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        (mut to, mut sending): (Arc<Member<Pool>>, Sending),
        interrupt: Interrupt<'_>,
    ) -> Result<Value, Error> {
        if sending.waiting.is_none()
            && let Some(reader) = self.reader_for(&to, traits)
        {
            // What is left is for the master.
            let now = Instant::now();
            let until = now + deadline.saturating_duration_since(now) / 2;
            if let Some(reply) = reader.caller().read(args, until, interrupt)? {
                return Ok(reply);
            }
        }
        let (mut way, mut is_asking) = (Way::default(), false);
        loop {
            let reply = if std::mem::take(&mut is_asking) {
                to.caller().ask(args, deadline, interrupt)?
            } else {
                to.caller().go_on(args, traits, deadline, &mut sending, interrupt)?
            };
            let from = to;
            to = self.owner(slot);
            let Some(reply) = reply else {
                continue;
            };
            let mut pause = Pause::default();
            match way.next(self, &from, &reply) {
                Next::Ended => return Ok(reply),
                Next::Again => to = self.owner(slot),
                Next::Ask(member) => (to, is_asking) = (member, true),
                Next::Look(place) => pause.look = Some(place),
                Next::Wait(wait) => pause.wait = Some(wait),
            }
            if !self.pause(pause, deadline, interrupt)? {
                return in_time(&from.gate, args, sending.in_doubt, reply);
            }
            if !is_asking {
                to = self.owner(slot);
            }
        }
    }

    /// Waits for what must be waited for; whether the deadline lets the command go on.
    fn pause(
        &self,
        pause: Pause,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<bool, Error> {
        let Pause { look, wait } = pause;
        if let Some(place) = look {
            self.wait_for_look(Some(place), deadline, interrupt)?;
        }
        let until = Instant::now() + wait.unwrap_or_default();
        if !self.is_early(until, deadline) {
            return Ok(false);
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(true);
            }
            sleep(left.min(SIGNAL_CHECK));
            interrupt()?;
        }
    }

    /// Runs commands, each with an answer of its own, in their order.
    pub(super) fn pipeline(
        &self,
        commands: &Commands,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let commands: Vec<_> = (0..commands.len()).map(|at| commands.args(at)).collect();
        let commands: Vec<&[&[u8]]> = commands.iter().map(|args| &args[..]).collect();
        self.run(&commands, deadline, interrupt)
    }

    fn run<A: AsRef<[u8]>>(
        &self,
        commands: &[&[A]],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let mut pieces = Vec::with_capacity(commands.len());
        let shapes = commands.iter().enumerate();
        let shapes = shapes.map(|(of, args)| self.divide(of, args, &mut pieces)).collect();
        let call = Call { began: Instant::now(), deadline, interrupt };
        while pieces.iter().any(|piece| piece.result.is_none()) {
            let pause = self.round(&mut pieces, call)?;
            let goes_on = self.pause(pause, deadline, interrupt)?;
            for piece in pieces.iter_mut().filter(|piece| piece.result.is_none()) {
                if !piece.is_asking {
                    self.send_on(piece);
                }
            }
            if !goes_on {
                break;
            }
        }
        Ok(self.assemble(shapes, pieces))
    }

    /// Sends every piece that has not ended, to all shards at once, and takes what comes back.
    fn round(&self, pieces: &mut [Piece<'_, Pool>], call: Call<'_>) -> Result<Pause, Error> {
        let mut by_member: BTreeMap<u64, (Arc<Member<Pool>>, Vec<usize>)> = BTreeMap::new();
        for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.result.is_none()) {
            let group = by_member.entry(piece.to.number);
            group.or_insert_with(|| (piece.to.clone(), Vec::new())).1.push(at);
        }
        // Connections are taken in one order, so that no two threads wait for each other's.
        let mut under_way: Vec<UnderWay> = Vec::new();
        let mut stopped = None;
        for (member, places) in by_member.into_values() {
            match self.begin_at(&member, &places, pieces, call) {
                Ok(None) => {}
                Ok(Some((epoch, exchanging))) => {
                    under_way.push((member, epoch, places, exchanging));
                }
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            }
        }
        let mut pause = Pause::default();
        for (member, epoch, places, exchanging) in under_way {
            if stopped.is_some() {
                member.transport.give_up(exchanging);
                continue;
            }
            let ended = member.transport.end_exchange(exchanging, call.deadline, call.interrupt);
            let taken = self.end_at(&member, epoch, &places, pieces, (ended, call), &mut pause);
            stopped = taken.err();
        }
        stopped.map_or(Ok(pause), Err)
    }

    /// Sends pieces to a shard, or ends them where it is away.
    fn begin_at(
        &self,
        member: &Member<Pool>,
        places: &[usize],
        pieces: &mut [Piece<'_, Pool>],
        call: Call<'_>,
    ) -> Result<Option<(u64, Exchanging)>, Error> {
        let gate = &member.gate;
        let epoch = match gate.route() {
            Ok(Route::Redis { epoch }) => epoch,
            Ok(Route::Store) => {
                self.serve(gate, places, pieces);
                return Ok(None);
            }
            Ok(Route::Wait) => {
                if gate.wait_for_startup(Some(call.deadline), call.interrupt)?.is_none() {
                    for place in places {
                        let piece = &mut pieces[*place];
                        piece.end(gate.overdue(&piece.args, Traits::of(&piece.args)));
                    }
                }
                return Ok(None);
            }
            Err(error) => {
                for place in places {
                    pieces[*place].end(Err(error.clone()));
                }
                return Ok(None);
            }
        };
        let pool = &member.transport;
        let begun = pool.begin_exchange(epoch, call.deadline, call.interrupt, |connection, at| {
            let mut wanted = 0;
            for piece in places.iter().filter_map(|place| pieces.get(*place)) {
                if piece.is_asking {
                    connection.send(&["ASKING"], at);
                    wanted += 1;
                }
                connection.send(&piece.args, at);
                wanted += 1;
            }
            wanted
        });
        match begun {
            Ok(exchanging) => Ok(Some((epoch, exchanging))),
            Err(CallError::Rerouted) => Ok(None),
            Err(CallError::Refused(error)) => Err(error),
            Err(CallError::Unanswered(Unanswered { failure, .. })) => {
                for place in places {
                    let unanswered = Unanswered { failure: failure.clone(), maybe_done: false };
                    self.settle(gate, epoch, &mut pieces[*place], unanswered, call);
                }
                Ok(None)
            }
        }
    }

    fn serve(&self, gate: &Gate, places: &[usize], pieces: &mut [Piece<'_, Pool>]) {
        for place in places {
            let piece = &mut pieces[*place];
            if piece.is_asking {
                piece.end(Err(gate.unavailable("keys are on their way there")));
                continue;
            }
            match gate.serve(&piece.args, Traits::of(&piece.args), true) {
                Some(result) => piece.end(result),
                None => self.send_on(piece),
            }
        }
    }

    /// Takes what came back from a shard.
    fn end_at(
        &self,
        member: &Member<Pool>,
        epoch: u64,
        places: &[usize],
        pieces: &mut [Piece<'_, Pool>],
        (ended, call): (Result<Exchanged, CallError>, Call<'_>),
        pause: &mut Pause,
    ) -> Result<(), Error> {
        let Exchanged { replies, failure, mut sent } = match ended {
            Ok(exchanged) => exchanged,
            Err(CallError::Refused(error)) => return Err(error),
            Err(CallError::Rerouted) => return Ok(()),
            Err(CallError::Unanswered(Unanswered { failure, .. })) => {
                Exchanged { replies: Vec::new(), failure: Some(failure), sent: 0 }
            }
        };
        let mut replies = replies.into_iter();
        let gate = &member.gate;
        for place in places {
            let Some(piece) = pieces.get_mut(*place) else { continue };
            if piece.is_asking && replies.next().is_none() {
                sent = sent.saturating_sub(1);
            }
            let unanswered = match (replies.next(), &failure) {
                (Some(reply), _) => match gate.replied(&piece.args, epoch, reply, call.began) {
                    Ok(reply) => {
                        self.take_reply(piece, reply, pause);
                        continue;
                    }
                    Err(unanswered) => *unanswered,
                },
                (None, Some(failure)) => {
                    let maybe_done = sent > 0;
                    sent = sent.saturating_sub(1);
                    Unanswered { failure: failure.clone(), maybe_done }
                }
                (None, None) => continue,
            };
            self.settle(gate, epoch, piece, unanswered, call);
        }
        Ok(())
    }

    fn settle(
        &self,
        gate: &Gate,
        epoch: u64,
        piece: &mut Piece<'_, Pool>,
        unanswered: Unanswered,
        call: Call<'_>,
    ) {
        match gate.settle(&piece.args, epoch, unanswered) {
            Settled::Ended(result) => return piece.end(result),
            Settled::Again { in_doubt } => piece.in_doubt |= in_doubt,
        }
        if Instant::now() < call.deadline {
            self.send_on(piece);
        } else {
            piece.end(gate.too_late(&piece.args, piece.in_doubt));
        }
    }

    /// Runs a transaction, whose keys lie in one slot, to the list of its replies.
    pub(super) fn transaction<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Value, Error> {
        let slot = slot_of_all(commands).map_err(|_| cross_slot())?;
        let owner = || slot.map_or_else(|| self.any(), |slot| self.owner(slot));
        let (mut way, mut in_doubt) = (Way::default(), false);
        let mut to = owner();
        loop {
            let caller = to.caller();
            let replies = caller.transaction(commands, deadline, &mut in_doubt, interrupt)?;
            let from = std::mem::replace(&mut to, owner());
            let Some(Value::Array(replies)) = replies else {
                match replies {
                    Some(other) => return Ok(other),
                    None => continue,
                }
            };
            let Some(pause) = self.redirected(&mut way, &from, &replies) else {
                return Ok(Value::Array(replies));
            };
            if !self.pause(pause, deadline, interrupt)? {
                return Ok(Value::Array(replies));
            }
            to = owner();
        }
    }
}
