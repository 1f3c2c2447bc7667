//! Commands on sets.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
