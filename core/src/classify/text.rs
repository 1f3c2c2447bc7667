//! Failures known by the wording of a message or log line.
//!
//! One pass from word to word. At each word the phrases that begin like it are compared, and some
//! words introduce more: an error number, an error reply, the phase. The first thing that states
//! a kind ends the pass, since what follows a stated failure is data: keys, arguments, hosts. A
//! hint counts only if nothing later states a kind.
//!
//! The work per word is bounded by the length of the phrases, so the pass is linear.

use super::phrase::{self, Meaning, Place, Rule};
use super::reply::{self, Behind};
use super::{Finding, Phase, classify_errno, classify_reply};
use crate::kind::FailureKind;

/// The kind that one message, or one log line of any client, points at.
///
/// Timestamps, levels, logger names and stack traces may stand around the message. The wordings
/// are those of redis-py, ioredis, node-redis, Lettuce, Jedis, go-redis, redis-rs, hiredis and
/// StackExchange.Redis, of strerror(3) on Linux and macOS, of Winsock, and of TLS libraries. A
/// text that says nothing about a failure is [`FailureKind::UnknownError`].
pub fn classify_text(text: &str) -> FailureKind {
    find(text, Phase::Unknown).map_or(FailureKind::UnknownError, |finding| finding.kind)
}

/// redis-py puts the command, arguments included, before the error of a pipeline.
const PIPELINE: &str = "of pipeline caused error: ";

pub(super) fn find(text: &str, phase: Phase) -> Option<Finding> {
    if let Some((_, rest)) = text.split_once(PIPELINE) {
        return Some(quoted_reply(rest));
    }
    let mut scan = Scan { text, bytes: text.as_bytes(), phase, fixed: phase != Phase::Unknown };
    let mut hinted = None;
    let mut at = scan.next_word(0);
    while let Some(start) = at {
        let end = scan.word_end(start);
        scan.note_phase(start, end);
        match scan.at_word(start, end) {
            Some(finding) if finding.sure => return Some(finding),
            finding => hinted = hinted.or(finding),
        }
        at = scan.next_word(end);
    }
    hinted
}

/// What the wording says about the phase: the first verb of a socket call in it.
pub(super) fn phase_of(text: &str) -> Phase {
    let mut scan = Scan { text, bytes: text.as_bytes(), phase: Phase::Unknown, fixed: false };
    let mut at = scan.next_word(0);
    while let Some(start) = at {
        let end = scan.word_end(start);
        scan.note_phase(start, end);
        if scan.phase != Phase::Unknown {
            break;
        }
        at = scan.next_word(end);
    }
    scan.phase
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    phase: Phase,
    /// Whether the host told the phase, so that words do not change it.
    fixed: bool,
}

