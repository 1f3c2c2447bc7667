use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::kind::{Failure, FailureKind};
use crate::policy::{Policy, Profile};
use crate::status::Mode;

/// Records what an engine is told, as a client does.
struct Recorder {
    engine: Engine,
    text: String,
}

impl Recorder {
    fn new(profile: Profile) -> Self {
        let engine = Engine::new(Policy::of(profile), "redis://cache:6379", 7);
        let text = checkpoint(Timestamp::from_ms(0), &engine);
        Self { engine, text }
    }

    fn tell(&mut self, at_ms: u64, input: &Input) {
        let at = Timestamp::from_ms(at_ms);
        self.engine.handle(at, input.clone());
        let mut digest = Digest::new();
        loop {
            let output = self.engine.poll_output();
            digest.add(&output);
            if matches!(output, Output::Timeout { .. }) {
                break;
            }
        }
        self.text += &step(at, input, &digest);
    }

    fn refused(&mut self, at_ms: u64, dial: u64) {
        let failure = Failure::new(FailureKind::ConnectionRefused, "Connection refused");
        self.tell(at_ms, &Input::DialFailed { dial, failure });
    }
}

/// Connects, loses Redis, dials in vain, comes back.
fn outage() -> Recorder {
    let mut recorder = Recorder::new(Profile::Production);
    recorder.tell(1_000, &Input::Start);
    recorder.tell(1_001, &Input::DialSucceeded { dial: 1 });
    recorder.tell(1_002, &Input::Reconciled { epoch: 1 });
    recorder.tell(2_000, &Input::Tally { finished: 10, served_locally: 0, refused: 0 });
    let failure = Failure::new(FailureKind::ConnectionLost, "Connection reset by peer");
    recorder.tell(9_000, &Input::CommandFailed { epoch: 1, failure, write: true });
    recorder.tell(9_500, &Input::Timer);
    recorder.refused(9_501, 2);
    recorder.tell(10_500, &Input::Timer);
    recorder.tell(10_501, &Input::DialSucceeded { dial: 3 });
    recorder
        .tell(10_502, &Input::ReplayProgressed { epoch: 2, replayed: 1, conflicts: 0, refused: 0 });
    recorder.tell(10_503, &Input::Reconciled { epoch: 2 });
    recorder
}

#[test]
fn what_was_decided_is_decided_again() {
    let mut recorder = outage();
    recorder.tell(20_000, &Input::Close { journal_keys: 0 });
    let replayed = replay(&recorder.text).unwrap();
    assert_eq!(replayed.differs_at_line, None);
    assert_eq!((replayed.inputs, replayed.is_cut), (12, false));
    assert_eq!(replayed.endpoint, "redis://cache:6379");
    let dials: Vec<_> =
        replayed.trace.dials.iter().map(|dial| (dial.took_ms, dial.failure)).collect();
    assert_eq!(dials, [(1, None), (1, Some(FailureKind::ConnectionRefused)), (1, None)]);
    let codes: Vec<_> = replayed.trace.lines.iter().map(|line| line.record.code.code()).collect();
    assert_eq!(codes, ["redis_unavailable", "redis_unavailable", "redis_recovered"]);
    let modes: Vec<_> = replayed.trace.status.iter().map(|snapshot| snapshot.status.mode).collect();
    let (connected, degraded, reconciling) = (Mode::Connected, Mode::Degraded, Mode::Reconciling);
    assert_eq!(modes[..4], [degraded, reconciling, connected, degraded]);
    assert_eq!(modes[4..], [reconciling, connected, Mode::Closed, Mode::Closed]);
    let [incident] = &replayed.incidents[..] else { panic!("{:?}", replayed.incidents) };
    assert_eq!((incident.replayed, incident.counts.dials_failed), (1, 1));
}

#[test]
fn a_checkpoint_holds_all_that_the_engine_knows() {
    let whole = outage();
    // From each line on, as after the older half of a recording went.
    for cut in 1..whole.text.lines().count() {
        let mut engine = Recorder::new(Profile::Production);
        let mut text = String::new();
        for (at, line) in whole.text.lines().enumerate().skip(1) {
            let at_ms = line.split(',').next().unwrap().rsplit(':').next().unwrap();
            if at == cut {
                text = checkpoint(Timestamp::from_ms(at_ms.parse().unwrap()), &engine.engine);
            }
            let input =
                line.split("\"input\":").nth(1).unwrap().split(",\"outputs\"").next().unwrap();
            engine.tell(at_ms.parse().unwrap(), &serde_json::from_str(input).unwrap());
            if at >= cut {
                text += &(line.to_string() + "\n");
            }
        }
        let replayed = replay(&text).unwrap();
        assert_eq!(replayed.differs_at_line, None, "from line {cut}");
    }
}

#[test]
fn another_decision_is_noticed_where_it_is_made() {
    let text = outage().text;
    // The same dial, but it took longer: the redial is planned for another time.
    let other = text.replace("\"at_ms\":9501,", "\"at_ms\":9502,");
    assert_ne!(other, text);
    assert_eq!(replay(&other).unwrap().differs_at_line, Some(8));
}

#[test]
fn what_is_no_recording_is_told_with_its_line() {
    let text = outage().text;
    let message = |text: &str| replay(text).unwrap_err().message().to_string();
    for (broken, wanted) in [
        (String::new(), "line 1 is no line of a recording: there is no whole line"),
        ("hello\n".into(), "line 1 is no line of a recording: expected value"),
        ("{\"at_ms\":1}\n".into(), "line 1 is no line of a recording: the first is a checkpoint"),
        (
            text.replace("\"start\"", "\"boredom\""),
            "line 2 is no line of a recording: unknown variant",
        ),
        (
            text.replace("_recording\":1", "_recording\":2"),
            "line 1 is no line of a recording: it has format 2",
        ),
        (
            text.replace("slice_ms\":1000", "slice_ms\":0"),
            "line 1 is no line of a recording: invalid value",
        ),
        (
            text.replace("server_delay_factor_percent\":150", "server_delay_factor_percent\":0"),
            "line 1 is no line of a recording: invalid server_delay_factor_percent \"0\": allowed is",
        ),
        (text.clone() + "{\"at_ms\":1}\n", "line 13 is no line of a recording: it has neither"),
    ] {
        let message = message(&broken);
        assert!(message.starts_with(wanted), "{message}");
    }
    let cut = replay(&text[..text.len() - 9]).unwrap();
    assert_eq!((cut.is_cut, cut.inputs, cut.differs_at_line), (true, 10, None));
}
