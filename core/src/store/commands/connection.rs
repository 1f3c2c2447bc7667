//! Commands about the connection: <https://redis.io/docs/latest/commands/?group=connection>.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::super::call::Call;
use super::super::number::parse_i64;
use super::super::session::{Access, Nesting, Replies, Session};
use super::super::shard::DATABASES;
use super::super::space::Listening;
use super::super::stop::{SYNTAX, Stop};
use super::{Handler, checked, unknown_subcommand};
use crate::command::Command;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("ASKING", |_| Err(NO_CLUSTER.into())),
    ("AUTH", auth),
    ("CLIENT", client),
    ("ECHO", |call| Ok(Value::bulk(call.arg(1)))),
    ("HELLO", hello),
    ("PING", ping),
    ("QUIT", |call| {
        call.session.quits = true;
        Ok(Value::ok())
    }),
    ("READONLY", |_| Err(NO_CLUSTER.into())),
    ("READWRITE", |_| Err(NO_CLUSTER.into())),
    ("RESET", |call| Ok(reset(call))),
    ("SELECT", select),
];

const NO_CLUSTER: &str = "ERR This instance has cluster support disabled";
const NOT_AN_INT: &str = "ERR value is out of range, value must between -2147483648 and 2147483647";
const NO_AUTH: &str = "NOAUTH Authentication required.";
const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const NO_PASSWORD_SET: &str = "ERR AUTH <password> called without any password configured for the \
    default user. Are you sure your configuration is correct?";
const HELLO_FIRST: &str = "NOAUTH HELLO must be called with the client already authenticated, \
    otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and \
    select the RESP protocol version at the same time";
const BAD_NAME: &str = "ERR Client names cannot contain spaces, newlines or special characters.";
/// The version of Redis that is answered as.
const VERSION: &str = "7.0.15";

/// Why a session may not run a command now: it has not authenticated, or it listens to channels in
/// RESP 2, where replies and messages could not be told apart.
pub(super) fn forbidden(session: &Session, args: &[&[u8]]) -> Option<Stop> {
    let listens = session.protocol == 2 && !session.listens.is_empty();
    if session.is_authenticated() && !listens {
        return None;
    }
    // What is unknown, or has too few arguments, is told so first.
    let command = Command::find(args.first().copied().unwrap_or_default())?;
    let called = checked(command, args).ok()?;
    let reason = if session.is_authenticated() {
        let is_allowed = matches!(
            command.name,
            "PING"
                | "SUBSCRIBE"
                | "UNSUBSCRIBE"
                | "PSUBSCRIBE"
                | "PUNSUBSCRIBE"
                | "SSUBSCRIBE"
                | "SUNSUBSCRIBE"
                | "QUIT"
                | "RESET"
        );
        let name = called.full_name();
        (!is_allowed).then(|| {
            format!(
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT \
                 / RESET are allowed in this context"
            )
        })
    } else {
        let is_allowed = matches!(command.name, "AUTH" | "HELLO" | "QUIT" | "RESET");
        (!is_allowed).then(|| String::from(NO_AUTH))
    };
    let reason = reason?;
    if command.name == "EXEC" {
        return Some(format!("EXECABORT Transaction discarded because of: {reason}").into());
    }
    Some(reason.into())
}

/// Which of these replies the session wants (CLIENT REPLY).
pub(super) fn wanted(session: &mut Session, mut replies: Vec<Value>) -> Vec<Value> {
    let before = session.replies;
    session.replies = match before {
        Replies::SkipNext => Replies::Skip,
        Replies::Skip => Replies::On,
        Replies::On | Replies::Off => before,
    };
    if before != Replies::On {
        // Messages are no replies.
        replies.retain(|reply| matches!(reply, Value::Push(_)));
    }
    replies
}

fn ping(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.args.len() > 2 {
        return Err(super::wrong_arity("ping"));
    }
    if call.session.protocol == 2 && !call.session.listens.is_empty() {
        return Ok(Value::Array(vec![Value::bulk("pong"), Value::bulk(call.arg(1))]));
    }
    Ok(match call.args {
        [_, message] => Value::bulk(*message),
        _ => Value::Simple("PONG".into()),
    })
}