impl<'a> Scan<'a> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn rest(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or(&[])
    }

    fn next_word(&self, from: usize) -> Option<usize> {
        let skipped = self.rest(from).iter().position(|byte| is_word(*byte))?;
        Some(from.saturating_add(skipped))
    }

    fn word_end(&self, start: usize) -> usize {
        let rest = self.rest(start);
        let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
        start.saturating_add(length)
    }

    fn word(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or("")
    }

    fn note_phase(&mut self, start: usize, end: usize) {
        const DIAL: [&str; 4] = ["connect", "connecting", "dial", "dialing"];
        const COMMAND: [&str; 6] = ["read", "reading", "write", "writing", "recv", "send"];
        let word = self.word(start, end);
        let is_one_of = |known: &[&str]| known.iter().any(|one| one.eq_ignore_ascii_case(word));
        if self.fixed {
        } else if is_one_of(&DIAL) {
            self.phase = Phase::Dial;
        } else if is_one_of(&COMMAND) {
            self.phase = Phase::Command;
        }
    }

    fn at_word(&self, start: usize, end: usize) -> Option<Finding> {
        let mut hinted = None;
        let sources = [Self::by_number, Self::by_reply, Self::by_phrase];
        for source in sources {
            match source(self, start, end) {
                Some(finding) if finding.sure => return Some(finding),
                finding => hinted = hinted.or(finding),
            }
        }
        hinted
    }

    /// The longest phrase that stands here.
    fn by_phrase(&self, start: usize, _end: usize) -> Option<Finding> {
        let rest = self.rest(start);
        let longest = phrase::beginning_with(self.byte(start)?)
            .filter(|rule| matches(rest, rule) && self.is_placed(start, rule))
            .max_by_key(|rule| rule.phrase.len())?;
        let kind = self.meant(longest.meaning)?;
        Some(Finding { kind, sure: longest.sure })
    }

    fn meant(&self, meaning: Meaning) -> Option<FailureKind> {
        Some(match (meaning, self.phase) {
            (Meaning::Is(kind), _) => kind,
            (Meaning::KernelTimeout | Meaning::TlsEnd, Phase::Command) => {
                FailureKind::ConnectionLost
            }
            (Meaning::KernelTimeout, Phase::Dial | Phase::Unknown)
            | (Meaning::ClientTimeout, Phase::Dial) => FailureKind::ConnectTimeout,
            (Meaning::ClientTimeout, Phase::Command | Phase::Unknown) => {
                FailureKind::ResponseTimeout
            }
            (Meaning::TlsEnd, Phase::Dial | Phase::Unknown) => FailureKind::TlsError,
            (Meaning::MissingFile, Phase::Dial) => FailureKind::ConnectionRefused,
            (Meaning::MissingFile, Phase::Command | Phase::Unknown) => return None,
        })
    }

    fn is_placed(&self, start: usize, rule: &Rule) -> bool {
        let ends = || {
            let after = self.byte(start.saturating_add(rule.phrase.len()));
            after.is_none_or(|byte| b".,;)'\"\n\r]}".contains(&byte))
        };
        match rule.place {
            Place::Anywhere => true,
            Place::Last => ends(),
            Place::Whole => ends() && self.begins_message(start),
        }
    }

    /// Whether a message may begin here: at the start, behind a quote, a bracket or a colon.
    fn begins_message(&self, start: usize) -> bool {
        let before = self.bytes.get(..start).unwrap_or(&[]);
        let near = match before {
            [head @ .., b' '] => head,
            _ => before,
        };
        near.last().is_none_or(|byte| b":'\"([{]>=-|`\n".contains(byte))
    }

    /// `[Errno 111]`, `(os error 111)`, `WinError 10061`, `Error 111 connecting to`,
    /// `SocketException (10061)`.
    fn by_number(&self, start: usize, end: usize) -> Option<Finding> {
        let word = self.word(start, end);
        let is = |known: &str| known.eq_ignore_ascii_case(word);
        let kind = if is("errno") {
            let from = self.skip(end, b" =:[(\"'", 3);
            classify_errno(self.number(from)?.0, self.phase)
        } else if is("winerror") {
            match self.number(self.skip(end, b" =:", 3))?.0 {
                // Windows system errors that are other things elsewhere (winerror.h).
                64 => Some(FailureKind::ConnectionLost),
                121 => Some(FailureKind::ConnectTimeout),
                number => classify_errno(number, self.phase),
            }
        } else if is("os") && reply::starts_with(self.rest(end), b" error ") {
            classify_errno(self.number(end.saturating_add(7))?.0, self.phase)
        } else if is("socketexception") {
            classify_errno(self.number(self.skip(end, b" (", 2))?.0, self.phase)
        } else if is("error") {
            self.numbered_error(end)
        } else {
            None
        };
        Some(Finding { kind: kind?, sure: true })
    }

    /// redis-py: `Error 111 connecting to localhost:6379. …`, `Error 32 while writing to socket. …`.
    fn numbered_error(&self, end: usize) -> Option<FailureKind> {
        const CONNECTING: &[u8] = b" connecting to ";
        let (number, after) = self.number(self.skip(end, b" ", 1))?;
        if reply::starts_with(self.rest(after), b" while ") {
            return classify_errno(number, Phase::Command);
        }
        if !reply::starts_with(self.rest(after), CONNECTING) {
            return None;
        }
        let target = self.rest(after.saturating_add(CONNECTING.len()));
        let is_file = matches!(target.first(), Some(b'/' | b'@' | b'.'))
            || reply::starts_with(target, b"unix");
        match number {
            // No file is involved in a TCP dial but those of certificates and keys.
            2 if !is_file => Some(FailureKind::TlsError),
            _ => classify_errno(number, Phase::Dial),
        }
    }

    fn skip(&self, from: usize, skipped: &[u8], count_max: usize) -> usize {
        let rest = self.rest(from).iter().take(count_max);
        from.saturating_add(rest.take_while(|byte| skipped.contains(byte)).count())
    }

    /// A number of at most seven digits that stands here, and where it ends.
    fn number(&self, from: usize) -> Option<(i32, usize)> {
        const DIGITS_MAX: usize = 7;
        let signed = usize::from(self.byte(from) == Some(b'-'));
        let first = from.saturating_add(signed);
        let digits = self.rest(first).iter().take(DIGITS_MAX).take_while(|b| b.is_ascii_digit());
        let end = first.saturating_add(digits.count());
        if self.byte(end).is_some_and(is_word) {
            return None;
        }
        Some((self.word(from, end).parse().ok()?, end))
    }

    /// An error reply that is quoted here, or announced by a class of error replies.
    fn by_reply(&self, start: usize, end: usize) -> Option<Finding> {
        let word = self.word(start, end);
        let rest = self.text.get(end..).unwrap_or("");
        let announces = matches!(
            word,
            "ReplyError"
                | "ResponseError"
                | "ErrorReply"
                | "SimpleError"
                | "JedisDataException"
                | "RedisCommandExecutionException"
                | "RedisServerException"
                | "CommandError"
                | "UpstashError"
        );
        if announces {
            return Some(quoted_reply(rest.strip_prefix(": ")?));
        }
        if let Some(kind) = reply::err_text(self.text.get(start..)?, Behind::Anything) {
            return Some(Finding { kind, sure: true });
        }
        let spaced = rest.strip_prefix(' ')?;
        // Go clients and redis-cli show replies as they are. But Serilog and others abbreviate
        // the level to ERR, so it is a sign only at the start, and a weak one.
        if word == "ERR" && matches!(self.text.get(..start), Some("" | "(error) ")) {
            let kind = classify_reply(line(self.text.get(start..)?));
            return Some(Finding { kind, sure: kind != FailureKind::CommandError });
        }
        let dashed = start > 0 && self.byte(start.saturating_sub(1)) == Some(b'-');
        let first_char = spaced.chars().next().is_some_and(char::is_alphabetic);
        let quoted = (dashed && (start == 1 || self.begins_message(start.saturating_sub(1))))
            || (self.begins_message(start) && !reply::is_ambiguous(word) && word != "ERR");
        if !quoted || !first_char {
            return None;
        }
        if word == "ERR" || reply::by_prefix(word).is_some() {
            let kind = classify_reply(line(self.text.get(start..)?));
            return Some(Finding { kind, sure: true });
        }
        None
    }
}

