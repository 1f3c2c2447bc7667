//! Pipelines and transactions of the client for threads, on a real server that goes away under them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast::blocking::{Client, needs_own_connection};
use outlast::{Config, Error, ErrorKind, FailureKind, Mode, Value};
use outlast_tests::{Proxy, Recorder, Server, eventually};

/// How long a call may take beyond its deadline.
const GRACE: Duration = Duration::from_millis(50);

type Commands<'a> = Vec<Vec<&'a str>>;

fn client(url: &str, options: &[(&str, &str)]) -> Client {
    let mut builder = Config::builder(url).profile("production").option("lazy_connect", "true");
    let quick =
        [("server_delay_ms", "20"), ("server_delay_ms_max", "100"), ("jitter_percent", "0")];
    for (name, value) in quick.iter().chain(options) {
        builder = builder.option(name, value);
    }
    Client::new(builder.build().expect("valid options"), Arc::new(Recorder::default()))
}

fn commands(lines: &str) -> Commands<'_> {
    lines.split("; ").map(|line| line.split(' ').collect()).collect()
}

fn piped(client: &Client, lines: &str) -> Vec<Result<Value, Error>> {
    client.pipeline(&commands(lines), &|| Ok(())).expect("an answer for each")
}

fn transacted(client: &Client, lines: &str) -> Result<Value, Error> {
    client.transaction(&commands(lines), &|| Ok(()))
}

/// What EXEC answered.
fn executed(result: Result<Value, Error>) -> Vec<Value> {
    let Ok(Value::Array(mut replies)) = result else { panic!("no replies: {result:?}") };
    match replies.pop() {
        Some(Value::Array(ended)) => ended,
        other => panic!("EXEC answered {other:?} after {replies:?}"),
    }
}

#[test]
fn each_command_of_a_pipeline_has_its_own_answer() {
    let server = Server::start();
    let client = client(&server.url(), &[]);
    let mut results = piped(&client, "SET k 1; INCR k; LPUSH k x; EVALSHA nope 0; GET k; PING");
    let codes: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!(
        codes.iter().map(|error| error.code()).collect::<Vec<_>>(),
        ["command_error", "no_script"]
    );
    results.retain(Result::is_ok);
    let values: Vec<_> = results.into_iter().flatten().collect();
    let pong = Value::Simple("PONG".into());
    assert_eq!(values, [Value::ok(), Value::Integer(2), Value::bulk("2"), pong]);
    assert!(piped(&client, "DBSIZE").len() == 1 && client.status().mode == Mode::Connected);
    let refused = client.pipeline(&commands("SET k 2; MULTI"), &|| Ok(())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert_eq!(server.cli(&["GET", "k"]), "2", "nothing was done of what cannot be carried");
}

#[test]
fn a_pipeline_of_many_megabytes_passes_both_ways() {
    let server = Server::start();
    let client = client(&server.url(), &[("command_timeout_ms", "20000")]);
    let value = "x".repeat(20_000);
    let names: Vec<String> = (0..1_000).map(|number| format!("k{number}")).collect();
    let mut both: Commands<'_> = Vec::new();
    for name in &names {
        both.extend([vec!["SET", name, &value], vec!["GET", name], vec!["ECHO", &value]]);
    }
    let results = client.pipeline(&both, &|| Ok(())).unwrap();
    let expected = [Value::ok(), Value::bulk(value.as_str()), Value::bulk(value.as_str())];
    for three in results.chunks(3) {
        assert!(three.iter().zip(&expected).all(|(got, wanted)| got.as_ref() == Ok(wanted)));
    }
    assert_eq!(results.len(), 3_000);
}

#[test]
fn a_pipeline_that_is_cut_goes_on_command_by_command() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let lines = vec!["INCR n"; 50].join("; ") + "; SET last 1";
    let (mut cut_inside, mut doubtful) = (0, 0);
    for cut in (60..1_200).step_by(57) {
        server.cli(&["FLUSHALL"]);
        proxy.cut_next_after([cut]);
        let client = client(&proxy.url(), &[]);
        let results = piped(&client, &lines);
        assert_eq!(results.len(), 51);
        assert_eq!(results.last(), Some(&Ok(Value::ok())), "a SET may be done twice");
        let told = results[..50].iter().filter(|result| result.is_ok()).count();
        let in_doubt = |result: &&Result<Value, Error>| {
            result.as_ref().is_err_and(|error| error.kind() == ErrorKind::MaybeApplied)
        };
        let maybe = results[..50].iter().filter(in_doubt).count();
        assert_eq!(told + maybe, 50, "{results:?}");
        eventually("back on Redis", || client.status().redis_connected);
        let counted: usize = server.cli(&["GET", "n"]).parse().unwrap_or(0);
        assert!((told..=told + maybe).contains(&counted), "{counted}, told {told}, maybe {maybe}");
        assert_eq!(server.cli(&["GET", "last"]), "1");
        cut_inside += usize::from((1..50).contains(&maybe));
        doubtful += maybe;
    }
    assert!(cut_inside > 0 && doubtful > 0, "no cut hit a pipeline in the middle");
}

#[test]
fn one_deadline_holds_for_a_whole_pipeline() {
    let server = Server::start();
    let client = client(&server.url(), &[("command_timeout_ms", "200")]);
    piped(&client, "SET k 1");
    server.freeze();
    let began = Instant::now();
    let results = piped(&client, &["GET k", "SET k 2", "INCR n", "GET k"].repeat(25).join("; "));
    let took = began.elapsed();
    server.thaw();
    assert!(took <= Duration::from_millis(200) + GRACE, "{took:?}");
    assert!(took >= Duration::from_millis(150), "it was given a chance: {took:?}");
    for four in results.chunks(4) {
        assert!(four[0].is_ok() && four[1] == Ok(Value::ok()) && four[3] == Ok(Value::bulk("2")));
        let error = four[2].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MaybeApplied);
        assert_eq!(error.failure(), Some(FailureKind::ResponseTimeout));
    }
}

