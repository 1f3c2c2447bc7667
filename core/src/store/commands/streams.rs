//! Commands on streams.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
