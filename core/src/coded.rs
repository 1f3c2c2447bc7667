//! Enumerations that are read by their codes. What serde derives for them is compiled once for each
//! enumeration and source; this is compiled once for each source, and says the same of a wrong code.

use core::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// Reads one of `codes`; answers its place.
pub(crate) fn place<'de, D: Deserializer<'de>>(
    deserializer: D,
    codes: &'static [&'static str],
) -> Result<usize, D::Error> {
    deserializer.deserialize_str(Code { codes })
}

struct Code {
    codes: &'static [&'static str],
}

impl Visitor<'_> for Code {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a code")
    }

    fn visit_str<E: Error>(self, code: &str) -> Result<usize, E> {
        let place = self.codes.iter().position(|known| *known == code);
        place.ok_or_else(|| E::unknown_variant(code, self.codes))
    }
}

/// Lets an enumeration with `ALL` and `code` be read from its code.
macro_rules! read_by_code {
    ($name:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const CODES: [&str; $name::ALL.len()] = {
                    let mut codes = [""; $name::ALL.len()];
                    let mut at = 0;
                    while at < codes.len() {
                        codes[at] = $name::ALL[at].code();
                        at += 1;
                    }
                    codes
                };
                let place = $crate::coded::place(deserializer, &CODES)?;
                let missing = || serde::de::Error::custom("no such code");
                Self::ALL.get(place).copied().ok_or_else(missing)
            }
        }
    };
}

pub(crate) use read_by_code;
