use core::sync::atomic::{AtomicU64, Ordering};
use std::vec::Vec;

use super::*;
use crate::policy::Profile;
use crate::status::Mode;
use crate::{Engine, Input, Output};

const CLIENTS: usize = 64;
const REFUSED: FailureKind = FailureKind::ConnectionRefused;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

/// Processes of one host in virtual time, with the server that they have. A dial takes 2 ms.
struct Host {
    word: AtomicU64,
    clients: Vec<Client>,
    is_up: bool,
    shares: bool,
    /// When dials began.
    dials: Vec<u64>,
}

struct Client {
    engine: Engine,
    board: Board,
    timer: Option<u64>,
    dialling: Option<(u64, u64)>,
    /// Killed: it does nothing any more.
    dead: bool,
}

impl Host {
    fn new(policy: &Policy, shares: bool) -> Self {
        let client = |seed| Client {
            engine: Engine::new(policy.clone(), "redis://h", seed),
            board: Board::new(policy.clone(), seed + 1_000),
            timer: None,
            dialling: None,
            dead: false,
        };
        let clients = (0..CLIENTS as u64).map(client).collect();
        Self { word: AtomicU64::new(0), clients, is_up: true, shares, dials: Vec::new() }
    }

    fn tell(&mut self, now: u64, index: usize, input: Input) {
        let mut inputs = std::vec![input];
        while let Some(input) = inputs.pop() {
            let client = &mut self.clients[index];
            client.engine.handle(at(now), input);
            loop {
                match client.engine.poll_output() {
                    Output::Dial { dial, .. } => {
                        let turn = if self.shares {
                            client.board.ask(at(now), &self.word)
                        } else {
                            Turn::Dial
                        };
                        match turn {
                            Turn::Dial => {
                                self.dials.push(now);
                                client.dialling = Some((dial, now + 2));
                            }
                            Turn::Wait { in_ms, failure, attempts } => {
                                inputs.push(Input::DialHeld { dial, in_ms, attempts, failure });
                            }
                        }
                    }
                    Output::Replay { epoch } => inputs.push(Input::Reconciled { epoch }),
                    Output::Timeout { at_ms } => {
                        client.timer = at_ms.map(Timestamp::as_ms);
                        break;
                    }
                    Output::CloseConnection
                    | Output::ModeChanged { .. }
                    | Output::StartupFinished { .. }
                    | Output::IncidentOpened { .. }
                    | Output::IncidentClosed { .. }
                    | Output::Log { .. } => {}
                }
            }
        }
    }

    /// Goes on to `until`, one millisecond after the other.
    fn run(&mut self, from: u64, until: u64) {
        for now in from..until {
            for index in 0..self.clients.len() {
                let client = &mut self.clients[index];
                if client.dead {
                    continue;
                }
                if let Some((dial, _)) = client.dialling.take_if(|(_, ends)| *ends <= now) {
                    self.end_dial(now, index, dial);
                } else if client.timer.is_some_and(|timer| timer <= now) {
                    self.tell(now, index, Input::Timer);
                }
            }
        }
    }

    fn end_dial(&mut self, now: u64, index: usize, dial: u64) {
        if self.is_up {
            self.tell(now, index, Input::DialSucceeded { dial });
            self.clients[index].board.succeeded(at(now), &self.word);
            return;
        }
        self.tell(now, index, Input::DialFailed { dial, failure: Failure::new(REFUSED, "no") });
        let Client { engine, board, .. } = &mut self.clients[index];
        let next_in_ms = engine.next_dial_in_ms(at(now));
        board.failed(at(now), &self.word, REFUSED, engine.attempts(), next_in_ms);
    }

    fn start(&mut self, now: u64) {
        for index in 0..self.clients.len() {
            self.tell(now, index, Input::Start);
        }
    }

    fn go_down(&mut self, now: u64) {
        self.is_up = false;
        for index in 0..self.clients.len() {
            let epoch = 1;
            let failure = Failure::new(FailureKind::ConnectionLost, "gone");
            self.clients[index].board.lost(at(now));
            self.tell(now, index, Input::ConnectionLost { epoch, failure });
        }
    }

    fn connected(&self) -> usize {
        self.clients.iter().filter(|client| client.engine.mode() == Mode::Connected).count()
    }

    /// Dials since then, and the shortest time between two of them.
    fn dials_since(&self, since: u64) -> (usize, u64) {
        let dials: Vec<u64> = self.dials.iter().copied().filter(|at| *at >= since).collect();
        let gaps = dials.windows(2).map(|pair| pair[1] - pair[0]);
        (dials.len(), gaps.min().unwrap_or(u64::MAX))
    }
}

