//! Commands for Redis that are done all or not at all, and what became of them.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::Args;
use super::foresight;
use super::known::{Found, Known};
use super::ledger::{SentBatch, SentKey};
use crate::classify::classify_reply;
use crate::cluster::{Redirect, slot_of, tag_of};
use crate::kind::{Failure, FailureKind, Verdict};
use crate::resp::Value;
use crate::rules::{ConflictPolicy, Rules};
use crate::time::Timestamp;

/// How long a marker outlives its batch, in milliseconds: longer than any outage that ends with
/// this process still alive to ask for it.
const MARKER_TTL_MS: u64 = 7 * 86_400_000;

/// Commands for Redis that are done all or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// Its number within this client, from 1.
    pub sequence: u64,
    /// The commands.
    pub commands: Vec<Vec<Vec<u8>>>,
    /// The slot that all its keys lie in, where Redis is a cluster.
    pub slot: Option<u16>,
    /// When it was put together.
    at: Timestamp,
    /// For each command, the number of its key within the batch.
    key_of: Vec<usize>,
    members: Vec<Member>,
    bytes: usize,
    /// What Redis will refuse of it, as far as its keys tell.
    foreseen: Vec<DeadLetter>,
}

/// A key of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: Vec<u8>,
    /// The unit that it goes with; 0 where it goes alone.
    pub(super) unit: u64,
    pub(super) is_replaced: bool,
    pub(super) known: Option<Known>,
    /// Whether a conflict came to nothing of ours going there.
    is_dropped: bool,
    /// What asks Redis whether it will refuse it.
    ask: Option<Args>,
}

impl Member {
    pub(super) const fn new(
        key: Vec<u8>,
        unit: u64,
        is_replaced: bool,
        known: Option<Known>,
    ) -> Self {
        Self { key, unit, is_replaced, known, is_dropped: false, ask: None }
    }

    /// What is asked of its key: for what was known of it, unless others may have done it already, and
    /// for what Redis will refuse. One command may do for both.
    fn looks(&self, is_doubled: bool) -> (Option<Args>, Option<Args>) {
        let known = self.known.filter(|_| !is_doubled).map(|known| known.look(&self.key));
        let ask = self.ask.clone().filter(|ask| Some(ask) != known.as_ref());
        (known, ask)
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Redis took it, but for the keys that it refused for good.
    Applied {
        /// Keys that reached Redis.
        replayed: u64,
        /// For each key that Redis refused, such as a counter that is a list by now, what it said.
        refused: Vec<DeadLetter>,
    },
    /// Redis took nothing of it, for the marker changed meanwhile: another connection carried the
    /// same batch.
    Overtaken,
    /// Redis took nothing of it, for now.
    Rejected {
        /// Why.
        failure: Failure,
    },
}

/// A write of the outage that Redis refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The key.
    pub key: Vec<u8>,
    /// The commands that were to write it, with their arguments. Those that Redis did not refuse were done.
    pub commands: Vec<Vec<Vec<u8>>>,
    /// What Redis said of the first that it refused.
    pub error: String,
    /// When.
    pub at: Timestamp,
}

impl DeadLetter {
    /// Bytes of its key, commands and error.
    pub(crate) fn bytes(&self) -> usize {
        let commands = self.commands.iter().flatten().map(Vec::len).sum::<usize>();
        self.key.len() + commands + self.error.len()
    }
}

impl Batch {
    /// A batch without keys.
    pub(crate) const fn new(sequence: u64, at: Timestamp) -> Self {
        Self {
            sequence,
            commands: Vec::new(),
            slot: None,
            at,
            key_of: Vec::new(),
            members: Vec::new(),
            bytes: 0,
            foreseen: Vec::new(),
        }
    }

    /// A batch that a process which is gone may have sent.
    pub(crate) fn restored(sent: &SentBatch) -> Self {
        let mut batch = Self::new(sent.sequence, sent.at);
        for SentKey { key, unit, is_replaced, commands } in &sent.keys {
            let (key, unit, is_replaced) = (key.clone(), *unit, *is_replaced);
            batch.push(Member::new(key, unit, is_replaced, None), commands.clone());
        }
        batch
    }

    pub(super) fn push(&mut self, mut member: Member, commands: Vec<Args>) {
        if !member.is_replaced {
            member.ask = foresight::look(&member.key, &commands);
        }
        self.key_of.extend(vec![self.members.len(); commands.len()]);
        self.bytes += commands.iter().flatten().map(Vec::len).sum::<usize>();
        self.commands.extend(commands);
        self.members.push(member);
    }

