//! What the processes of one host tell each other of an outage, so that one of them dials and not
//! all.
//!
//! They share a word for each endpoint. In it stands who may dial, and when: one process takes the
//! turn, the others wait for what it finds. What is read there is a hint when to dial, and never a
//! verdict on a connection that stands: a client that is connected does not look.
//!
//! ```text
//!              take the turn                    the dial fails
//!   (nothing) ───────────────▶ dialling until ───────────────▶ away, next dial at
//!       ▲                          │    ▲                           │
//!       │    the dial succeeds     │    │       it is due: the first to come takes the turn
//!      back since ◀────────────────┘    └───────────────────────────┘
//! ```
//!
//! A process that dies while it dials holds the others up until its turn is over: `connect_timeout_ms`
//! and a second. Times are those of a clock that all processes of the host read alike, and that no
//! one sets.

mod note;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU64, Ordering};

use crate::kind::{Failure, FailureKind};
use crate::policy::Policy;
use crate::rng::Rng;
use crate::time::Timestamp;
use note::{Note, State};

/// How much longer than `connect_timeout_ms` a turn lasts.
const TURN_SLACK_MS: u64 = 1_000;
/// How soon a client looks again while another dials: at first, and at most. It doubles from look to
/// look.
const LOOK_MS: u64 = 10;
const LOOK_MS_MAX: u64 = 250;
/// The longest without a look while no dial is due: somebody who just came may have reached Redis.
const GLANCE_MS: u64 = 1_000;
/// Over so long those spread that wait for the same dial to be due.
const DUE_SPREAD_MS: u64 = 20;
/// How often a word that others write at the same time is read again at once.
const TRIES: usize = 8;

/// What a client is to do that wants to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Dial.
    Dial,
    /// Ask again later.
    #[non_exhaustive]
    Wait {
        /// When, in milliseconds from now; at least 1.
        in_ms: u64,
        /// How the last dial of another process failed, where it did.
        failure: Option<Failure>,
        /// How many dials of all processes failed in a row, as far as is known.
        attempts: u32,
    },
}

/// One client's part. The word is that of its endpoint, on the board that all processes share.
#[derive(Debug)]
pub struct Board {
    policy: Policy,
    rng: Rng,
    /// The word of the turn that this client has.
    turn: Option<u64>,
    /// When its dial began.
    dialled_at: Timestamp,
    /// When it last lost a connection or failed to dial: older good news is no news.
    failed_at: Option<Timestamp>,
    /// How often it looked at one dial of another process.
    looks: u32,
    /// When it dials, now that another process has reached Redis.
    follows_at: Option<Timestamp>,
}

