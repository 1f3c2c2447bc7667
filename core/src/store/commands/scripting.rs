//! Commands on scripting.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
