//! Keyspace rules: which keys are sessions, counters, queues, locks; and what follows from that while
//! Redis is away.
//!
//! ```text
//!   text, list ──▶ RuleSpec ──▶ Rules ──▶ class_of(key)      the first rule that matches
//!                                 └─────▶ decide(command)    answered from memory, or refused
//! ```

mod cover;
mod decide;
mod given;
mod index;
mod parts;
mod sieve;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::Error;
use crate::policy::choice;
use cover::Glob;
use index::Index;

pub use decide::{Decision, Reason, decide};
pub use given::RuleSpec;

/// How many rules there may be.
pub const RULES_MAX: usize = 1_000;

/// How long a pattern may be, in bytes.
pub const PATTERN_BYTES_MAX: usize = 512;

choice!(
    /// What keys are for, and so what may be done with them while Redis is away.
    KeyClass, "class", "one of cache, counter, session, queue, lock, idempotency",
    {
        /// A value that can be made anew: answered from memory. The class of keys without a rule.
        Cache = "cache",
        /// A sum: what was added while Redis was away is added to what is there.
        Counter = "counter",
        /// What one user sees again: answered from memory.
        Session = "session",
        /// Work for whoever comes first: pushes are kept for Redis, pops are refused.
        Queue = "queue",
        /// What processes exclude each other with: neither read nor written.
        Lock = "lock",
        /// What keeps a thing from being done twice: neither read nor written.
        Idempotency = "idempotency",
    }
);

choice!(
    /// What becomes of a write of the outage whose key was changed on Redis meanwhile.
    ConflictPolicy, "policy", "one of replay, merge, delete_wins, discard",
    {
        /// Ours goes over theirs: a value as it was set, and of a change the same change.
        Replay = "replay",
        /// What we added is added to theirs; a value that we set goes over theirs.
        Merge = "merge",
        /// A key that was known and is not there any more stays away, else as `replay`.
        DeleteWins = "delete_wins",
        /// Nothing is written back, whether or not anything changed there.
        Discard = "discard",
    }
);

impl KeyClass {
    /// The policies that make sense for keys of this class, the default first.
    pub const fn policies(self) -> &'static [ConflictPolicy] {
        use ConflictPolicy::{DeleteWins, Discard, Merge, Replay};
        match self {
            Self::Cache | Self::Session => &[Replay, Merge, DeleteWins, Discard],
            Self::Counter => &[Merge, Discard],
            // A queue that was worked off is gone: that says nothing of what came later.
            Self::Queue => &[Replay, Discard],
            // Nothing of them is ever written while Redis is away.
            Self::Lock | Self::Idempotency => &[Discard],
        }
    }

    /// The policy of keys of this class where a rule names none.
    pub const fn default_policy(self) -> ConflictPolicy {
        match self {
            Self::Cache | Self::Session | Self::Queue => ConflictPolicy::Replay,
            Self::Counter => ConflictPolicy::Merge,
            Self::Lock | Self::Idempotency => ConflictPolicy::Discard,
        }
    }
}

/// A checked rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyRule {
    /// Which keys: a pattern as `KEYS` of Redis takes it.
    pub pattern: String,
    /// What they are for.
    pub class: KeyClass,
    /// What a conflict comes to.
    pub policy: ConflictPolicy,
}

/// How a key is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Treatment<'a> {
    /// What the key is for.
    pub class: KeyClass,
    /// What a conflict comes to.
    pub policy: ConflictPolicy,
    /// The rule that says so; none for a key that no rule names.
    pub rule: Option<&'a KeyRule>,
}

/// Rules in order, of which the first that matches a key decides; ready to be asked for every
/// command.
///
/// ```
/// use outlast_core::rules::{KeyClass, Rules};
///
/// let rules = Rules::new([("session:*", "session"), ("lock:*", "lock")])?;
/// assert_eq!(rules.class_of(b"lock:7").class, KeyClass::Lock);
/// assert_eq!(rules.class_of(b"else").class, KeyClass::Cache);
/// # Ok::<(), outlast_core::Error>(())
/// ```
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "Vec<KeyRule>")]
pub struct Rules {
    list: Vec<KeyRule>,
    index: Index,
}

impl Rules {
    /// No rules: every key is a cache key.
    pub const NONE: Self = Self { list: Vec::new(), index: Index::EMPTY };

    /// Checks rules, each of them a pattern, a class and perhaps a policy.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) with field, value and what is
    /// allowed: for more than [`RULES_MAX`] rules; a pattern that is empty, longer than
    /// [`PATTERN_BYTES_MAX`], there twice, covered by an earlier one, or such that no key matches
    /// it; an unknown class or policy; a policy that makes no sense for the class.
    pub fn new<R: Into<RuleSpec>>(rules: impl IntoIterator<Item = R>) -> Result<Self, Error> {
        let specs: Vec<RuleSpec> = rules.into_iter().map(Into::into).collect();
        Self::compile("rules", &specs)
    }