#[test]
fn pipelines_and_transactions_are_answered_from_memory_and_written_back() {
    let mut server = Server::start();
    let client = client(&server.url(), &[]);
    piped(&client, "SET n 5; RPUSH list a");
    server.kill();
    let began = Instant::now();
    let results = piped(&client, "INCRBY n 2; RPUSH list b; SETNX lock 1; GET n");
    assert_eq!(results[0], Ok(Value::Integer(7)));
    assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::RedisUnavailable);
    assert_eq!(results[3], Ok(Value::bulk("7")));
    let ended = executed(transacted(&client, "INCR n; SET k v; GET k"));
    assert_eq!(ended, [Value::Integer(8), Value::ok(), Value::bulk("v")]);
    let refused = transacted(&client, "SET x 1; SETNX lock 1").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RedisUnavailable);
    assert!(began.elapsed() < Duration::from_secs(1) + GRACE);
    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["MGET", "n", "k", "x"]), "8\nv");
}

#[test]
fn a_transaction_is_one_piece_on_redis() {
    let server = Server::start();
    let client = client(&server.url(), &[]);
    let ended = executed(transacted(&client, "SET k 1; INCR k; LPUSH k x; GET k"));
    assert_eq!(ended[..2], [Value::ok(), Value::Integer(2)]);
    assert!(ended[2].as_error().is_some_and(|error| error.starts_with("WRONGTYPE")));
    let Ok(Value::Array(replies)) = transacted(&client, "SET k 9; INCR") else { panic!() };
    assert!(replies.last().and_then(Value::as_error).is_some_and(|e| e.starts_with("EXECABORT")));
    assert_eq!(server.cli(&["GET", "k"]), "2", "none was done");
}

#[test]
fn a_transaction_whose_end_nobody_was_told_is_in_doubt_unless_it_may_be_repeated() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let client = client(&proxy.url(), &[]);
    piped(&client, "PING");
    proxy.swallow_exec_replies(1);
    let error = transacted(&client, "INCR n; SET k 1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "n"]), "1", "it was done once");
    proxy.swallow_exec_replies(1);
    assert_eq!(executed(transacted(&client, "SET k 2; GET k"))[1], Value::bulk("2"));
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "k"]), "2");
}

#[test]
fn what_belongs_to_a_connection_is_told_apart() {
    for own in ["SUBSCRIBE c", "BLPOP k 0", "XREAD BLOCK 0 STREAMS s 0", "WATCH k", "SELECT 1"] {
        assert!(needs_own_connection(&own.split(' ').collect::<Vec<_>>()), "{own}");
    }
    for own in ["CLIENT ID", "client setname x", "WAIT 1 0", "MULTI", "MONITOR", "AUTH x"] {
        assert!(needs_own_connection(&own.split(' ').collect::<Vec<_>>()), "{own}");
    }
    for shared in ["GET k", "XREAD STREAMS s 0", "PUBLISH c m", "INFO", "CONFIG GET x", "EVAL x 0"]
    {
        assert!(!needs_own_connection(&shared.split(' ').collect::<Vec<_>>()), "{shared}");
    }
    let mut server = Server::start();
    let client = client(&server.url(), &[]);
    let may = |line: &str| {
        client.may_use_own_connection(&line.split(' ').collect::<Vec<_>>(), &|| Ok(()))
    };
    assert_eq!(may("WATCH k"), Ok(true));
    assert_eq!(may("BLPOP k 0"), Ok(true));
    server.kill();
    eventually("degraded", || {
        client.call(&["GET", "k"]).is_ok() && !client.status().redis_connected
    });
    assert_eq!(may("WATCH k").unwrap_err().kind(), ErrorKind::RedisUnavailable);
    assert_eq!(may("CLIENT ID").unwrap_err().kind(), ErrorKind::RedisUnavailable);
    assert_eq!(may("BLPOP k 0"), Ok(false), "what the rules make of it, a call tells");
}

#[test]
fn a_call_in_two_parts_ends_as_one_in_one_part() {
    let server = Server::start();
    let client = client(&server.url(), &[("command_timeout_ms", "300")]);
    let both = |args: &[&str], patience_ms: u64| match client
        .begin_call(args, Duration::from_millis(patience_ms))?
    {
        Ok(value) => Ok((value, true)),
        Err(begun) => client.end_call(args, begun, &|| Ok(())).map(|value| (value, false)),
    };
    assert_eq!(both(&["SET", "k", "1"], 1_000), Ok((Value::ok(), false)), "not connected yet");
    assert_eq!(both(&["INCR", "k"], 1_000), Ok((Value::Integer(2), true)));
    assert_eq!(both(&["LPUSH", "k", "x"], 1_000).unwrap_err().code(), "command_error");
    server.freeze();
    let began = Instant::now();
    let in_doubt = both(&["INCR", "k"], 1).unwrap_err();
    assert_eq!(in_doubt.kind(), ErrorKind::MaybeApplied);
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(300) + GRACE, "{took:?}");
    assert_eq!(both(&["GET", "k"], 1), Ok((Value::bulk("2"), false)), "from memory");
    server.thaw();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(both(&["INCR", "k"], 1_000).map(|(value, _)| value), Ok(Value::Integer(4)));
}