    /// How many keys it has.
    pub(crate) const fn keys(&self) -> usize {
        self.members.len()
    }

    /// What a ledger is told of it.
    pub(crate) fn to_sent(&self) -> SentBatch {
        let keys = self.members.iter().zip(self.commands_by_key());
        let keys = keys.map(|(Member { key, unit, is_replaced, .. }, commands)| {
            SentKey::new(key.clone(), *unit, *is_replaced, commands)
        });
        let mut units: Vec<u64> = self.members.iter().map(|member| member.unit).collect();
        units.retain(|unit| *unit != 0);
        units.sort_unstable();
        units.dedup();
        SentBatch::new(self.sequence, self.at, keys.collect(), units)
    }

    /// Whether a conflict took keys from it.
    pub(crate) fn is_amended(&self) -> bool {
        self.members.iter().any(|member| member.is_dropped)
    }

    /// Its keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.members.iter().map(|member| member.key.as_slice())
    }

    /// Commands that ask Redis for the values of its keys that were known, and for what it will refuse,
    /// after a `WATCH` of these keys where `is_watching`; none where there is nothing to ask. Of a batch
    /// that `is_doubled`, for a copy of it may have been done, values are not compared.
    pub(crate) fn looks(&self, is_watching: bool, is_doubled: bool) -> Vec<Args> {
        let mut watch = vec![b"WATCH".to_vec()];
        let mut commands: Vec<Args> = Vec::new();
        for member in &self.members {
            let asked = commands.len();
            let (known, ask) = member.looks(is_doubled);
            commands.extend([known, ask].into_iter().flatten());
            if is_watching && commands.len() > asked {
                watch.push(member.key.clone());
            }
        }
        if watch.len() > 1 {
            commands.insert(0, watch);
        }
        commands
    }

    /// Takes the replies to [`looks`](Self::looks): drops what the rules say is not to go where others
    /// changed a key, and notes what Redis will refuse; how many keys they changed.
    pub(crate) fn resolve(
        &mut self,
        now: Timestamp,
        replies: &[Value],
        rules: &Rules,
        is_doubled: bool,
    ) -> u64 {
        let looks = self.members.iter().map(|member| member.looks(is_doubled));
        let asked: Vec<(bool, bool)> =
            looks.map(|(known, ask)| (known.is_some(), ask.is_some())).collect();
        let count = asked.iter().map(|(known, ask)| usize::from(*known) + usize::from(*ask)).sum();
        let replies = replies.get(replies.len().saturating_sub(count)..).unwrap_or_default();
        let mut replies = replies.iter();
        let mut conflicts = 0;
        let mut answers = vec![None; self.members.len()];
        for ((member, answer), (is_known, is_asked)) in
            self.members.iter_mut().zip(&mut answers).zip(asked)
        {
            if let Some(known) = member.known.filter(|_| is_known) {
                let Some(reply) = replies.next() else { break };
                let found = known.compare(reply);
                conflicts += u64::from(found != Found::Same);
                let policy = rules.class_of(&member.key).policy;
                member.is_dropped = found == Found::Gone && policy == ConflictPolicy::DeleteWins;
                *answer = Some(reply);
            }
            if is_asked {
                *answer = replies.next();
            }
        }
        self.foresee(now, &answers);
        let is_kept = |key: usize| !self.members.get(key).is_some_and(|it| it.is_dropped);
        let kept = self.commands.drain(..).zip(self.key_of.drain(..));
        let kept: Vec<(Args, usize)> = kept.filter(|(_, key)| is_kept(*key)).collect();
        (self.commands, self.key_of) = kept.into_iter().unzip();
        conflicts
    }

    fn foresee(&mut self, now: Timestamp, answers: &[Option<&Value>]) {
        let commands = self.commands_by_key();
        let asked = self.members.iter().zip(commands).zip(answers).enumerate();
        let refused = asked.filter_map(|(at, ((member, commands), answer))| {
            member.ask.as_ref().filter(|_| !member.is_dropped)?;
            self.letter(now, at, &foresight::refusal(&commands, (*answer)?)?)
        });
        self.foreseen = refused.collect();
    }

    /// What Redis refused of it, if it was done: its keys were watched since they were looked at.
    pub(crate) fn into_foreseen(self) -> Vec<DeadLetter> {
        self.foreseen
    }

    fn commands_by_key(&self) -> Vec<Vec<Args>> {
        let mut commands: Vec<Vec<Args>> = vec![Vec::new(); self.members.len()];
        for (command, key) in self.commands.iter().zip(&self.key_of) {
            if let Some(of_key) = commands.get_mut(*key) {
                of_key.push(command.clone());
            }
        }
        commands
    }

    /// Bytes of its commands.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The key of the marker of a client; on a cluster, that of this slot, in which it lies itself.
    pub fn marker_key(client_id: &str, slot: Option<u16>) -> String {
        match slot {
            None => alloc::format!("outlast:{{{client_id}}}"),
            Some(slot) => alloc::format!("outlast:{{{}}}:{client_id}", tag_of(slot)),
        }
    }

    /// Whether a key may be one of this batch.
    pub(crate) fn takes(&self, key: &[u8]) -> bool {
        self.slot.is_none_or(|slot| slot_of(key) == slot)
    }

    /// Whether the marker that Redis holds says that it took the batch with this number.
    pub fn is_marked(marker: &Value, sequence: u64) -> bool {
        matches!(marker, Value::Bulk(bytes) if *bytes == sequence.to_string().into_bytes())
    }

    /// Everything to send: `MULTI`, the commands, the marker, `EXEC`, and a `WATCH` of the marker for
    /// the next batch. The connection watches the marker already: so of two connections that carry
    /// one batch, for a cut one may be read late, only the first is heard.
    pub fn transaction(&self, client_id: &str) -> Vec<Vec<Vec<u8>>> {
        let marker = Self::marker_key(client_id, self.slot);
        let sequence = self.sequence.to_string();
        let mut commands = Vec::with_capacity(self.commands.len() + 4);
        commands.push(words(&["MULTI"]));
        commands.extend(self.commands.iter().cloned());
        commands.push(words(&["SET", &marker, &sequence, "PX", &MARKER_TTL_MS.to_string()]));
        commands.push(words(&["EXEC"]));
        commands.push(words(&["WATCH", &marker]));
        commands
    }

    /// What the replies to [`transaction`](Self::transaction) say, which came `now`.
    pub fn outcome(&self, now: Timestamp, replies: &[Value]) -> Outcome {
        match replies.iter().rev().nth(1) {
            Some(Value::Array(results)) => {
                let mut errors: Vec<Option<&String>> = vec![None; self.members.len()];
                for (result, key) in results.iter().zip(&self.key_of) {
                    if let (Value::Error(error), Some(first)) = (result, errors.get_mut(*key)) {
                        first.get_or_insert(error);
                    }
                }
                let errors = errors.into_iter().enumerate();
                let refused = errors.filter_map(|(at, error)| self.letter(now, at, error?));
                let refused: Vec<DeadLetter> = refused.collect();
                let dropped = self.members.iter().filter(|member| member.is_dropped).count();
                let replayed = self.members.len().saturating_sub(refused.len() + dropped);
                Outcome::Applied { replayed: replayed as u64, refused }
            }
            Some(Value::Nil) => Outcome::Overtaken,
            last => Outcome::Rejected { failure: rejection(replies, last) },
        }
    }

    fn letter(&self, at: Timestamp, place: usize, error: &str) -> Option<DeadLetter> {
        let own = self.commands.iter().zip(&self.key_of).filter(|(_, key)| **key == place);
        let commands = own.map(|(command, _)| command.clone()).collect();
        let key = self.members.get(place)?.key.clone();
        Some(DeadLetter { key, commands, error: error.into(), at })
    }
}

/// Words of a command, owned.
pub(crate) fn words(words: &[&str]) -> Args {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Why Redis took nothing: the reason stands at the command that it would not queue.
fn rejection(replies: &[Value], last: Option<&Value>) -> Failure {
    let errors = replies.iter().filter_map(Value::as_error);
    // EXEC names a reason of its own only where every command before it was queued.
    let errors = errors.filter(|message| {
        !message.starts_with("EXECABORT") || classify_reply(message) != FailureKind::CommandError
    });
    let mut failures = errors.map(|message| Failure::new(classify_reply(message), message));
    let found = failures.next().unwrap_or_else(|| {
        let text = alloc::format!("the transaction ended with {last:?}");
        Failure::new(FailureKind::ProtocolError, text)
    });
    // A slot on its way elsewhere: all of it may be done there, or here a moment later.
    if Redirect::parse(&found.text).is_some() {
        return Failure::new(FailureKind::TryAgain, found.text);
    }
    match found.verdict() {
        // A user that may not write, or a server too old for a command: no batch will pass until
        // somebody changes that, so it counts as what an operator must mend.
        Verdict::Command => Failure::new(FailureKind::AuthFailed, found.text),
        Verdict::Link | Verdict::Writes | Verdict::Wait => found,
    }
}