/// An error reply from which the client may have stripped the prefix.
fn quoted_reply(rest: &str) -> Finding {
    let message = line(rest);
    let kind = classify_reply(message);
    if kind != FailureKind::CommandError {
        return Finding { kind, sure: true };
    }
    let scan =
        Scan { text: message, bytes: message.as_bytes(), phase: Phase::Command, fixed: true };
    let stripped = scan.next_word(0).filter(|start| *start == 0);
    let worded = stripped.and_then(|start| scan.by_phrase(start, start));
    // What an error reply says is final. A mere hint would let the pass come back here.
    Finding { kind: worded.map_or(kind, |finding| finding.kind), sure: true }
}

fn line(text: &str) -> &str {
    text.split_once(['\n', '\r']).map_or(text, |(first, _)| first)
}

/// Whether the phrase stands at the start of `rest` and ends with its last word.
fn matches(rest: &[u8], rule: &Rule) -> bool {
    let phrase = rule.phrase.as_bytes();
    let Some(head) = rest.get(..phrase.len()) else {
        return false;
    };
    let named = || phrase.iter().any(u8::is_ascii_uppercase);
    let same = head.eq_ignore_ascii_case(phrase) && (head == phrase || !named());
    let inside = phrase.last().is_some_and(|byte| is_word(*byte));
    same && !(inside && rest.get(phrase.len()).is_some_and(|byte| is_word(*byte)))
}

/// ASCII letters, digits and underscores. Other scripts are boundaries: they surround the English
/// wording without a space, as their quotation marks do.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
