//! Commands on hyperloglog.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
