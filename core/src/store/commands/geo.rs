//! Commands on geo.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
