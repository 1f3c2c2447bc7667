//! Commands on sorted sets.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
