//! MULTI, EXEC, DISCARD, WATCH.

use super::super::session::Session;
use super::super::space::Space;
use super::super::stop::Stop;
use super::Handler;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];

/// Queues a command between MULTI and EXEC.
pub(super) fn queue(_session: &mut Session, _args: &[&[u8]]) -> Option<Result<Value, Stop>> {
    None
}

/// Ends a session.
pub(in crate::store) fn close(_space: &mut dyn Space, _session: &mut Session) {}
