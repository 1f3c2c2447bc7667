//! Commands on sort.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
