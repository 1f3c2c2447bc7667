//! Whether a command may be answered from memory.

use alloc::format;
use alloc::string::String;

use super::{KeyClass, KeyRule, Rules};
use crate::command::{self, Traits};
use crate::policy::OnGuarded;

/// What becomes of a command while Redis is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision<'a> {
    /// It is answered from memory.
    Serve,
    /// Its caller is told that Redis is unavailable.
    Refuse(Reason<'a>),
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason<'a> {
    /// This rule's class forbids it.
    Class(&'a KeyRule),
    /// It protects something that processes share, and no rule says of all of its keys that this is
    /// nothing of the kind.
    Guarded,
}

impl Reason<'_> {
    /// The reason in words, without the key.
    pub fn describe(self, command: &str) -> String {
        match self {
            Self::Class(KeyRule { pattern, class, .. }) => {
                format!("{command} is not served from memory (rule {pattern:?}: class {class})")
            }
            Self::Guarded => format!(
                "{command} is not served from memory (on_guarded: no rule of class cache, counter \
                 or session names its keys)"
            ),
        }
    }
}

/// Decides on a command with these traits. Where `on_guarded` has guarded commands served, one
/// process is all there is, and everything is served.
///
/// With several keys the strictest decides. Keys that the arguments do not tell count as keys
/// without a rule; a channel stands for a key.
pub fn decide<'a, A: AsRef<[u8]>>(
    traits: Traits,
    args: &[A],
    rules: &'a Rules,
    on_guarded: OnGuarded,
) -> Decision<'a> {
    if on_guarded == OnGuarded::Serve {
        return Decision::Serve;
    }
    let mut refused = None;
    let mut keys = 0;
    if !rules.is_empty() {
        let channels = command::channels(traits, args).map(|at| (at, false));
        let told = command::keys(args).unwrap_or_default();
        let told = told.map(|key| (key.at, traits.pops_from(key.flags)));
        for (at, pops) in channels.chain(told) {
            let treatment = rules.class_of(args.get(at).map(AsRef::as_ref).unwrap_or_default());
            keys += 1;
            match (treatment.class, treatment.rule) {
                (KeyClass::Lock | KeyClass::Idempotency, Some(rule)) => {
                    return Decision::Refuse(Reason::Class(rule));
                }
                (KeyClass::Queue, Some(rule)) if pops || traits.guarded => {
                    refused = Some(Reason::Class(rule));
                }
                (_, None) if traits.guarded => refused = refused.or(Some(Reason::Guarded)),
                _ => {}
            }
        }
    }
    if traits.guarded && keys == 0 {
        return Decision::Refuse(Reason::Guarded);
    }
    refused.map_or(Decision::Serve, Decision::Refuse)
}