fn outage(shares: bool) -> Host {
    let policy = Policy::of(Profile::Development);
    let mut host = Host::new(&policy, shares);
    host.start(0);
    host.run(0, 1_000);
    assert_eq!(host.connected(), CLIENTS);
    host.go_down(1_000);
    host.run(1_000, 61_000);
    host
}

#[test]
fn one_of_them_dials_in_an_interval_and_all_are_back_at_once() {
    let mut host = outage(true);
    let (dials, gap_ms) = host.dials_since(1_000);
    // Waits of 250, 375, 562, 843, 1,265, 1,898 and then 2,000 ms, each a fifth shorter at least.
    assert!((30..=40).contains(&dials), "{dials} dials");
    assert!(gap_ms >= 250 * 8 / 10, "{gap_ms} ms between two dials");
    let (late, late_gap_ms) = host.dials_since(20_000);
    assert!(late_gap_ms >= 1_600, "{late} dials, {late_gap_ms} ms between two");
    assert_eq!(host.connected(), 0);

    let restarted = 61_000;
    host.is_up = true;
    host.run(restarted, restarted + 2_000 + 20 + 250 + 250 + 4);
    assert_eq!(host.connected(), CLIENTS);
    let back: Vec<u64> = host.dials.iter().copied().filter(|dial| *dial >= restarted).collect();
    assert_eq!(back.len(), CLIENTS);
    let most = back.iter().map(|ms| back.iter().filter(|other| *other == ms).count()).max();
    assert!(most.unwrap() <= 6, "{most:?} dials in one millisecond");
}

#[test]
fn without_a_board_all_of_them_dial() {
    let host = outage(false);
    let (dials, _) = host.dials_since(1_000);
    assert!(dials > 30 * CLIENTS, "{dials}");
}

#[test]
fn another_takes_over_from_one_that_died_while_it_dialled() {
    let mut host = outage(true);
    let from = 61_000;
    let mut killed_at = None;
    for now in from..from + 30_000 {
        host.run(now, now + 1);
        let holder = host.clients.iter_mut().find(|client| client.dialling.is_some());
        if let Some(holder) = holder.filter(|_| killed_at.is_none()) {
            holder.dead = true;
            killed_at = Some(now);
            host.is_up = true;
        }
        if host.connected() == CLIENTS - 1 {
            // Five seconds and one that a turn lasts, a look and the spread.
            let took_ms = now - killed_at.unwrap();
            assert!((6_000..=6_000 + 250 + 250 + 10).contains(&took_ms), "{took_ms} ms");
            return;
        }
    }
    panic!("{} of {} are back", host.connected(), CLIENTS - 1);
}

#[test]
fn whoever_starts_in_an_outage_serves_from_memory_without_a_dial() {
    let mut host = outage(true);
    let policy = Policy::of(Profile::Development);
    let dials = host.dials.len();
    host.clients.push(Client {
        engine: Engine::new(policy.clone(), "redis://h", 9),
        board: Board::new(policy, 10),
        timer: None,
        dialling: None,
        dead: false,
    });
    host.tell(61_000, CLIENTS, Input::Start);
    host.run(61_000, 61_500);
    let status = host.clients[CLIENTS].engine.status(at(61_500));
    assert_eq!((status.dials, status.last_failure_type), (0, Some(REFUSED)));
    assert!(status.fallback_mode && status.ready);
    assert!(host.dials.len() <= dials + 1);
}

#[test]
fn who_must_decide_whether_to_start_looks_for_itself() {
    let mut engine = Engine::new(Policy::of(Profile::Production), "redis://h", 1);
    engine.handle(at(0), Input::Start);
    assert!(engine.dials_anyway());
    while !matches!(engine.poll_output(), Output::Timeout { .. }) {}
    let failure = Some(Failure::new(REFUSED, "no"));
    engine.handle(at(0), Input::DialHeld { dial: 1, in_ms: 5, attempts: 3, failure });
    assert_eq!(engine.poll_output(), Output::Timeout { at_ms: Some(at(5)) });
    engine.handle(at(5), Input::Timer);
    assert_eq!(engine.poll_output(), Output::Dial { dial: 1, timeout_ms: 5_000 });
}

