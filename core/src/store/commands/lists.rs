//! Commands on lists.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
