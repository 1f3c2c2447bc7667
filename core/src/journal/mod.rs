//! What must reach Redis when it is back: per key, and compact.
//!
//! A key is *replaced* when its whole value is known (`SET`, `DEL`): the store holds it, and
//! Redis gets its final state. Otherwise it carries a *delta*: the commands that changed it
//! (`INCRBY`, `HSET`, `SADD`), a million INCRBY being one. A batch is one transaction that also
//! writes a marker: after a cut in its middle the marker tells whether Redis took it, so that
//! nothing is lost and nothing done twice.

mod batch;
mod foresight;
pub mod known;
pub mod ledger;
mod pending;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use crate::time::Timestamp;
use batch::Member;
pub(crate) use batch::words;
pub use batch::{Batch, DeadLetter, Outcome};
use known::Known;
use ledger::{Entry, KeyState, SentKey};
use pending::Pending;

/// A command with its arguments.
type Args = Vec<Vec<u8>>;

/// What is known of a key's pending change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// Redis gets what the store holds, or the key is deleted.
    Replaced,
    /// Redis does the same to what it holds.
    Delta {
        commands: Vec<Args>,
        /// What the commands cost.
        bytes: usize,
    },
}

/// What waits of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    change: Change,
    /// What was known of its value on Redis before.
    known: Option<Known>,
    /// Bytes of its whole state when the ledger was last told of that.
    told: Option<u32>,
    /// Bytes of commands that the ledger was told of since.
    further: u32,
}

/// What a key costs here beyond its bytes and those of its commands.
const KEY_OVERHEAD_BYTES: usize = 144;
/// What a command or an argument costs beyond its bytes.
const PART_OVERHEAD_BYTES: usize = 48;

/// Bytes of single commands that a ledger keeps of a key, beyond twice its whole state: more are put
/// together.
const FURTHER_BYTES: u32 = 1_024;

/// Pending changes by key, and those in the batch whose fate is not known yet. Each shard of a store
/// has one.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pending: Pending,
    under_way: Vec<(Vec<u8>, Waiting)>,
    /// What was known of keys that the command under way may change.
    glimpsed: Vec<(Vec<u8>, Known)>,
    bytes: usize,
}

impl Journal {
    /// An empty journal; `by_slot` where it is of a cluster, whose batches have keys of one slot each.
    pub(crate) fn new(by_slot: bool) -> Self {
        Self { pending: Pending::new(by_slot), ..Self::default() }
    }

    /// Keys that wait, those of a batch under way included.
    pub(crate) fn len(&self) -> usize {
        self.pending.len() + self.under_way.len()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its keys and bookkeeping; the values are the store's.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a change of this key waits or is under way.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        self.pending.contains_key(key) || self.under_way.iter().any(|(other, _)| other == key)
    }

    /// Notes what a key was known to hold before the command under way, which may change it.
    pub(crate) fn glimpse(&mut self, key: &[u8], known: Known) {
        self.glimpsed.push((key.to_vec(), known));
    }

    /// The command is over.
    pub(crate) fn forget_glimpses(&mut self) {
        self.glimpsed.clear();
    }

