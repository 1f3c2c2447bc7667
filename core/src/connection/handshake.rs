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

/// What a handshake wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Send this command and hand in its reply.
    Send(Vec<String>),
    /// The connection is ready.
    Ready,
}

/// AUTH, SELECT and PING, one after the other: credentials are never sent ahead of an answer.
#[derive(Debug)]
pub struct Handshake {
    steps: VecDeque<Vec<String>>,
}

impl Handshake {
    /// The handshake for these credentials.
    pub fn new(credentials: &Credentials) -> Self {
        let mut steps = VecDeque::new();
        match (&credentials.username, &credentials.password) {
            (Some(user), Some(password)) => {
                steps.push_back(vec!["AUTH".into(), user.clone(), password.clone()]);
            }
            (None, Some(password)) => steps.push_back(vec!["AUTH".into(), password.clone()]),
            (_, None) => {}
        }
        if credentials.database != 0 {
            steps.push_back(vec!["SELECT".into(), credentials.database.to_string()]);
        }
        steps.push_back(vec!["PING".into()]);
        Self { steps }
    }

    /// The first or next step.
    pub fn next_step(&mut self) -> Step {
        self.steps.pop_front().map_or(Step::Ready, Step::Send)
    }

    /// Whether the reply lets the handshake go on.
    ///
    /// # Errors
    ///
    /// What failed. A command error has its own meaning here: a database that does not exist, or a
    /// user that may not PING, keep the client from Redis as wrong credentials do.
    pub fn check(reply: &Value) -> Result<(), Failure> {
        let Value::Error(message) = reply else {
            return Ok(());
        };
        let mut kind = classify_reply(message);
        if kind.verdict() == Verdict::Command {
            kind = FailureKind::AuthFailed;
        }
        Err(Failure::new(kind, message.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_credentials() {
        let mut bare = Handshake::new(&Credentials::default());
        assert_eq!(bare.next_step(), Step::Send(vec!["PING".into()]));
        assert_eq!(bare.next_step(), Step::Ready);
        let credentials = Credentials {
            username: Some("app".into()),
            password: Some("planted".into()),
            database: 2,
        };
        let mut full = Handshake::new(&credentials);
        assert_eq!(
            full.next_step(),
            Step::Send(vec!["AUTH".into(), "app".into(), "planted".into()])
        );
        assert_eq!(full.next_step(), Step::Send(vec!["SELECT".into(), "2".into()]));
        assert!(!alloc::format!("{credentials:?}").contains("planted"));
    }

    #[test]
    fn refusals_have_their_kind() {
        let kind = |message: &str| {
            Handshake::check(&Value::Error(message.into())).map_err(|failure| failure.kind)
        };
        assert_eq!(kind("LOADING Redis is loading"), Err(FailureKind::Loading));
        assert_eq!(kind("WRONGPASS invalid"), Err(FailureKind::AuthFailed));
        assert_eq!(kind("ERR DB index is out of range"), Err(FailureKind::AuthFailed));
        assert_eq!(Handshake::check(&Value::Simple("PONG".into())), Ok(()));
    }
}
