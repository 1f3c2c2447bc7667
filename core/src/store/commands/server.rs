//! Commands on server.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