    /// As [`new`](Self::new); errors name the option `field`.
    pub(crate) fn compile(field: &str, specs: &[RuleSpec]) -> Result<Self, Error> {
        if specs.len() > RULES_MAX {
            let allowed = format!("at most {RULES_MAX}");
            let field = format!("number of {field}");
            return Err(Error::invalid_option(&field, &specs.len().to_string(), &allowed));
        }
        let mut list: Vec<KeyRule> = Vec::with_capacity(specs.len());
        let mut globs: Vec<Glob> = Vec::with_capacity(specs.len());
        for (place, spec) in specs.iter().enumerate() {
            let field = format!("{field}[{place}]");
            let glob = checked_pattern(&field, &spec.pattern)?;
            let class = chosen(&field, "class", &spec.class, KeyClass::ALL)?;
            let policy = match &spec.policy {
                Some(policy) => checked_policy(&field, policy, class)?,
                None => class.default_policy(),
            };
            check_reach(&field, &spec.pattern, &glob, list.iter().zip(&globs))?;
            list.push(KeyRule { pattern: spec.pattern.clone(), class, policy });
            globs.push(glob);
        }
        Ok(Self { list, index: Index::new(&globs) })
    }

    /// How a key is treated: by the first rule that matches it, else as a cache key.
    pub fn class_of(&self, key: &[u8]) -> Treatment<'_> {
        let rule = self.index.first_match(key).and_then(|place| self.list.get(place));
        let class = rule.map_or(KeyClass::Cache, |rule| rule.class);
        let policy = rule.map_or_else(|| class.default_policy(), |rule| rule.policy);
        Treatment { class, policy, rule }
    }

    /// The rules in their order.
    pub fn as_slice(&self) -> &[KeyRule] {
        &self.list
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Rules {}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

impl TryFrom<Vec<KeyRule>> for Rules {
    type Error = Error;

    fn try_from(rules: Vec<KeyRule>) -> Result<Self, Error> {
        Self::new(rules)
    }
}

/// How much of a pattern an error shows.
const SHOWN_CHARS_MAX: usize = 64;

fn shown(pattern: &str) -> String {
    let mut shown: String = pattern.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < pattern.len() {
        shown.push('…');
    }
    shown
}

fn checked_pattern(field: &str, pattern: &str) -> Result<Glob, Error> {
    let wrong = |allowed: &str| {
        Err(Error::invalid_option(&format!("{field}.pattern"), &shown(pattern), allowed))
    };
    if !(1..=PATTERN_BYTES_MAX).contains(&pattern.len()) {
        return wrong(&format!("a pattern of 1 to {PATTERN_BYTES_MAX} bytes"));
    }
    match Glob::parse(pattern.as_bytes()) {
        Some(glob) => Ok(glob),
        None => wrong("a pattern that some key matches"),
    }
}

/// The choice of this code; its error names the place in the list.
fn chosen<C: Choice>(field: &str, part: &str, code: &str, all: &[C]) -> Result<C, Error> {
    all.iter()
        .copied()
        .find(|choice| choice.code() == code)
        .ok_or_else(|| Error::invalid_option(&format!("{field}.{part}"), &shown(code), C::ALLOWED))
}

trait Choice: Copy {
    const ALLOWED: &'static str;

    fn code(self) -> &'static str;
}

impl Choice for KeyClass {
    const ALLOWED: &'static str = Self::ALLOWED;

    fn code(self) -> &'static str {
        self.code()
    }
}

impl Choice for ConflictPolicy {
    const ALLOWED: &'static str = Self::ALLOWED;

    fn code(self) -> &'static str {
        self.code()
    }
}

fn checked_policy(field: &str, code: &str, class: KeyClass) -> Result<ConflictPolicy, Error> {
    let policy = chosen(field, "policy", code, ConflictPolicy::ALL)?;
    if class.policies().contains(&policy) {
        return Ok(policy);
    }
    let codes: Vec<&str> = class.policies().iter().map(|policy| policy.code()).collect();
    let some = if codes.len() == 1 { "only" } else { "one of" };
    let allowed = format!("{some} {} for the class {class}", codes.join(", "));
    Err(Error::invalid_option(&format!("{field}.policy"), code, &allowed))
}

/// Refuses a rule that no key would ever come to.
fn check_reach<'a>(
    field: &str,
    pattern: &str,
    glob: &Glob,
    earlier: impl Iterator<Item = (&'a KeyRule, &'a Glob)>,
) -> Result<(), Error> {
    for (place, (rule, other)) in earlier.enumerate() {
        let allowed = if rule.pattern == pattern {
            format!("each pattern once, and rule {place} has this one")
        } else if other.covers(glob) {
            let other = shown(&rule.pattern);
            format!("a pattern that no earlier rule covers, and rule {place}, {other:?}, does")
        } else {
            continue;
        };
        return Err(Error::invalid_option(&format!("{field}.pattern"), &shown(pattern), &allowed));
    }
    Ok(())
}