#[test]
fn garbage_and_promises_that_nobody_makes_are_not_believed() {
    let policy = Policy::of(Profile::Development);
    let now = at(100_000);
    let words = [
        0,
        u64::MAX,
        0xdead_beef,
        // Further than any dial or delay of this policy.
        Note { state: State::Dialling, at: at(106_001), kind: None, attempts: 0 }.word(),
        Note { state: State::Away, at: at(102_001), kind: Some(REFUSED), attempts: 1 }.word(),
        Note { state: State::Away, at: at(101_000), kind: None, attempts: 1 }.word(),
        Note { state: State::Back, at: at(100_001), kind: None, attempts: 0 }.word(),
    ];
    for word in words {
        let word = AtomicU64::new(word);
        let mut board = Board::new(policy.clone(), 1);
        assert_eq!(board.ask(now, &word), Turn::Dial);
        // It took the turn, so that the next one waits.
        assert!(matches!(Board::new(policy.clone(), 2).ask(now, &word), Turn::Wait { .. }));
    }
}

#[test]
fn what_concerns_one_process_alone_is_not_told() {
    let policy = Policy::of(Profile::Development);
    for kind in [FailureKind::AuthFailed, FailureKind::TlsError] {
        let word = AtomicU64::new(0);
        let mut board = Board::new(policy.clone(), 1);
        assert_eq!(board.ask(at(10), &word), Turn::Dial);
        board.failed(at(12), &word, kind, 1, Some(250));
        assert_eq!(Board::new(policy.clone(), 2).ask(at(13), &word), Turn::Dial, "{kind:?}");
    }
}

#[test]
fn who_lost_its_turn_tells_nothing() {
    let policy = Policy::of(Profile::Development);
    let word = AtomicU64::new(0);
    let (mut slow, mut next) = (Board::new(policy.clone(), 1), Board::new(policy, 2));
    assert_eq!(slow.ask(at(10), &word), Turn::Dial);
    assert_eq!(next.ask(at(6_010), &word), Turn::Dial);
    let taken = word.load(Ordering::Relaxed);
    slow.failed(at(6_011), &word, REFUSED, 1, Some(250));
    assert_eq!(word.load(Ordering::Relaxed), taken);
    next.succeeded(at(6_012), &word);
    assert_eq!(Note::read(word.load(Ordering::Relaxed)).unwrap().state, State::Back);
    slow.give_up(&word);
    assert_eq!(Note::read(word.load(Ordering::Relaxed)).unwrap().state, State::Back);
}

#[test]
fn good_news_from_before_a_failure_is_none() {
    let policy = Policy::of(Profile::Development);
    let word = AtomicU64::new(0);
    let (mut first, mut other) = (Board::new(policy.clone(), 1), Board::new(policy.clone(), 2));
    assert_eq!(first.ask(at(10), &word), Turn::Dial);
    first.succeeded(at(12), &word);
    assert_eq!(Board::new(policy, 3).ask(at(13), &word), Turn::Dial, "it has lost nothing");
    first.lost(at(20));
    other.lost(at(20));
    assert_eq!(first.ask(at(300), &word), Turn::Dial);
    assert!(matches!(other.ask(at(300), &word), Turn::Wait { .. }), "the turn is taken");
    first.succeeded(at(302), &word);
    let Turn::Wait { in_ms, .. } = other.ask(at(310), &word) else { panic!("not all at once") };
    assert!(in_ms <= 250);
    // Those who follow tell nothing that begins the spread anew.
    let told = word.load(Ordering::Relaxed);
    assert_eq!(other.ask(at(310 + in_ms), &word), Turn::Dial);
    other.succeeded(at(312 + in_ms), &word);
    assert_eq!(word.load(Ordering::Relaxed), told);
}

#[test]
fn who_was_about_to_follow_waits_anew_where_redis_is_gone_again() {
    let policy = Policy::of(Profile::Development);
    let note = |state, ms, kind| Note { state, at: at(ms), kind, attempts: 1 };
    let word = AtomicU64::new(note(State::Back, 100, None).word());
    let mut board = Board::new(policy, 2);
    board.lost(at(20));
    let Turn::Wait { in_ms: first, .. } = board.ask(at(110), &word) else { panic!("at once") };
    word.store(note(State::Away, 900, Some(REFUSED)).word(), Ordering::Relaxed);
    let told = board.ask(at(110 + first), &word);
    assert!(matches!(told, Turn::Wait { failure: Some(_), .. }), "{told:?}");
    word.store(note(State::Back, 2_000, None).word(), Ordering::Relaxed);
    assert!(matches!(board.ask(at(2_001), &word), Turn::Wait { .. }), "the spread begins anew");
}

#[test]
fn one_word_is_for_one_endpoint() {
    assert_ne!(key("redis://a:6379/0"), key("redis://b:6379/0"));
    // The published value of FNV-1a for "foobar".
    assert_eq!(key("foobar"), 0x8594_4171_f739_67e8);
}