fn select(call: &mut Call<'_>) -> Result<Value, Stop> {
    let index = call.integer(1)?;
    if i32::try_from(index).is_err() {
        return Err(NOT_AN_INT.into());
    }
    let index = usize::try_from(index).ok().filter(|index| *index < DATABASES);
    call.session.database = index.ok_or("ERR DB index is out of range")?;
    Ok(Value::ok())
}

fn auth(call: &mut Call<'_>) -> Result<Value, Stop> {
    match *call.args {
        [_, _] if matches!(call.session.access, Access::Open) => return Err(NO_PASSWORD_SET.into()),
        [_, password] => log_in(call.session, b"default", password)?,
        [_, user, password] => log_in(call.session, user, password)?,
        _ => return Err(SYNTAX.into()),
    }
    Ok(Value::ok())
}

/// Lets the only user in. One without a password may give any.
fn log_in(session: &mut Session, user: &[u8], password: &[u8]) -> Result<(), Stop> {
    let access = match &session.access {
        Access::Open => Access::Open,
        Access::Asked(known) | Access::Given(known) if known.is(password) => {
            Access::Given(known.clone())
        }
        Access::Asked(_) | Access::Given(_) => return Err(WRONG_PASSWORD.into()),
    };
    if user != b"default" {
        return Err(WRONG_PASSWORD.into());
    }
    session.access = access;
    Ok(())
}

fn hello(call: &mut Call<'_>) -> Result<Value, Stop> {
    let protocol = match call.args.get(1) {
        None => None,
        Some(version) => match parse_i64(version) {
            None => {
                return Err("ERR Protocol version is not an integer or out of range".into());
            }
            Some(2) => Some(2),
            Some(3) => Some(3),
            Some(_) => return Err("NOPROTO unsupported protocol version".into()),
        },
    };
    let mut rest = call.args.get(2..).unwrap_or_default();
    while let Some(option) = rest.first() {
        rest = match (option.to_ascii_uppercase().as_slice(), rest) {
            (b"AUTH", [_, user, password, after @ ..]) => {
                log_in(call.session, user, password)?;
                after
            }
            (b"SETNAME", [_, name, after @ ..]) => {
                set_name(call.session, name)?;
                after
            }
            _ => {
                let option = String::from_utf8_lossy(option);
                return Err(format!("ERR Syntax error in HELLO option '{option}'").into());
            }
        };
    }
    if !call.session.is_authenticated() {
        return Err(HELLO_FIRST.into());
    }
    call.session.protocol = protocol.unwrap_or(call.session.protocol);
    let id = i64::try_from(call.session.id).unwrap_or(i64::MAX);
    let pairs = [
        ("server", Value::bulk("redis")),
        ("version", Value::bulk(VERSION)),
        ("proto", Value::Integer(i64::from(call.session.protocol))),
        ("id", Value::Integer(id)),
        ("mode", Value::bulk("standalone")),
        ("role", Value::bulk("master")),
        ("modules", Value::Array(Vec::new())),
    ];
    Ok(Value::Map(pairs.into_iter().map(|(name, value)| (Value::bulk(name), value)).collect()))
}

fn reset(call: &mut Call<'_>) -> Value {
    super::close(call.space, call.common.seed, call.session);
    let session = &mut *call.session;
    session.queue = None;
    session.database = 0;
    session.protocol = 2;
    session.name.clear();
    session.replies = Replies::On;
    if let Access::Given(password) = &session.access {
        session.access = Access::Asked(password.clone());
    }
    Value::Simple("RESET".into())
}

