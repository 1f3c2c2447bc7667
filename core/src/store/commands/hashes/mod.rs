//! Commands on hashes.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
