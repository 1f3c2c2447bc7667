//! A server that answers what it likes: each command ends once, with the replies in the order of the
//! commands, and none is left when the connection is over.

#![no_main]

use std::collections::VecDeque;

use libfuzzer_sys::fuzz_target;
use outlast_core::Timestamp;
use outlast_core::connection::{Connection, Event};
use outlast_core::resp::Limits;

/// What the first bytes choose between each piece of the reply.
const STEPS: usize = 64;

fuzz_target!(|data: &[u8]| {
    let (steps, bytes) = data.split_at(data.len().min(STEPS));
    let mut limits = Limits::new(4_096);
    limits.elements_max = 64;
    limits.depth_max = 8;
    let mut connection = Connection::new(limits);
    let mut waiting = VecDeque::new();
    let mut ended = Vec::new();
    let mut now = Timestamp::ZERO;
    let mut pieces = bytes.chunks(7);
    for step in steps {
        now = now.plus_ms(u64::from(step >> 4));
        match step % 4 {
            0 => waiting.push_back(connection.send(&["GET", "k"], now.plus_ms(20))),
            1 => {
                let unsent = connection.unsent().len();
                connection.sent(unsent.min(usize::from(*step)));
            }
            2 => connection.receive(pieces.next().unwrap_or_default()),
            _ => {
                while let Some(unanswered) = connection.next_expired(now) {
                    ended.push(unanswered.command);
                }
            }
        }
        loop {
            match connection.next_event() {
                Ok(Some(Event::Reply { command, .. })) => ended.push(command),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => {
                    ended
                        .extend(connection.fail().into_iter().map(|unanswered| unanswered.command));
                    assert_all_ended(waiting, ended);
                    return;
                }
            }
        }
    }
    ended.extend(connection.fail().into_iter().map(|unanswered| unanswered.command));
    assert_eq!(connection.in_flight(), 0);
    assert_all_ended(waiting, ended);
});

fn assert_all_ended(waiting: VecDeque<u64>, mut ended: Vec<u64>) {
    ended.sort_unstable();
    assert_eq!(Vec::from(waiting), ended);
}
