//! Rules as people give them: lists of texts, objects, and one text for a variable or a URL.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::Value;

use super::{KeyRule, Rules, shown};
use crate::error::Error;

/// A rule as it was given: nothing of it is checked yet.
///
/// ```
/// use outlast_core::rules::RuleSpec;
///
/// let rule = RuleSpec::from(("session:*", "session"));
/// assert_eq!(rule.policy, None);
/// assert_eq!(RuleSpec::from(("x:*", "cache", "discard")).policy.as_deref(), Some("discard"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleSpec {
    /// Which keys.
    pub pattern: String,
    /// The code of a [`KeyClass`](super::KeyClass).
    pub class: String,
    /// The code of a [`ConflictPolicy`](super::ConflictPolicy); none leaves it to the class.
    pub policy: Option<String>,
}

impl<P: Into<String>, C: Into<String>> From<(P, C)> for RuleSpec {
    fn from((pattern, class): (P, C)) -> Self {
        Self { pattern: pattern.into(), class: class.into(), policy: None }
    }
}

impl<P: Into<String>, C: Into<String>, O: Into<String>> From<(P, C, O)> for RuleSpec {
    fn from((pattern, class, policy): (P, C, O)) -> Self {
        Self { pattern: pattern.into(), class: class.into(), policy: Some(policy.into()) }
    }
}

impl From<KeyRule> for RuleSpec {
    fn from(rule: KeyRule) -> Self {
        Self::from((rule.pattern, rule.class.code(), rule.policy.code()))
    }
}

/// What one rule of a list may be.
const ITEM: &str = "[pattern, class], [pattern, class, policy], or an object of these";

/// What all of them may be.
const LIST: &str = "a list of [pattern, class], or a text such as session:*=session,lock:*=lock";

/// What one rule of a text may be.
const ENTRY: &str = "pattern=class or pattern=class/policy";

impl RuleSpec {
    /// Reads a list of `[pattern, class]`, `[pattern, class, policy]` or objects of these three, or
    /// a text as [`from_text`](Self::from_text) does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for anything else.
    pub fn from_json(rules: &Value) -> Result<Vec<Self>, Error> {
        match rules {
            Value::Null => Ok(Vec::new()),
            Value::String(text) => Self::from_text(text),
            Value::Array(items) => items.iter().enumerate().map(Self::item).collect(),
            // An object would be read in another order than it was written.
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                Err(Error::invalid_option("rules", &shown(&rules.to_string()), LIST))
            }
        }
    }

    fn item((place, item): (usize, &Value)) -> Result<Self, Error> {
        let spec = match item {
            Value::Array(parts) => match parts.as_slice() {
                [pattern, class] => Self::of(pattern, class, None),
                [pattern, class, policy] => Self::of(pattern, class, Some(policy)),
                _ => None,
            },
            Value::Object(fields) => {
                let known = |name: &String| ["pattern", "class", "policy"].contains(&name.as_str());
                let field = |name: &str| fields.get(name);
                let parts =
                    field("pattern").zip(field("class")).filter(|_| fields.keys().all(known));
                parts.and_then(|(pattern, class)| Self::of(pattern, class, field("policy")))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        let field = || format!("rules[{place}]");
        spec.ok_or_else(|| Error::invalid_option(&field(), &shown(&item.to_string()), ITEM))
    }

    fn of(pattern: &Value, class: &Value, policy: Option<&Value>) -> Option<Self> {
        let policy = match policy {
            None | Some(Value::Null) => None,
            Some(policy) => Some(policy.as_str()?.to_string()),
        };
        Some(Self { policy, ..Self::from((pattern.as_str()?, class.as_str()?)) })
    }

    /// Reads `session:*=session,lock:*=lock,x:*=cache/discard`. In a pattern, `\` stands before
    /// `,` `=` `\` and before spaces at its ends, which do not count otherwise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) with the entry that cannot be
    /// read.
    pub fn from_text(text: &str) -> Result<Vec<Self>, Error> {
        Self::from_field("rules", text)
    }

    /// As [`from_text`](Self::from_text); errors name the option `field`.
    pub(crate) fn from_field(field: &str, text: &str) -> Result<Vec<Self>, Error> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let entries = split(text, ',').into_iter().enumerate();
        let entries =
            entries.map(|(place, entry)| Self::entry(&format!("{field}[{place}]"), entry));
        entries.collect()
    }

    fn entry(field: &str, entry: &str) -> Result<Self, Error> {
        let wrong = |allowed| Error::invalid_option(field, &shown(entry.trim()), allowed);
        let pattern = split(entry, '=').first().copied().unwrap_or_default();
        let rest = entry.get(pattern.len() + 1..).ok_or_else(|| wrong(ENTRY))?;
        let pattern = unescaped(pattern).ok_or_else(|| wrong(ESCAPES))?;
        Ok(match rest.split_once('/') {
            Some((class, policy)) => Self::from((pattern, class.trim(), policy.trim())),
            None => Self::from((pattern, rest.trim())),
        })
    }
}

/// Where a backslash may stand in the text form.
const ESCAPES: &str = "\\ only before a comma, an equals sign, a backslash or a space";

/// The parts of a text between separators that no backslash precedes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut is_escaped = false;
    let is_end = |found: char| {
        let is_end = found == separator && !is_escaped;
        is_escaped = found == '\\' && !is_escaped;
        is_end
    };
    text.split(is_end).collect()
}

/// A pattern without its backslashes and the spaces around it; none where a backslash stands before
/// anything else.
fn unescaped(text: &str) -> Option<String> {
    let mut pattern = String::with_capacity(text.len());
    let mut kept = 0;
    let mut chars = text.trim_start().chars();
    while let Some(found) = chars.next() {
        if found == '\\' {
            let escaped = chars.next()?;
            if !is_escaped(escaped) {
                return None;
            }
            pattern.push(escaped);
            kept = pattern.len();
        } else {
            pattern.push(found);
            if !found.is_whitespace() {
                kept = pattern.len();
            }
        }
    }
    pattern.truncate(kept);
    Some(pattern)
}

fn is_escaped(found: char) -> bool {
    matches!(found, ',' | '=' | '\\') || found.is_whitespace()
}

/// The text that [`RuleSpec::from_text`] reads.
impl fmt::Display for KeyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in self.pattern.chars() {
            if is_escaped(found) {
                f.write_str("\\")?;
            }
            write!(f, "{found}")?;
        }
        write!(f, "={}", self.class)?;
        if self.policy == self.class.default_policy() {
            return Ok(());
        }
        write!(f, "/{}", self.policy)
    }
}

/// The text that [`RuleSpec::from_text`] reads.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rule) in self.as_slice().iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{rule}")?;
        }
        Ok(())
    }
}