impl Board {
    /// The part of a client that follows `policy`; `seed` decides how it spreads.
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            rng: Rng::new(seed),
            turn: None,
            dialled_at: Timestamp::ZERO,
            failed_at: None,
            looks: 0,
            follows_at: None,
        }
    }

    /// Whether to dial now.
    pub fn ask(&mut self, now: Timestamp, word: &AtomicU64) -> Turn {
        for _ in 0..TRIES {
            let seen = word.load(Ordering::Acquire);
            let note = Note::read(seen);
            if let Some(note) = note.filter(|note| self.believes(now, note)) {
                return self.heed(now, &note);
            }
            let taken = Note {
                state: State::Dialling,
                at: now.plus_ms(self.policy.connect_timeout_ms + TURN_SLACK_MS),
                kind: note.filter(|note| note.state != State::Back).and_then(|note| note.kind),
                attempts: note.map_or(0, |note| note.attempts),
            };
            if swap(word, seen, taken) {
                self.turn = Some(taken.word());
                return self.dial(now);
            }
        }
        Turn::Wait { in_ms: self.rng.between(1, LOOK_MS), failure: None, attempts: 0 }
    }

    /// Dials without a turn: what it finds is told like any other.
    pub const fn dials_anyway(&mut self, now: Timestamp) {
        self.dialled_at = now;
    }

    /// A connection that stood is lost.
    pub const fn lost(&mut self, now: Timestamp) {
        self.failed_at = Some(now);
    }

    /// The dial succeeded.
    pub fn succeeded(&mut self, now: Timestamp, word: &AtomicU64) {
        let note = Note { state: State::Back, at: now, kind: None, attempts: 0 };
        self.tell(word, note, |board, told| {
            told.state != State::Back || !board.believes(now, told)
        });
    }

    /// The dial failed, `attempts` in a row by now; the client itself would dial again in `next_in_ms`.
    pub fn failed(
        &mut self,
        now: Timestamp,
        word: &AtomicU64,
        kind: FailureKind,
        attempts: u32,
        next_in_ms: Option<u64>,
    ) {
        self.failed_at = Some(now);
        let Some(next_in_ms) = next_in_ms.filter(|_| is_of_all(kind)) else {
            return self.give_up(word);
        };
        let at = now.plus_ms(next_in_ms);
        let note = Note { state: State::Away, at, kind: Some(kind), attempts };
        self.tell(word, note, |board, told| match told.state {
            State::Dialling | State::Away => !board.believes(now, told),
            State::Back => told.at < board.dialled_at,
        });
    }

    /// The dial is given up, or tells nothing of Redis: the turn is anybody's.
    pub fn give_up(&mut self, word: &AtomicU64) {
        if let Some(turn) = self.turn.take() {
            let _ = word.compare_exchange(turn, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// What a note that is believed means.
    fn heed(&mut self, now: Timestamp, note: &Note) -> Turn {
        let left_ms = note.at.since_ms(now);
        if note.state != State::Dialling {
            self.looks = 0;
        }
        if note.state != State::Back {
            self.follows_at = None;
        }
        let in_ms = match note.state {
            State::Dialling => {
                let look_ms = (LOOK_MS << self.looks.min(5)).min(LOOK_MS_MAX);
                self.looks += 1;
                self.rng.between(look_ms / 2, look_ms).min(left_ms)
            }
            State::Away => {
                let due_ms = left_ms + self.rng.between(0, DUE_SPREAD_MS);
                due_ms.min(self.rng.between(GLANCE_MS / 2, GLANCE_MS))
            }
            State::Back => self.follow(now),
        };
        if note.state == State::Back && in_ms == 0 {
            return self.dial(now);
        }
        let failure =
            note.kind.map(|kind| Failure::new(kind, "as another process of this host found"));
        Turn::Wait { in_ms: in_ms.max(1), failure, attempts: note.attempts }
    }

    /// Redis is back: those that waited follow one after the other, over one `server_delay_ms`.
    fn follow(&mut self, now: Timestamp) -> u64 {
        if self.failed_at.is_none() {
            return 0;
        }
        let spread_ms = self.policy.server_delay_ms;
        let at =
            *self.follows_at.get_or_insert_with(|| now.plus_ms(self.rng.between(0, spread_ms)));
        at.since_ms(now)
    }

    const fn dial(&mut self, now: Timestamp) -> Turn {
        self.looks = 0;
        self.follows_at = None;
        self.dialled_at = now;
        Turn::Dial
    }

    /// Whether a note counts. One that promises more than this client's own policy ever would is
    /// damaged, or from before the host's clock began anew.
    fn believes(&self, now: Timestamp, note: &Note) -> bool {
        let policy = &self.policy;
        let (ahead_ms, ago_ms) = (note.at.since_ms(now), now.since_ms(note.at));
        match note.state {
            State::Dialling => (1..=policy.connect_timeout_ms + TURN_SLACK_MS).contains(&ahead_ms),
            State::Away => note.kind.is_some_and(|kind| {
                (1..=policy.backoff(kind.schedule()).delay_ms_max()).contains(&ahead_ms)
            }),
            State::Back => {
                let is_news = self.failed_at.is_none_or(|failed_at| failed_at < note.at);
                is_news && ahead_ms == 0 && ago_ms <= policy.stable_ms
            }
        }
    }

    /// Writes how a dial ended: whoever had the turn in place of the turn, everybody else where what
    /// stands there may be replaced.
    fn tell(&mut self, word: &AtomicU64, note: Note, may_replace: impl Fn(&Self, &Note) -> bool) {
        if let Some(turn) = self.turn.take() {
            // Who lost the turn has been too slow to be right.
            swap(word, turn, note);
            return;
        }
        for _ in 0..TRIES {
            let seen = word.load(Ordering::Acquire);
            if Note::read(seen).is_some_and(|told| !may_replace(self, &told))
                || swap(word, seen, note)
            {
                return;
            }
        }
    }
}

fn swap(word: &AtomicU64, seen: u64, note: Note) -> bool {
    word.compare_exchange(seen, note.word(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Whether a failure is that of every process. One whose credentials or certificates are wrong says
/// nothing of the others'.
const fn is_of_all(kind: FailureKind) -> bool {
    !matches!(kind, FailureKind::AuthFailed | FailureKind::TlsError)
}

/// What stands for an endpoint on a board: a hash that is the same in every process, and never 0.
pub fn key(endpoint: &str) -> u64 {
    fnv(0xcbf2_9ce4_8422_2325, endpoint.as_bytes()).max(1)
}

/// What stands for this meaning of the words: boards of versions that name failures otherwise are not
/// read.
pub fn layout() -> u64 {
    let seed = fnv(0xcbf2_9ce4_8422_2325, b"outlast board 1");
    FailureKind::ALL.iter().fold(seed, |hash, kind| fnv(hash, kind.code().as_bytes()))
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
fn fnv(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