fn client(call: &mut Call<'_>) -> Result<Value, Stop> {
    let on = call.option(2);
    match call.option(1).as_slice() {
        b"ID" => Ok(Value::Integer(i64::try_from(call.session.id).unwrap_or(i64::MAX))),
        b"INFO" => Ok(text(line(call, "client|info"))),
        b"LIST" => list(call),
        b"GETNAME" if call.session.name.is_empty() => Ok(Value::Nil),
        b"GETNAME" => Ok(Value::bulk(call.session.name.clone())),
        b"SETNAME" => set_name(call.session, call.arg(2)).map(|()| Value::ok()),
        b"SETINFO" => set_info(call),
        b"NO-EVICT" | b"NO-TOUCH" => match on.as_slice() {
            b"ON" | b"OFF" => Ok(Value::ok()),
            _ => Err(SYNTAX.into()),
        },
        b"REPLY" => {
            let current = call.session.replies;
            call.session.replies = match on.as_slice() {
                b"ON" => Replies::On,
                b"OFF" => Replies::Off,
                b"SKIP" if current == Replies::Off => Replies::Off,
                b"SKIP" => Replies::SkipNext,
                _ => return Err(SYNTAX.into()),
            };
            Ok(Value::ok())
        }
        b"TRACKING" => match on.as_slice() {
            b"OFF" => Ok(Value::ok()),
            b"ON" => Err(unknown_subcommand(call)),
            _ => Err(SYNTAX.into()),
        },
        b"TRACKINGINFO" => Ok(Value::Map(vec![
            (Value::bulk("flags"), Value::Set(vec![Value::bulk("off")])),
            (Value::bulk("redirect"), Value::Integer(-1)),
            (Value::bulk("prefixes"), Value::Array(Vec::new())),
        ])),
        b"GETREDIR" => Ok(Value::Integer(-1)),
        b"CACHING" => Err("ERR CLIENT CACHING can be called only when the client is in tracking \
            mode with OPTIN or OPTOUT mode enabled"
            .into()),
        b"UNPAUSE" => Ok(Value::ok()),
        _ => Err(unknown_subcommand(call)),
    }
}

/// The store knows no session but the caller's.
fn list(call: &mut Call<'_>) -> Result<Value, Stop> {
    let is_shown = match (call.args.len(), call.option(2).as_slice()) {
        (2, _) => true,
        (4, b"TYPE") => {
            let listens = !call.session.listens.is_empty();
            match call.option(3).as_slice() {
                b"NORMAL" => !listens,
                b"PUBSUB" => listens,
                b"MASTER" | b"REPLICA" | b"SLAVE" => false,
                _ => {
                    let kind = String::from_utf8_lossy(call.arg(3));
                    return Err(format!("ERR Unknown client type '{kind}'").into());
                }
            }
        }
        (4.., b"ID") => {
            let ids = call.args.iter().skip(3).map(|id| parse_i64(id).filter(|id| *id > 0));
            let ids: Option<Vec<i64>> = ids.collect();
            let own = i64::try_from(call.session.id).unwrap_or(i64::MAX);
            ids.ok_or("ERR Invalid client ID")?.contains(&own)
        }
        _ => return Err(SYNTAX.into()),
    };
    Ok(text(if is_shown { line(call, "client|list") } else { String::new() }))
}

fn text(text: String) -> Value {
    Value::Verbatim { format: "txt".into(), text: text.into_bytes() }
}

/// A session as CLIENT LIST shows it. What only a host can know is 0.
fn line(call: &Call<'_>, command: &str) -> String {
    let session = &*call.session;
    let listens = |how| session.listens.iter().filter(|(kind, _)| *kind == how).count();
    let flags = match (session.listens.is_empty(), session.nesting) {
        (true, Nesting::Transaction) => "x",
        (true, _) => "N",
        (false, Nesting::Transaction) => "Px",
        (false, _) => "P",
    };
    let queued = session.queue.as_ref().map(|queue| queue.commands.len());
    let multi = queued.map_or(-1, |queued| i64::try_from(queued).unwrap_or(i64::MAX));
    let age_ms = call.now.as_ms().saturating_sub(session.opened_at.as_ms());
    format!(
        "id={} addr={} laddr={} fd=0 name={} age={} idle=0 flags={flags} db={} sub={} psub={} \
         ssub={} multi={multi} qbuf=0 qbuf-free=0 argv-mem=0 multi-mem={} rbs=0 rbp=0 obl=0 oll=0 \
         omem=0 tot-mem=0 events=r cmd={command} user=default redir=-1 resp={}\n",
        session.id,
        session.addresses.0,
        session.addresses.1,
        String::from_utf8_lossy(&session.name),
        age_ms / 1_000,
        session.database,
        listens(Listening::Channel),
        listens(Listening::Pattern),
        listens(Listening::Shard),
        session.queue.as_ref().map_or(0, |queue| queue.bytes),
        session.protocol,
    )
}

fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

