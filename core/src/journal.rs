//! What must reach Redis when it is back: per key, and compact.
//!
//! A key is *replaced* when its whole value is known (`SET`, `DEL`): the store holds it, and
//! Redis gets its final state. Otherwise it carries a *delta* (`INCRBY`), and a million of them
//! are one command. A batch is one transaction that also writes a marker: after a cut in its
//! middle the marker tells whether Redis took it, so that nothing is lost and nothing done twice.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::classify::classify_reply;
use crate::entry::{ENTRY_OVERHEAD_BYTES, Entry};
use crate::kind::{Failure, FailureKind, Verdict};
use crate::resp::Value;

/// What is known of a key's pending change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Redis gets what the store holds, or the key is deleted.
    Replaced,
    /// Redis adds the sum to what it holds.
    Delta {
        sum: i64,
        /// Whether the expiry was set or removed here.
        expiry_changed: bool,
    },
}

/// How long a marker outlives its batch, in milliseconds: longer than any outage that ends with
/// this process still alive to ask for it.
const MARKER_TTL_MS: u64 = 7 * 86_400_000;

/// Pending changes by key, and the batch whose fate is not known yet.
#[derive(Debug, Default)]
pub struct Journal {
    pending: BTreeMap<Vec<u8>, Change>,
    under_way: Vec<(Vec<u8>, Change)>,
    sequence: u64,
    bytes: usize,
}

/// Commands for Redis that are done all or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// Its number within this client, from 1.
    pub sequence: u64,
    /// The commands.
    pub commands: Vec<Vec<Vec<u8>>>,
    /// For each command, the number of its key within the batch.
    key_of: Vec<usize>,
    keys: usize,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Redis took it, but for `refused` keys that it refused for good.
    Applied {
        /// Keys that reached Redis.
        replayed: u64,
        /// Keys that Redis refused, such as a counter that is a list by now.
        refused: u64,
    },
    /// Redis took nothing of it, for now.
    Rejected {
        /// Why.
        failure: Failure,
    },
}

impl Journal {
    /// An empty journal.
    pub const fn new() -> Self {
        Self { pending: BTreeMap::new(), under_way: Vec::new(), sequence: 0, bytes: 0 }
    }

    /// Keys that wait, those of a batch under way included.
    pub fn len(&self) -> usize {
        self.pending.len() + self.under_way.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its keys and bookkeeping; the values are the store's.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the batch whose fate is not known: ask Redis for its marker.
    pub fn in_doubt(&self) -> Option<u64> {
        (!self.under_way.is_empty()).then_some(self.sequence)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.pending.contains_key(key)
    }

    pub(crate) fn replaced(&mut self, key: &[u8]) {
        *self.change(key) = Change::Replaced;
    }

    pub(crate) fn added(&mut self, key: &[u8], amount: i64) {
        if let Change::Delta { sum, .. } = self.change(key) {
            // The store has refused what overflows its own value, of which this is a part.
            *sum = sum.wrapping_add(amount);
        }
    }

    pub(crate) fn expiry_changed(&mut self, key: &[u8]) {
        if let Change::Delta { expiry_changed, .. } = self.change(key) {
            *expiry_changed = true;
        }
    }

    fn change(&mut self, key: &[u8]) -> &mut Change {
        if !self.pending.contains_key(key) {
            self.bytes += key.len() + ENTRY_OVERHEAD_BYTES;
        }
        let nothing_yet = Change::Delta { sum: 0, expiry_changed: false };
        self.pending.entry(key.to_vec()).or_insert(nothing_yet)
    }

    pub(crate) fn next_batch<'a>(
        &mut self,
        live: impl Fn(&[u8]) -> Option<&'a Entry>,
        keys_max: usize,
    ) -> Option<Batch> {
        if !self.under_way.is_empty() || self.pending.is_empty() {
            return None;
        }
        self.sequence += 1;
        let (mut commands, mut key_of) = (Vec::new(), Vec::new());
        while self.under_way.len() < keys_max.max(1) {
            let Some((key, change)) = self.pending.pop_first() else {
                break;
            };
            let written = commands_for(&key, change, live(&key));
            key_of.extend(vec![self.under_way.len(); written.len()]);
            commands.extend(written);
            self.under_way.push((key, change));
        }
        let keys = self.under_way.len();
        Some(Batch { sequence: self.sequence, commands, key_of, keys })
    }

    pub(crate) fn applied(&mut self) {
        for (key, _) in core::mem::take(&mut self.under_way) {
            self.bytes = self.bytes.saturating_sub(key.len() + ENTRY_OVERHEAD_BYTES);
        }
    }

