//! Outages that an application causes, for its tests: connections are given up and dials fail, as if
//! Redis were away in the way that is asked for. No server has to be stopped.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use outlast_core::{Error, ErrorKind, Failure, FailureKind, Input, Verdict};

use super::{EPOCH_SHIFT, Gate};

/// Short names of what is asked for most.
const NAMES: [(&str, FailureKind); 5] = [
    ("refused", FailureKind::ConnectionRefused),
    ("lost", FailureKind::ConnectionLost),
    ("timeout", FailureKind::ResponseTimeout),
    ("dns", FailureKind::DnsError),
    ("tls", FailureKind::TlsError),
];

impl Gate {
    /// Fails every connection and every dial this way, until [`end_outage`](Self::end_outage).
    pub(crate) fn cause_outage(&self, cause: &str) -> Result<(), Error> {
        let failure = Failure::new(kind_of(cause)?, "an outage that the application causes");
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
        self.lose(failure);
        Ok(())
    }

    /// Gives up the connections for this reason.
    pub(crate) fn lose(&self, failure: Failure) {
        let epoch = self.word.load(Ordering::Acquire) >> EPOCH_SHIFT;
        self.tell(Input::ConnectionLost { epoch, failure });
    }

    /// Dials succeed again where Redis is there, the next one at once.
    pub(crate) fn end_outage(&self) {
        let ended = self.outage.lock().unwrap_or_else(PoisonError::into_inner).take();
        if ended.is_some() {
            self.tell(Input::Redial);
        }
    }

    /// How dials fail, if they are to.
    pub(crate) fn outage(&self) -> Option<Failure> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn kind_of(cause: &str) -> Result<FailureKind, Error> {
    let named = NAMES.iter().find(|(name, _)| *name == cause).map(|(_, kind)| *kind);
    let kind = named.or_else(|| FailureKind::ALL.iter().copied().find(|kind| kind.code() == cause));
    kind.filter(|kind| matches!(kind.verdict(), Verdict::Link | Verdict::Wait)).ok_or_else(|| {
        let names = NAMES.map(|(name, _)| name).join(", ");
        let message = format!(
            "invalid outage \"{}\": allowed is {names}, or the code of a failure that ends \
             connections",
            cause.chars().take(32).collect::<String>(),
        );
        Error::new(ErrorKind::InvalidArgument, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_no_connection_is_no_outage() {
        assert_eq!(kind_of("refused").unwrap(), FailureKind::ConnectionRefused);
        assert_eq!(kind_of("loading").unwrap(), FailureKind::Loading);
        for cause in ["", "read_only", "command_error", "Refused"] {
            assert_eq!(kind_of(cause).unwrap_err().kind(), ErrorKind::InvalidArgument, "{cause}");
        }
    }
}
