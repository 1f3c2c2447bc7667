//! Commands divided among shards, and their replies put together, whoever waits for the sockets.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use outlast_core::classify::classify_reply;
use outlast_core::cluster::{CROSS_SLOT, Cursor, Join, Part, Plan, Redirect, plan};
use outlast_core::{Error, Value};

use super::fleet::{Fleet, Member};
use super::follow::{Next, Way};
use crate::endpoint::Place;
use crate::gate::{Gate, doubted, into_result, name_of};
use crate::transport::Transport;

/// How long a transaction waits for its slot to arrive.
const ASK_PAUSE: Duration = Duration::from_millis(20);

/// A command, or a part of one, for one shard.
pub(crate) struct Piece<'a, T> {
    /// Which command it is of.
    of: usize,
    pub(crate) args: Vec<Cow<'a, [u8]>>,
    /// Its slot, where it has keys.
    slot: Option<u16>,
    pub(crate) to: Arc<Member<T>>,
    /// Whether its slot is on its way there.
    pub(crate) is_asking: bool,
    way: Way,
    /// What it was answered where it was sent last, if it was not done there.
    redirect: Option<Value>,
    /// Whether it is a write that an earlier connection may have carried.
    pub(crate) in_doubt: bool,
    pub(crate) result: Option<Result<Value, Error>>,
}

/// How the pieces of a command become its reply.
pub(crate) enum Shape {
    /// There is one, and its reply is the command's.
    One,
    /// There are several.
    Joined { parts: Vec<Part>, join: Join },
    /// The cursor that comes back is of the shard with this lowest slot.
    Scan(u16),
    /// None: it is refused.
    Refused(Error),
}

/// What must be waited for before pieces go on.
#[derive(Default)]
pub(crate) struct Pause {
    /// A look at who serves what, this node first.
    pub(crate) look: Option<Place>,
    /// A moment.
    pub(crate) wait: Option<Duration>,
}

/// What a caller is told of a command that was answered so at the end of its time. That it was sent to the
/// wrong node is no caller's affair.
pub(crate) fn in_time<A: AsRef<[u8]>>(
    gate: &Gate,
    args: &[A],
    in_doubt: bool,
    reply: Value,
) -> Result<Value, Error> {
    match reply.as_error().and_then(Redirect::parse) {
        Some(Redirect::Moved { .. } | Redirect::Ask { .. }) => gate.too_late(args, in_doubt),
        _ => Ok(reply),
    }
}

/// The error of Redis for keys in several slots.
pub(crate) fn cross_slot() -> Error {
    Error::reply(classify_reply(CROSS_SLOT), CROSS_SLOT)
}