    pub(crate) fn replaced(&mut self, key: &[u8]) {
        let change = self.change(key);
        let freed = cost_of(change);
        *change = Change::Replaced;
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// A key changed as this command changes it.
    pub(crate) fn changed(&mut self, key: &[u8], command: &[&[u8]]) {
        let Change::Delta { commands, bytes } = self.change(key) else {
            return;
        };
        let before = *bytes;
        append(commands, bytes, command.iter().map(|arg| arg.to_vec()).collect());
        let after = *bytes;
        self.bytes = (self.bytes + after).saturating_sub(before);
    }

    fn change(&mut self, key: &[u8]) -> &mut Change {
        let Self { pending, glimpsed, bytes, .. } = self;
        let waiting = pending.get_or_insert_with(key, || {
            *bytes += key.len() + KEY_OVERHEAD_BYTES;
            let known = glimpsed.iter().find(|(other, _)| other == key).map(|(_, known)| *known);
            Waiting { known, ..Waiting::nothing() }
        });
        &mut waiting.change
    }

    /// What a ledger is to be told of a key that commands changed: `further` are these commands, or
    /// none where more than they changed it. `live` gives the commands that make what the store
    /// holds at it, if it is there.
    pub(crate) fn tell(
        &mut self,
        key: &[u8],
        now: Timestamp,
        further: Option<Vec<Args>>,
        live: impl Fn(&[u8]) -> Option<Vec<Args>>,
        entries: &mut Vec<Entry>,
    ) {
        let Some(waiting) = self.pending.get_mut(key) else {
            return;
        };
        if let (Some(commands), Some(told)) = (further, waiting.told) {
            let bytes = commands.iter().flatten().map(Vec::len).sum::<usize>();
            let bytes = waiting.further.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
            if bytes <= told.saturating_mul(2).saturating_add(FURTHER_BYTES) {
                waiting.further = bytes;
                let further = |command| Entry::Further { key: key.to_vec(), at: now, command };
                entries.extend(commands.into_iter().map(further));
                return;
            }
        }
        let commands = match &waiting.change {
            Change::Replaced => live(key).unwrap_or_default(),
            Change::Delta { commands, .. } => commands.clone(),
        };
        let is_replaced = waiting.change == Change::Replaced;
        let state = KeyState::new(is_replaced, waiting.known, now, commands);
        waiting.told = Some(u32::try_from(state.bytes()).unwrap_or(u32::MAX));
        waiting.further = 0;
        entries.push(Entry::Whole { key: key.to_vec(), state });
    }

    /// Takes what waited of a key in a process that is gone.
    pub(crate) fn restore(&mut self, key: &[u8], state: &KeyState, further: &[(Timestamp, Args)]) {
        if state.is_replaced {
            self.replaced(key);
        } else {
            let further = further.iter().map(|(_, command)| command);
            for command in state.commands.iter().chain(further) {
                let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
                self.changed(key, &args);
            }
        }
        if let Some(waiting) = self.pending.get_mut(key) {
            waiting.known = state.known;
        }
    }

    /// Takes a key of the batch under way of a process that is gone.
    pub(crate) fn restore_under_way(&mut self, sent: &SentKey) {
        let state = KeyState::new(sent.is_replaced, None, Timestamp::ZERO, sent.commands.clone());
        let later = self.pending.remove_entry(&sent.key);
        self.restore(&sent.key, &state, &[]);
        self.under_way.extend(self.pending.remove_entry(&sent.key));
        if let Some((key, waiting)) = later {
            self.pending.insert(key, waiting);
        }
    }

    /// The first key that waits, of this slot where one is named.
    pub(crate) fn first(&self, slot: Option<u16>) -> Option<&[u8]> {
        self.pending.first(slot)
    }

    /// The slot of the first key that waits, where the journal is of a cluster.
    pub(crate) fn first_slot(&self) -> Option<u16> {
        self.pending.first_slot()
    }

    /// Moves a key's change into a batch, if it has one; `unit` is the unit that it goes with. `live`
    /// gives the commands that make what the store holds at a key, if it is there.
    pub(crate) fn move_to(
        &mut self,
        batch: &mut Batch,
        key: &[u8],
        unit: u64,
        live: impl Fn(&[u8]) -> Option<Vec<Args>>,
    ) {
        let Some((key, waiting)) = self.pending.remove_entry(key) else {
            return;
        };
        let is_replaced = waiting.change == Change::Replaced;
        let written = match &waiting.change {
            // A key that expired during the outage is not resurrected, and not kept either.
            Change::Replaced => {
                live(&key).unwrap_or_else(|| vec![vec![b"DEL".to_vec(), key.clone()]])
            }
            Change::Delta { commands, .. } => commands.clone(),
        };
        let known = waiting.known;
        batch.push(Member::new(key.clone(), unit, is_replaced, known), written);
        self.under_way.push((key, waiting));
    }

    /// The batch under way reached Redis; how many keys of it were from here.
    pub(crate) fn applied(&mut self) -> usize {
        let applied = core::mem::take(&mut self.under_way);
        for (key, waiting) in &applied {
            let cost = key.len() + KEY_OVERHEAD_BYTES + cost_of(&waiting.change);
            self.bytes = self.bytes.saturating_sub(cost);
        }
        applied.len()
    }

    /// The batch under way did not reach Redis: its changes wait again, before later ones.
    pub(crate) fn returned(&mut self) {
        for (key, older) in core::mem::take(&mut self.under_way) {
            let Some(newer) = self.pending.get_mut(&key) else {
                self.pending.insert(key, older);
                continue;
            };
            let both = cost_of(&older.change) + cost_of(&newer.change);
            let before = both + key.len() + KEY_OVERHEAD_BYTES;
            newer.known = older.known;
            newer.change =
                match (older.change, core::mem::replace(&mut newer.change, Change::Replaced)) {
                    (Change::Replaced, _) | (_, Change::Replaced) => Change::Replaced,
                    (
                        Change::Delta { mut commands, mut bytes },
                        Change::Delta { commands: later, .. },
                    ) => {
                        for command in later {
                            append(&mut commands, &mut bytes, command);
                        }
                        Change::Delta { commands, bytes }
                    }
                };
            self.bytes = (self.bytes + cost_of(&newer.change)).saturating_sub(before);
        }
    }
}

impl Waiting {
    const fn nothing() -> Self {
        let change = Change::Delta { commands: Vec::new(), bytes: 0 };
        Self { change, known: None, told: None, further: 0 }
    }
}

const fn cost_of(change: &Change) -> usize {
    match change {
        Change::Replaced => 0,
        Change::Delta { bytes, .. } => *bytes,
    }
}

fn cost_of_command(command: &Args) -> usize {
    let parts: usize = command.iter().map(|part| part.len() + PART_OVERHEAD_BYTES).sum();
    parts + PART_OVERHEAD_BYTES
}

/// Adds a command to those that wait, as part of one of them where that comes to the same.
/// `bytes` is what they cost.
fn append(commands: &mut Vec<Args>, bytes: &mut usize, mut command: Args) {
    if let Some(name) = command.first_mut() {
        name.make_ascii_uppercase();
    }
    let mut at = commands.len();
    if sets_expiry(&command) {
        // Of expiries with none but counting between them only the last one matters.
        let last = commands.iter().rposition(|other| increment(other).is_none());
        if let Some(last) = last.filter(|last| commands.get(*last).is_some_and(sets_expiry)) {
            *bytes = bytes.saturating_sub(cost_of_command(&commands.remove(last)));
            at -= 1;
        }
    } else if let Some(amount) = increment(&command) {
        // An expiry in between does not care for the value.
        at = commands.iter().rposition(|other| !sets_expiry(other)).map_or(0, |last| last + 1);
        let earlier = at.checked_sub(1).and_then(|earlier| commands.get_mut(earlier));
        let key = command.into_iter().nth(1).unwrap_or_default();
        let mut sum = amount;
        if let Some(earlier) = earlier
            && let Some(both) = increment(earlier).and_then(|before| before.checked_add(amount))
        {
            sum = both;
            at -= 1;
            *bytes = bytes.saturating_sub(cost_of_command(&commands.remove(at)));
        }
        command = vec![b"INCRBY".to_vec(), key, sum.to_string().into_bytes()];
    } else if takes_any_number(&command)
        && let Some(last) = commands.last_mut()
        && last.first() == command.first()
        && last.len() + command.len() <= ARGUMENTS_MAX
    {
        let elements = command.split_off(2);
        *bytes += elements.iter().map(|part| part.len() + PART_OVERHEAD_BYTES).sum::<usize>();
        last.extend(elements);
        return;
    }
    *bytes += cost_of_command(&command);
    commands.insert(at, command);
}

/// Arguments that commands are put together to.
const ARGUMENTS_MAX: usize = 10_000;

/// Whether the command does with many elements what it does with one after the other.
fn takes_any_number(command: &Args) -> bool {
    let name = command.first().map(Vec::as_slice).unwrap_or_default();
    let names: [&[u8]; 8] =
        [b"LPUSH", b"RPUSH", b"SADD", b"SREM", b"HSET", b"HDEL", b"ZREM", b"PFADD"];
    names.contains(&name)
}

fn sets_expiry(command: &Args) -> bool {
    matches!(command.first().map(Vec::as_slice), Some(b"PEXPIREAT" | b"PERSIST"))
}

/// What a command adds to a counter.
fn increment(command: &Args) -> Option<i64> {
    let name = command.first()?.as_slice();
    let amount = || core::str::from_utf8(command.get(2)?).ok()?.parse::<i64>().ok();
    match name {
        b"INCR" => Some(1),
        b"DECR" => Some(-1),
        b"INCRBY" => amount(),
        b"DECRBY" => amount()?.checked_neg(),
        _ => None,
    }
}
