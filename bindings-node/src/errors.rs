//! Errors as JavaScript gets them. `lib/errors.ts` has a class for each name.

use napi::bindgen_prelude::Object;
use napi::{Env, Status};
use outlast_core::{Error, ErrorKind, FailureKind};
use serde::Serialize;

/// The result of a call that throws: a plain error with the code, which `lib/` makes one of a class.
/// It has this name because the macros of `napi` know a result by it.
pub type Result<T> = napi::Result<T, Code>;

/// The stable code of an error; it becomes `error.code`.
#[derive(Debug)]
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl From<Status> for Code {
    fn from(_: Status) -> Self {
        Self(ErrorKind::InvalidArgument.code())
    }
}

/// One kind of error, and the failures that callers see as it.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    code: &'static str,
    name: &'static str,
    failures: Vec<FailureKind>,
}

/// Every kind of error.
pub(crate) fn listed() -> Vec<Listed> {
    let listed = |kind: &ErrorKind| {
        let shown_so = |failure: &&FailureKind| ErrorKind::of_failure(**failure) == *kind;
        let failures = FailureKind::ALL.iter().filter(shown_so).copied().collect();
        Listed { code: kind.code(), name: name(*kind), failures }
    };
    ErrorKind::ALL.iter().map(listed).collect()
}

/// The class of a kind.
fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidOption => "InvalidOption",
        ErrorKind::InvalidArgument => "InvalidArgument",
        ErrorKind::Closed => "Closed",
        ErrorKind::RedisUnavailable => "RedisUnavailable",
        ErrorKind::MaybeApplied => "MaybeApplied",
        ErrorKind::UnsupportedLocally => "UnsupportedLocally",
        ErrorKind::LimitReached => "LimitReached",
        ErrorKind::Command => "CommandError",
        ErrorKind::NoScript => "NoScript",
        ErrorKind::PermissionDenied => "PermissionDenied",
        // The test over `ErrorKind::ALL` fails before a kind without a class is released.
        _ => "OutlastError",
    }
}

/// The error that a call throws.
pub(crate) fn thrown(error: &Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.code()), error.message())
}

/// An error that settles a command, as the fields of its class.
pub(crate) fn info<'env>(env: &'env Env, error: &Error) -> napi::Result<Object<'env>> {
    let mut info = described(env, name(error.kind()), error.code(), error.message())?;
    if let Some(failure) = error.failure() {
        info.set("failure", failure.code())?;
    }
    if let Some(in_ms) = error.next_dial_in_ms() {
        info.set("nextDialInMs", i64::try_from(in_ms).unwrap_or(i64::MAX))?;
    }
    Ok(info)
}

fn described<'env>(
    env: &'env Env,
    name: &str,
    code: &str,
    message: &str,
) -> napi::Result<Object<'env>> {
    let mut info = Object::new(env)?;
    info.set("name", name)?;
    info.set("code", code)?;
    info.set("message", message)?;
    Ok(info)
}