    pub(crate) fn returned(&mut self) {
        for (key, older) in core::mem::take(&mut self.under_way) {
            let cost = key.len() + ENTRY_OVERHEAD_BYTES;
            let Some(newer) = self.pending.get_mut(&key) else {
                self.pending.insert(key, older);
                continue;
            };
            self.bytes = self.bytes.saturating_sub(cost);
            *newer = match (older, *newer) {
                (Change::Replaced, _) | (_, Change::Replaced) => Change::Replaced,
                (
                    Change::Delta { sum: before, expiry_changed: was_changed },
                    Change::Delta { sum, expiry_changed },
                ) => Change::Delta {
                    sum: before.wrapping_add(sum),
                    expiry_changed: was_changed || expiry_changed,
                },
            };
        }
    }
}

fn commands_for(key: &[u8], change: Change, entry: Option<&Entry>) -> Vec<Vec<Vec<u8>>> {
    let command = |name: &str, last: Option<Vec<u8>>| {
        let mut args = vec![name.as_bytes().to_vec(), key.to_vec()];
        args.extend(last);
        args
    };
    let digits = |number: &dyn ToString| Some(number.to_string().into_bytes());
    // A key that expired during the outage is not resurrected, and not kept either.
    let Some(entry) = entry else {
        return vec![command("DEL", None)];
    };
    let expiry = entry.expires_at.map(|at| command("PEXPIREAT", digits(&at.as_ms())));
    match change {
        Change::Replaced => {
            let mut commands = vec![command("SET", Some(entry.value.clone()))];
            commands.extend(expiry);
            commands
        }
        Change::Delta { sum, expiry_changed } => {
            let mut commands = vec![command("INCRBY", digits(&sum))];
            if expiry_changed {
                commands.push(expiry.unwrap_or_else(|| command("PERSIST", None)));
            }
            commands
        }
    }
}

impl Batch {
    /// The key of the marker of a client.
    pub fn marker_key(client_id: &str) -> String {
        alloc::format!("outlast:{{{client_id}}}")
    }

    /// Whether the marker that Redis holds says that it took the batch with this number.
    pub fn is_marked(marker: &Value, sequence: u64) -> bool {
        matches!(marker, Value::Bulk(bytes) if *bytes == sequence.to_string().into_bytes())
    }

    /// Everything to send: `MULTI`, the commands, the marker, `EXEC`.
    pub fn transaction(&self, client_id: &str) -> Vec<Vec<Vec<u8>>> {
        let words = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let mut commands = Vec::with_capacity(self.commands.len() + 3);
        commands.push(words(&["MULTI"]));
        commands.extend(self.commands.iter().cloned());
        commands.push(words(&[
            "SET",
            &Self::marker_key(client_id),
            &self.sequence.to_string(),
            "PX",
            &MARKER_TTL_MS.to_string(),
        ]));
        commands.push(words(&["EXEC"]));
        commands
    }

    /// What the replies to [`transaction`](Self::transaction) say.
    pub fn outcome(&self, replies: &[Value]) -> Outcome {
        match replies.last() {
            Some(Value::Array(results)) => {
                let mut refused = vec![false; self.keys];
                for (result, key) in results.iter().zip(&self.key_of) {
                    refused[*key] |= matches!(result, Value::Error(_));
                }
                let refused = refused.into_iter().filter(|refused| *refused).count() as u64;
                Outcome::Applied { replayed: self.keys as u64 - refused, refused }
            }
            last => Outcome::Rejected { failure: rejection(replies, last) },
        }
    }
}

/// Why Redis took nothing: the reason stands at the command that it would not queue.
fn rejection(replies: &[Value], last: Option<&Value>) -> Failure {
    let errors = replies.iter().filter_map(Value::as_error);
    let errors = errors.filter(|message| !message.starts_with("EXECABORT"));
    let mut failures = errors.map(|message| Failure::new(classify_reply(message), message));
    let found = failures.next().unwrap_or_else(|| {
        let text = alloc::format!("the transaction ended with {last:?}");
        Failure::new(FailureKind::ProtocolError, text)
    });
    match found.verdict() {
        // A user that may not write, or a server too old for a command: no batch will pass until
        // somebody changes that, so it counts as what an operator must mend.
        Verdict::Command => Failure::new(FailureKind::AuthFailed, found.text),
        Verdict::Link | Verdict::Writes | Verdict::Wait => found,
    }
}
