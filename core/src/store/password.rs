//! What a session must know before it is served.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, hint};

/// A password. It is never printed, and the time that a comparison takes says nothing of it.
#[derive(Clone)]
pub struct Password(Arc<[u8]>);

impl Password {
    /// This password.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into().into())
    }

    /// Whether `given` is it. The time depends on the length of `given` only.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        let mut difference = u8::from(self.0.len() != given.len());
        // Each round looks at one byte, whether or not the password has as many.
        let secret = self.0.iter().copied().chain(core::iter::repeat(0));
        for (known, given) in secret.zip(given) {
            difference |= hint::black_box(known ^ given);
        }
        hint::black_box(difference) == 0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_itself_only_and_is_not_printed() {
        let password = Password::new("sekret");
        assert!(password.is(b"sekret"));
        for other in ["", "sekre", "sekret\0", "sekrex", "Sekret"] {
            assert!(!password.is(other.as_bytes()), "{other}");
        }
        assert!(!alloc::format!("{password:?}").contains("sekret"));
    }
}
