//! From the name of a master to a connection to it: sentinels are asked anew at each dial, and what
//! they name must say of itself that it is a master. A sentinel that lags behind a failover names
//! the old one.

use outlast_core::{Failure, FailureKind, Value};

use super::in_turn::{InTurn, Task};
use super::reach::most_telling;
use super::{Deadline, Link, link_to, reach_master, told};
use crate::config::Config;
use crate::endpoint::Place;

/// A sentinel, and the master that it names.
pub(crate) struct Named {
    pub(crate) master: Place,
    #[cfg_attr(not(feature = "doctor"), expect(dead_code, reason = "the doctor tells it"))]
    pub(crate) by: Place,
}

/// The sentinels of this master, asked one after the other.
fn asked<'a>(
    config: &'a Config,
    sentinels: &'a [Place],
    deadline: Deadline,
) -> InTurn<'a, Named, impl Fn(Place) -> Task<Named> + 'a> {
    InTurn::new(sentinels, move |sentinel| {
        let config = config.for_sentinel();
        Box::pin(async move { ask(&config, sentinel, deadline).await })
    })
}

/// The first sentinel that names a master.
#[cfg(feature = "doctor")]
pub(crate) async fn find(
    config: &Config,
    sentinels: &[Place],
    deadline: Deadline,
) -> Result<Named, Failure> {
    let mut answers = asked(config, sentinels, deadline);
    let mut failures = Vec::new();
    while let Some(answer) = answers.next().await {
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
    let mut answers = asked(config, sentinels, deadline);
    let mut tried: Vec<Place> = Vec::new();
    let (mut unasked, mut unreached) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.next().await {
        let master = match answer {
            Ok(named) if tried.contains(&named.master) => continue,
            Ok(named) => named.master,
            Err(failure) => {
                unasked.push(failure);
                continue;
            }
        };
        match reach_master(config, &master, "the sentinels lag", deadline).await {
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

fn place_of(parts: &[Value]) -> Option<Place> {
    let text = |part: &Value| String::from_utf8(part.as_bulk()?.to_vec()).ok();
    let (host, port) = (text(parts.first()?)?, text(parts.get(1)?)?);
    Some(Place { host, port: port.parse().ok()? })
}