impl<T: Transport> Fleet<T> {
    /// Divides a command into pieces.
    pub(crate) fn divide<'a, A: AsRef<[u8]>>(
        &self,
        of: usize,
        args: &'a [A],
        pieces: &mut Vec<Piece<'a, T>>,
    ) -> Shape {
        let whole = || args.iter().map(|arg| Cow::Borrowed(arg.as_ref())).collect();
        let piece = |args, slot, to| Piece {
            of,
            args,
            slot,
            to,
            is_asking: false,
            way: Way::default(),
            redirect: None,
            in_doubt: false,
            result: None,
        };
        match plan(args) {
            Plan::Slot(slot) => pieces.push(piece(whole(), Some(slot), self.owner(slot))),
            Plan::Split { parts, join } => {
                for part in &parts {
                    let args = part.args(args).into_iter().map(Cow::Borrowed).collect();
                    pieces.push(piece(args, Some(part.slot), self.owner(part.slot)));
                }
                return Shape::Joined { parts, join };
            }
            Plan::Everywhere(join) => {
                let members = self.members();
                pieces.extend(members.into_iter().map(|member| piece(whole(), None, member)));
                return Shape::Joined { parts: Vec::new(), join };
            }
            Plan::Scan(Some(cursor)) => {
                let to = self.owner(cursor.slot);
                let lowest = to.seat.slots().next().unwrap_or(cursor.slot);
                let mut args: Vec<Cow<'a, [u8]>> = whole();
                if let Some(own) = args.get_mut(1) {
                    *own = Cow::Owned(cursor.own.to_string().into_bytes());
                }
                pieces.push(piece(args, None, to));
                return Shape::Scan(lowest);
            }
            Plan::CrossSlot => return Shape::Refused(cross_slot()),
            _ => pieces.push(piece(whole(), None, self.any())),
        }
        Shape::One
    }

    /// What a transaction of these replies waits for before it goes on; none where they are its caller's.
    pub(crate) fn redirected(
        &self,
        way: &mut Way,
        from: &Arc<Member<T>>,
        replies: &[Value],
    ) -> Option<Pause> {
        let is_redirect =
            |reply: &&Value| reply.as_error().is_some_and(|error| Redirect::parse(error).is_some());
        match way.next(self, from, replies.iter().find(is_redirect)?) {
            Next::Ended => None,
            Next::Again => Some(Pause::default()),
            Next::Look(place) => Some(Pause { look: Some(place), wait: None }),
            Next::Wait(wait) => Some(Pause { look: None, wait: Some(wait) }),
            // A transaction is asked of one node: it waits until its slot has arrived.
            Next::Ask(_) => Some(Pause { look: None, wait: Some(ASK_PAUSE) }),
        }
    }

    /// A piece that was sent where its slot is no longer goes to whoever has it.
    pub(crate) fn send_on(&self, piece: &mut Piece<'_, T>) {
        piece.is_asking = false;
        if let Some(slot) = piece.slot {
            piece.to = self.owner(slot);
        }
    }

    /// Takes the reply to a piece: it ends, or goes elsewhere, perhaps after a pause.
    pub(crate) fn take_reply(&self, piece: &mut Piece<'_, T>, reply: Value, pause: &mut Pause) {
        let from = piece.to.clone();
        let next =
            if piece.slot.is_some() { piece.way.next(self, &from, &reply) } else { Next::Ended };
        self.send_on(piece);
        match next {
            Next::Ended => {
                piece.result = Some(Ok(reply));
                return;
            }
            Next::Again => {}
            Next::Ask(member) => {
                piece.to = member;
                piece.is_asking = true;
            }
            Next::Look(place) => pause.look = Some(place),
            Next::Wait(wait) => pause.wait = pause.wait.max(Some(wait)),
        }
        piece.redirect = Some(reply);
    }

    /// The results of commands that were divided so, in their order.
    pub(crate) fn assemble(
        &self,
        shapes: Vec<Shape>,
        pieces: Vec<Piece<'_, T>>,
    ) -> Vec<Result<Value, Error>> {
        let mut pieces = pieces.into_iter().peekable();
        let mut results = Vec::with_capacity(shapes.len());
        for (of, shape) in shapes.into_iter().enumerate() {
            let mut replies = Vec::new();
            while let Some(piece) = pieces.next_if(|piece| piece.of == of) {
                replies.push(piece.ended());
            }
            results.push(self.shaped(shape, replies).and_then(into_result));
        }
        results
    }

    fn shaped(&self, shape: Shape, replies: Vec<Result<Value, Error>>) -> Result<Value, Error> {
        match shape {
            Shape::Refused(error) => Err(error),
            Shape::One => replies.into_iter().next().unwrap_or(Ok(Value::Nil)),
            Shape::Joined { parts, join: Join::OneSucceeded } => {
                let (mut ended, mut error) = (Vec::new(), None);
                for reply in replies {
                    match reply {
                        Ok(reply) => ended.push(reply),
                        Err(refused) => error = error.or(Some(refused)),
                    }
                }
                match error.filter(|_| ended.iter().all(|reply| reply.as_error().is_some())) {
                    Some(error) => Err(error),
                    None => Ok(Join::OneSucceeded.join(&parts, ended)),
                }
            }
            Shape::Joined { parts, join } => {
                let replies: Result<Vec<Value>, Error> = replies.into_iter().collect();
                Ok(join.join(&parts, replies?))
            }
            Shape::Scan(lowest) => {
                let reply = replies.into_iter().next().unwrap_or(Ok(Value::Nil))?;
                Ok(self.scanned(lowest, reply))
            }
        }
    }

    /// The reply of `SCAN` with the cursor for the whole cluster.
    fn scanned(&self, lowest: u16, reply: Value) -> Value {
        let Value::Array(mut parts) = reply else {
            return reply;
        };
        let own = parts.first().and_then(Value::as_bulk);
        let own = own.and_then(|own| std::str::from_utf8(own).ok()?.parse().ok());
        if let (Some(own), Some(cursor)) = (own, parts.first_mut()) {
            let further = match own {
                0 => self.next_lowest(lowest).and_then(|slot| Cursor::new(slot, 0)),
                own => Cursor::new(lowest, own),
            };
            let text = further.map_or_else(|| "0".to_string(), Cursor::text);
            *cursor = Value::Bulk(text.into_bytes());
        }
        Value::Array(parts)
    }

    fn next_lowest(&self, lowest: u16) -> Option<u16> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let lowests = map.members.iter().filter_map(|member| member.seat.slots().next());
        lowests.filter(|other| *other > lowest).min()
    }
}

impl<T> Piece<'_, T> {
    /// Ends it, with what was made of it.
    pub(crate) fn end(&mut self, result: Result<Value, Error>) {
        self.result = Some(doubted(|| name_of(&self.args), self.in_doubt, result));
    }

    fn ended(self) -> Result<Value, Error> {
        let Self { result, redirect, to, args, in_doubt, .. } = self;
        result.unwrap_or_else(|| in_time(&to.gate, &args, in_doubt, redirect.unwrap_or(Value::Nil)))
    }
}
