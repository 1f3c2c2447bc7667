//! The bounds and properties of the classifier. What each wording means stands in
//! `tests/vectors/classify.json`.

use alloc::format;
use alloc::string::String;

use super::*;

const MIB: usize = 1 << 20;

fn repeated(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len())
}

#[test]
fn near_misses_without_end_are_survived() {
    let pieces = [
        "a ",
        "c ",
        "connection ",
        "connection reset by peee ",
        "certificate is not valid fo ",
        "(error) ERR x ",
        "ReplyError ",
        "ReplyError:ReplyError:",
        "max request ",
        "errno 9999999 ",
        "Error 22 connecting to x ",
        "-ERR-ERR",
        ": WRONGTYP ",
        "\u{e9}",
        "\0",
        "of pipeline caused error:",
        "the client is closed ",
        "-",
        "9",
    ];
    for piece in pieces {
        // Without optimisation a mebibyte takes a second: the worst case has to do.
        let text = repeated(piece, if piece == "c " { MIB } else { MIB / 16 });
        // Two of them say something, but nothing that would end the pass early.
        let expected = match piece {
            "the client is closed " => FailureKind::ConnectionLost,
            "(error) ERR x " => FailureKind::CommandError,
            _ => FailureKind::UnknownError,
        };
        assert_eq!(classify_text(&text), expected, "{piece}");
        assert_eq!(classify_reply(&text), FailureKind::CommandError, "{piece}");
    }
}

#[test]
fn a_failure_is_found_behind_a_mebibyte_of_noise() {
    let text = format!("{}connect ECONNREFUSED 127.0.0.1:6379", repeated("noise ", MIB));
    assert_eq!(classify_text(&text), FailureKind::ConnectionRefused);
}

#[test]
fn wrapped_replies_are_opened_only_so_far() {
    let wrapper = "EXECABORT Transaction discarded because of: ";
    let once = format!("{wrapper}LOADING Redis is loading the dataset in memory");
    assert_eq!(classify_reply(&once), FailureKind::Loading);
    let often = format!("{}LOADING x", wrapper.repeat(1000));
    assert_eq!(classify_reply(&often), FailureKind::CommandError);
}

#[test]
fn non_ascii_text_is_cut_nowhere_but_between_characters() {
    for text in ["Errno é", "é Errno 111é", "os error é", "ReplyError: é", "-é", "ERR é", "max é"]
    {
        assert_ne!(classify_text(text), FailureKind::ConnectionLost, "{text}");
    }
    assert_eq!(classify_text("«Connection refused» – é"), FailureKind::ConnectionRefused);
    // 64 bytes, the window of a quota notice, end inside a character.
    let quota = format!("ERR max request {}limit exceeded", "é".repeat(40));
    assert_eq!(classify_reply(&quota), FailureKind::CommandError);
}

#[test]
fn every_cut_of_a_message_is_survived() {
    let text = "ReplyError: ERR Error running script (call to f_0): @user_script:1: -READONLY é \
                [Errno -111] SocketException (10061): Error 111 connecting to unix: max request";
    for (at, _) in text.char_indices() {
        let (head, tail) = text.split_at(at);
        for part in [head, tail] {
            let _ = (classify_text(part), classify_reply(part), classify(&Evidence::new(part)));
        }
    }
}

#[test]
fn nothing_is_unknown() {
    assert_eq!(classify_text(""), FailureKind::UnknownError);
    assert_eq!(classify(&Evidence::default()), FailureKind::UnknownError);
    // An error reply is one, however empty.
    assert_eq!(classify_reply(""), FailureKind::CommandError);
}

#[test]
fn causes_count_down_to_the_bound() {
    let chain = |depth: u32| {
        let mut evidence = Evidence::new("connect ECONNREFUSED 127.0.0.1:6379");
        for _ in 0..depth {
            evidence = Evidence::new("it failed").with_cause(evidence);
        }
        evidence
    };
    assert_eq!(classify(&chain(CAUSE_DEPTH_MAX)), FailureKind::ConnectionRefused);
    assert_eq!(classify(&chain(CAUSE_DEPTH_MAX + 1)), FailureKind::UnknownError);
    assert_eq!(classify(&chain(2000)), FailureKind::UnknownError);
}

#[test]
fn causes_count_across_to_the_bound() {
    let row = |width: usize| {
        let mut evidence = Evidence::default();
        for _ in 0..width {
            evidence = evidence.with_cause(Evidence::new("it failed"));
        }
        evidence.with_cause(Evidence::new("read ECONNRESET"))
    };
    assert_eq!(classify(&row(CAUSE_WIDTH_MAX - 1)), FailureKind::ConnectionLost);
    assert_eq!(classify(&row(CAUSE_WIDTH_MAX)), FailureKind::UnknownError);
}

#[test]
fn every_number_is_survived_in_every_phase() {
    for phase in [Phase::Dial, Phase::Command, Phase::Unknown] {
        for errno in (-13_000..13_000).chain([i32::MIN, i32::MIN + 1, i32::MAX]) {
            let kind = classify_errno(errno, phase);
            assert_ne!(kind, Some(FailureKind::UnknownError), "{errno}");
        }
    }
}

#[test]
fn the_phase_of_the_host_outweighs_the_words() {
    let evidence = Evidence::new("connect: connection timed out");
    assert_eq!(classify(&evidence), FailureKind::ConnectTimeout);
    let live = evidence.with_phase(Phase::Command);
    assert_eq!(classify(&live), FailureKind::ConnectionLost);
}

#[test]
fn each_phrase_is_found_and_none_twice() {
    for (at, rule) in phrase::RULES.iter().enumerate() {
        let first = rule.phrase.as_bytes()[0];
        let found = phrase::beginning_with(first).filter(|other| other.phrase == rule.phrase);
        assert_eq!(found.count(), 1, "{}", rule.phrase);
        assert!(first.is_ascii_alphanumeric(), "{at}: a phrase begins with a word");
    }
}
