//! From a fresh socket to a connection that answered a PING.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::classify::classify_reply;
use crate::kind::{Failure, FailureKind, Verdict};
use crate::resp::Value;

/// Who logs in where.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The ACL user; none for the default one.
    pub username: Option<String>,
    /// The password; none where Redis asks for none.
    pub password: Option<String>,
    /// The database.
    pub database: u32,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        f.debug_struct("Credentials")
            .field("username", &shown(&self.username))
            .field("password", &shown(&self.password))
            .field("database", &self.database)
            .finish()
    }
}

/// Which version of RESP a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// RESP2, which every Redis speaks.
    #[default]
    Resp2,
    /// RESP3, from Redis 6 on.
    Resp3,
}

/// How a client introduces itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introduction {
    /// The name in `CLIENT LIST`; none to have none.
    pub client_name: Option<String>,
    /// Which version of RESP is asked for.
    pub protocol: Protocol,
}

/// What a handshake wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Send these commands at once and hand in their replies.
    Send(Vec<Vec<String>>),
    /// The connection is ready.
    Ready,
}

/// AUTH, HELLO, SELECT and PING, one after the other: credentials are never sent ahead of an
/// answer. Names go with the PING; a server that does not take them is as good as one that does.
#[derive(Debug)]
pub struct Handshake {
    steps: VecDeque<Vec<Vec<String>>>,
}

impl Handshake {
    /// The handshake for these credentials.
    pub fn new(credentials: &Credentials, introduction: &Introduction) -> Self {
        let mut steps = VecDeque::new();
        match (&credentials.username, &credentials.password) {
            (Some(user), Some(password)) => {
                steps.push_back(vec![vec!["AUTH".into(), user.clone(), password.clone()]]);
            }
            (None, Some(password)) => steps.push_back(vec![vec!["AUTH".into(), password.clone()]]),
            (_, None) => {}
        }
        if introduction.protocol == Protocol::Resp3 {
            steps.push_back(vec![command(&["HELLO", "3"])]);
        }
        if credentials.database != 0 {
            steps.push_back(vec![command(&["SELECT", &credentials.database.to_string()])]);
        }
        let mut last = Vec::new();
        if let Some(name) = &introduction.client_name {
            last.push(command(&["CLIENT", "SETNAME", name]));
        }
        last.push(command(&["CLIENT", "SETINFO", "LIB-NAME", "outlast"]));
        last.push(command(&["CLIENT", "SETINFO", "LIB-VER", env!("CARGO_PKG_VERSION")]));
        last.push(command(&["CLIENT", "INFO"]));
        last.push(command(&["PING"]));
        steps.push_back(last);
        Self { steps }
    }

    /// The first or next step.
    pub fn next_step(&mut self) -> Step {
        self.steps.pop_front().map_or(Step::Ready, Step::Send)
    }

    /// Whether the replies to a step let the handshake go on: the last one decides. Redis before
    /// 7.2 does not know `CLIENT SETINFO`, and a user may not be allowed any `CLIENT`.
    ///
    /// # Errors
    ///
    /// What failed. A command error has its own meaning here: a database that does not exist, or a
    /// user that may not PING, keep the client from Redis as wrong credentials do.
    pub fn check(replies: &[Value]) -> Result<(), Failure> {
        let Some(Value::Error(message)) = replies.last() else {
            return Ok(());
        };
        let mut kind = classify_reply(message);
        if kind.verdict() == Verdict::Command {
            kind = FailureKind::AuthFailed;
        }
        Err(Failure::new(kind, message.clone()))
    }

    /// By what the server knows the connection, from the replies to the last step. None before Redis 6.2,
    /// and where a user may not ask.
    pub fn identity(replies: &[Value]) -> Option<Identity> {
        let reply = replies.iter().rev().nth(1)?;
        let (Value::Bulk(text) | Value::Verbatim { text, .. }) = reply else {
            return None;
        };
        let text = core::str::from_utf8(text).ok()?;
        let field = |name: &str| text.split(' ').find_map(|field| field.strip_prefix(name));
        let (id, address) = (field("id=")?, field("addr=")?);
        // All that come through a unix socket have one address, which tells none from another.
        let is_own = !address.starts_with('/') && id.bytes().all(|byte| byte.is_ascii_digit());
        is_own.then(|| Identity { id: id.to_string(), address: address.to_string() })
    }
}

/// By what a server knows a connection. Numbers begin anew when a server starts; the address says that
/// it is the same connection all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    id: String,
    address: String,
}

impl Identity {
    /// The command that has the server give the connection up, with all that it has not done yet of what
    /// came over it.
    pub fn kill(&self) -> Vec<String> {
        command(&["CLIENT", "KILL", "ID", &self.id, "ADDR", &self.address])
    }
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(credentials: &Credentials, introduction: &Introduction) -> Vec<String> {
        let mut handshake = Handshake::new(credentials, introduction);
        let mut steps = Vec::new();
        while let Step::Send(commands) = handshake.next_step() {
            let commands: Vec<_> = commands.iter().map(|words| words.join(" ")).collect();
            steps.push(commands.join("; "));
        }
        steps
    }

    #[test]
    fn steps_follow_the_credentials_and_the_introduction() {
        let version = env!("CARGO_PKG_VERSION");
        let library = alloc::format!(
            "CLIENT SETINFO LIB-NAME outlast; CLIENT SETINFO LIB-VER {version}; CLIENT INFO"
        );
        let bare = steps(&Credentials::default(), &Introduction::default());
        assert_eq!(bare, [alloc::format!("{library}; PING")]);
        let credentials = Credentials {
            username: Some("app".into()),
            password: Some("planted".into()),
            database: 2,
        };
        let introduction =
            Introduction { client_name: Some("web".into()), protocol: Protocol::Resp3 };
        let last = alloc::format!("CLIENT SETNAME web; {library}; PING");
        assert_eq!(
            steps(&credentials, &introduction),
            ["AUTH app planted", "HELLO 3", "SELECT 2", last.as_str()]
        );
        assert!(!alloc::format!("{credentials:?}").contains("planted"));
    }

    #[test]
    fn a_connection_is_known_by_number_and_address() {
        let identity = |info: &str| {
            Handshake::identity(&[Value::ok(), Value::bulk(info), Value::Simple("PONG".into())])
        };
        let known = identity("id=7 addr=10.0.0.1:4000 laddr=10.0.0.2:6379 fd=8 name= age=0\n");
        assert_eq!(known.unwrap().kill().join(" "), "CLIENT KILL ID 7 ADDR 10.0.0.1:4000");
        assert_eq!(identity("id=7 addr=/run/redis.sock:0 fd=8"), None);
        assert_eq!(identity("id=x addr=10.0.0.1:4000"), None);
        assert_eq!(Handshake::identity(&[Value::Error("NOPERM".into()), Value::ok()]), None);
    }

    #[test]
    fn refusals_have_their_kind() {
        let kind = |message: &str| {
            Handshake::check(&[Value::Error(message.into())]).map_err(|failure| failure.kind)
        };
        assert_eq!(kind("LOADING Redis is loading"), Err(FailureKind::Loading));
        assert_eq!(kind("WRONGPASS invalid"), Err(FailureKind::AuthFailed));
        assert_eq!(kind("ERR DB index is out of range"), Err(FailureKind::AuthFailed));
        let pong = Value::Simple("PONG".into());
        let unknown = Value::Error("ERR Unknown subcommand".into());
        assert_eq!(Handshake::check(&[unknown, pong]), Ok(()));
    }
}
