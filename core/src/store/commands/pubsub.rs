//! Commands on pubsub.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
