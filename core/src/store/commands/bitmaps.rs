//! Commands on bitmaps.

use super::Handler;

pub(super) const COMMANDS: &[(&str, Handler)] = &[];
