//! What a node says that does not serve a key.

use alloc::string::{String, ToString};

use super::SLOTS;

/// What a node says that does not do a command, for its keys are served elsewhere. It did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirect {
    /// Another node serves the slot from now on.
    Moved {
        /// The slot.
        slot: u16,
        /// The node's host; empty where it is that of the node which answered.
        host: String,
        /// The node's port.
        port: u16,
    },
    /// The slot is on its way to another node, which is asked once, with `ASKING` before the command.
    Ask {
        /// The slot.
        slot: u16,
        /// The node's host; empty where it is that of the node which answered.
        host: String,
        /// The node's port.
        port: u16,
    },
    /// The slot is on its way, and of several keys only some have arrived: the command may be sent
    /// again a moment later.
    TryAgain,
}

impl Redirect {
    /// Reads an error reply; none where it says something else.
    pub fn parse(message: &str) -> Option<Self> {
        let mut words = message.split_ascii_whitespace();
        let kind = words.next()?;
        if kind == "TRYAGAIN" {
            return Some(Self::TryAgain);
        }
        if !matches!(kind, "MOVED" | "ASK") {
            return None;
        }
        let slot = words.next()?.parse().ok().filter(|slot| *slot < SLOTS)?;
        // The last colon is that of the port, also behind an address of IPv6.
        let (host, port) = words.next()?.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(match kind {
            "MOVED" => Self::Moved { slot, host, port },
            _ => Self::Ask { slot, host, port },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_read_and_nothing_else() {
        let moved = |host: &str, port| Redirect::Moved { slot: 3_999, host: host.into(), port };
        let parse = Redirect::parse;
        assert_eq!(parse("MOVED 3999 127.0.0.1:6381"), Some(moved("127.0.0.1", 6_381)));
        assert_eq!(parse("MOVED 3999 :6381"), Some(moved("", 6_381)));
        assert_eq!(parse("MOVED 3999 ::1:6381"), Some(moved("::1", 6_381)));
        assert_eq!(parse("MOVED 3999 db.example:1"), Some(moved("db.example", 1)));
        let ask = Redirect::Ask { slot: 0, host: "h".into(), port: 1 };
        assert_eq!(parse("ASK 0 h:1"), Some(ask));
        let text = "TRYAGAIN Multiple keys request during rehashing of slot";
        assert_eq!(parse(text), Some(Redirect::TryAgain));
        for text in [
            "",
            "MOVED",
            "MOVED 16384 h:1",
            "MOVED x h:1",
            "MOVED 1 h",
            "MOVED 1 h:0",
            "MOVED 1 h:65536",
            "ERR MOVED 1 h:1",
            "ASKING 1 h:1",
            "CLUSTERDOWN Hash slot not served",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
