//! From the name of a master to a connection to it: sentinels are asked anew at each dial, and what
//! they name must say of itself that it is a master. A sentinel that lags behind a failover names
//! the old one.

use outlast_core::{Failure, FailureKind, Value};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::reach::{HEAD_START, most_telling};
use super::{Deadline, Link, link_to};
use crate::config::Config;
use crate::endpoint::Place;

/// A sentinel, and the master that it names.
pub(crate) struct Named {
    pub(crate) master: Place,
    #[cfg_attr(not(feature = "doctor"), expect(dead_code, reason = "the doctor tells it"))]
    pub(crate) by: Place,
}

/// Sentinels are asked one after the other: the next soon, or once an answer was of no use.
pub(crate) struct Sentinels<'a> {
    config: &'a Config,
    left: std::slice::Iter<'a, Place>,
    asked: JoinSet<Result<Named, Failure>>,
}

impl<'a> Sentinels<'a> {
    pub(crate) fn new(config: &'a Config, sentinels: &'a [Place]) -> Self {
        Self { config, left: sentinels.iter(), asked: JoinSet::new() }
    }

    /// The next answer; none when all have answered.
    pub(crate) async fn next(&mut self, deadline: Deadline) -> Option<Result<Named, Failure>> {
        loop {
            if let Some(sentinel) = self.left.next().cloned() {
                let config = self.config.for_sentinel();
                self.asked.spawn(async move { ask(&config, sentinel, deadline).await });
            }
            let has_more = self.left.len() > 0;
            tokio::select! {
                answer = self.asked.join_next() => match answer {
                    None => return None,
                    Some(Ok(answer)) => return Some(answer),
                    Some(Err(_)) => {}
                },
                () = sleep(HEAD_START), if has_more => {}
            }
        }
    }
}

/// The first sentinel that names a master.
#[cfg(feature = "doctor")]
pub(crate) async fn find(
    config: &Config,
    sentinels: &[Place],
    deadline: Deadline,
) -> Result<Named, Failure> {
    let mut answers = Sentinels::new(config, sentinels);
    let mut failures = Vec::new();
    while let Some(answer) = answers.next(deadline).await {
        match answer {
            Ok(named) => return Ok(named),
            Err(failure) => failures.push(failure),
        }
    }
    Err(most_telling(failures))
}

/// A connection to the master, logged in.
pub(crate) async fn dial(
    config: &Config,
    sentinels: &[Place],
    deadline: Deadline,
) -> Result<Link, Failure> {
    let mut answers = Sentinels::new(config, sentinels);
    let mut tried: Vec<Place> = Vec::new();
    let (mut unasked, mut unreached) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.next(deadline).await {
        let master = match answer {
            Ok(named) if tried.contains(&named.master) => continue,
            Ok(named) => named.master,
            Err(failure) => {
                unasked.push(failure);
                continue;
            }
        };
        match reach_master(config, &master, deadline).await {
            Ok(link) => return Ok(link),
            Err(failure) => unreached.push(told(failure, &format!("the master {master}"))),
        }
        tried.push(master);
    }
    // What is wrong with the master says more than what is wrong with some of those who watch it.
    Err(most_telling(if unreached.is_empty() { unasked } else { unreached }))
}

async fn ask(config: &Config, sentinel: Place, deadline: Deadline) -> Result<Named, Failure> {
    let name = config.endpoint.master().unwrap_or_default();
    let who = format!("the sentinel {sentinel}");
    let asked = async {
        let mut link = link_to(config, &sentinel, deadline).await?;
        let command = vec!["SENTINEL", "get-master-addr-by-name", name];
        let overdue = "it accepted the connection and did not answer";
        let replies = deadline.within(overdue, link.exchange(&[command])).await?;
        match replies.into_iter().next().unwrap_or(Value::Nil) {
            Value::Array(parts) => place_of(&parts).ok_or_else(|| unknown("it names no place")),
            Value::Error(message) => Err(unknown(&message)),
            _ => Err(unknown(&format!("it knows no master named {name:?}"))),
        }
    };
    let master = asked.await.map_err(|failure| told(failure, &who))?;
    Ok(Named { master, by: sentinel })
}

fn unknown(text: &str) -> Failure {
    Failure::new(FailureKind::UnknownError, text)
}

fn told(mut failure: Failure, who: &str) -> Failure {
    failure.text = format!("{who}: {}", failure.text);
    failure
}

fn place_of(parts: &[Value]) -> Option<Place> {
    let text = |part: &Value| String::from_utf8(part.as_bulk()?.to_vec()).ok();
    let (host, port) = (text(parts.first()?)?, text(parts.get(1)?)?);
    Some(Place { host, port: port.parse().ok()? })
}

async fn reach_master(
    config: &Config,
    master: &Place,
    deadline: Deadline,
) -> Result<Link, Failure> {
    let mut link = link_to(config, master, deadline).await?;
    let overdue = "it accepted the connection and did not answer";
    let replies = deadline.within(overdue, link.exchange(&[vec!["ROLE"]])).await?;
    // Who may not ask for the role learns it from the first write.
    let role = match replies.first() {
        Some(Value::Array(parts)) => parts.first().and_then(Value::as_bulk).unwrap_or_default(),
        _ => b"master",
    };
    if role == b"master" {
        return Ok(link);
    }
    let role = String::from_utf8_lossy(role);
    let text = format!("its role is {role}, so a failover is under way, or the sentinels lag");
    Err(Failure::new(FailureKind::ReadOnly, text))
}
