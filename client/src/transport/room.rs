//! How many commands, and bytes of them, may wait at once.

use outlast_core::{Error, ErrorKind};

/// What there is room for beside what waits already.
pub(crate) struct Room {
    pub(crate) in_flight: usize,
    pub(crate) in_flight_max: usize,
    pub(crate) unsent_bytes: usize,
    pub(crate) unsent_bytes_max: usize,
}

impl Room {
    /// Takes the room for a command of so many bytes; why there is none.
    pub(crate) fn refuse(&mut self, bytes: usize) -> Option<Error> {
        let Self { in_flight, in_flight_max, unsent_bytes, unsent_bytes_max } = self;
        if *in_flight >= *in_flight_max {
            let message = format!("{in_flight_max} commands (in_flight_max) wait for their reply");
            return Some(Error::new(ErrorKind::LimitReached, message));
        }
        if *unsent_bytes > 0 && *unsent_bytes + bytes > *unsent_bytes_max {
            let message = format!(
                "{unsent_bytes} of {unsent_bytes_max} bytes (unsent_bytes_max) wait to be written"
            );
            return Some(Error::new(ErrorKind::LimitReached, message));
        }
        *in_flight += 1;
        *unsent_bytes += bytes;
        None
    }
}