fn set_name(session: &mut Session, name: &[u8]) -> Result<(), Stop> {
    if !is_printable(name) {
        return Err(BAD_NAME.into());
    }
    session.name = name.to_vec();
    Ok(())
}

/// Of Redis 7.2; clients send it unasked.
fn set_info(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (option, value) = (call.arg(2).to_ascii_lowercase(), call.arg(3));
    let place = match option.as_slice() {
        b"lib-name" => &mut call.session.library.0,
        b"lib-ver" => &mut call.session.library.1,
        _ => {
            let option = String::from_utf8_lossy(call.arg(2));
            return Err(format!("ERR Unrecognized option '{option}'").into());
        }
    };
    if !is_printable(value) {
        let option = String::from_utf8_lossy(&option);
        return Err(
            format!("ERR {option} cannot contain spaces, newlines or special characters.").into()
        );
    }
    *place = value.to_vec();
    Ok(Value::ok())
}

#[cfg(test)]
mod tests {
    use super::super::super::{Answer, Password, Store};
    use super::*;
    use crate::time::Timestamp;

    fn ask(store: &Store, session: &mut Session, command: &str) -> Vec<Value> {
        let args: Vec<&str> = command.split(' ').collect();
        match store.serve(Timestamp::ZERO, session, &args) {
            Answer::Replies(replies) => replies,
            Answer::Refused(refusal) => vec![refusal.reply(&args)],
            Answer::Blocked(block) => vec![block.at_timeout],
        }
    }

    #[test]
    fn nothing_is_served_before_the_password_is_given() {
        let store = Store::new(1 << 20);
        let mut session = store.open(Timestamp::ZERO).requiring(Password::new("sekret"));
        let refused = vec![Value::Error(NO_AUTH.into())];
        assert_eq!(ask(&store, &mut session, "GET a"), refused);
        let wrong = vec![Value::Error(WRONG_PASSWORD.into())];
        assert_eq!(ask(&store, &mut session, "AUTH sekre"), wrong);
        assert_eq!(ask(&store, &mut session, "AUTH bob sekret"), wrong);
        assert!(!session.is_authenticated());
        assert_eq!(ask(&store, &mut session, "AUTH sekret"), [Value::ok()]);
        assert_eq!(ask(&store, &mut session, "GET a"), [Value::Nil]);
        ask(&store, &mut session, "RESET");
        assert_eq!(ask(&store, &mut session, "GET a"), refused);
        assert!(!format!("{session:?}").contains("sekret"));
    }

    #[test]
    fn replies_that_nobody_wants_are_left_out() {
        let store = Store::new(1 << 20);
        let mut session = store.open(Timestamp::ZERO);
        for (command, replies) in [
            ("CLIENT REPLY SKIP", 0),
            ("NONSENSE", 0),
            ("PING", 1),
            ("CLIENT REPLY OFF", 0),
            ("GET a", 0),
            ("SUBSCRIBE a b", 2),
            ("RESET", 1),
        ] {
            assert_eq!(ask(&store, &mut session, command).len(), replies, "{command}");
        }
    }

    #[test]
    fn messages_go_to_those_who_listen_until_they_end() {
        let store = Store::new(1 << 20);
        let (mut one, mut two) = (store.open(Timestamp::ZERO), store.open(Timestamp::ZERO));
        ask(&store, &mut one, "PSUBSCRIBE n*");
        ask(&store, &mut two, "SUBSCRIBE news other");
        let count = |count| vec![Value::Integer(count)];
        let mut third = store.open(Timestamp::ZERO);
        assert_eq!(ask(&store, &mut third, "PUBLISH news x"), count(2));
        let receivers: Vec<u64> = store.take_deliveries().iter().map(|(id, _)| *id).collect();
        assert_eq!(receivers, [two.id(), one.id()]);
        store.close(&mut two);
        assert_eq!(ask(&store, &mut third, "PUBLISH other x"), count(0));
        let error = ask(&store, &mut one, "GET a");
        assert!(error[0].as_error().is_some_and(|text| text.contains("Can't execute 'get'")));
        ask(&store, &mut one, "PUNSUBSCRIBE");
        assert_eq!(ask(&store, &mut one, "GET a"), [Value::Nil]);
    }
}
