//! From a cluster to a master in it: nodes are asked who serves what, and who is named must say of
//! itself that it is a master and serves that.

use outlast_core::classify::classify_reply;
use outlast_core::cluster::{Redirect, Topology, tag_of};
use outlast_core::{Failure, FailureKind, Value};

use super::in_turn::{InTurn, Task};
use super::reach::most_telling;
use super::{Deadline, Link, link_to, reach_master, told};
use crate::config::Config;
use crate::endpoint::Place;

/// Who serves what, as the first of these nodes says that knows.
pub(crate) async fn ask(
    config: &Config,
    nodes: &[Place],
    deadline: Deadline,
) -> Result<Topology, Failure> {
    let ask = |node: Place| -> Task<Topology> {
        let config = config.clone();
        Box::pin(async move {
            let asked = ask_one(&config, &node, deadline).await;
            asked.map_err(|failure| told(failure, &format!("the node {node}")))
        })
    };
    let mut answers = InTurn::new(nodes, ask);
    let mut failures = Vec::new();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(topology) => return Ok(topology),
            Err(failure) => failures.push(failure),
        }
    }
    Err(most_telling(failures))
}

async fn ask_one(config: &Config, node: &Place, deadline: Deadline) -> Result<Topology, Failure> {
    let mut link = link_to(config, node, deadline).await?;
    let overdue = "it accepted the connection and did not answer";
    let replies = deadline.within(overdue, link.exchange(&[vec!["CLUSTER", "SLOTS"]])).await?;
    match replies.into_iter().next().unwrap_or(Value::Nil) {
        Value::Error(message) => Err(Failure::new(FailureKind::ClusterDown, message)),
        reply => Topology::of_slots(&reply, &node.host)
            .ok_or_else(|| Failure::new(FailureKind::ClusterDown, "it knows no master")),
    }
}

/// A connection to a replica that may be read from, which knows this slot.
pub(crate) async fn dial_replica(
    config: &Config,
    replica: &Place,
    slot: Option<u16>,
    deadline: Deadline,
) -> Result<Link, Failure> {
    let dialled = async {
        let mut link = link_to(config, replica, deadline).await?;
        let probe = format!("outlast:{{{}}}", slot.map(tag_of).unwrap_or_default());
        let commands = [vec!["READONLY".to_string()], vec!["EXISTS".to_string(), probe]];
        let replies = deadline.within("it did not answer", link.exchange(&commands)).await?;
        let refused = replies.iter().filter_map(Value::as_error).find(|error| {
            // That a user may not see the key says nothing of the replica.
            classify_reply(error) != FailureKind::PermissionDenied
        });
        match refused {
            Some(error) => Err(Failure::new(FailureKind::ClusterDown, error)),
            None => Ok(link),
        }
    };
    dialled.await.map_err(|failure| told(failure, &format!("the replica {replica}")))
}

/// A connection to a master, which serves this slot.
pub(crate) async fn dial(
    config: &Config,
    master: &Place,
    slot: Option<u16>,
    deadline: Deadline,
) -> Result<Link, Failure> {
    let dialled = async {
        let mut link = reach_master(config, master, "the nodes lag", deadline).await?;
        let Some(slot) = slot else {
            return Ok(link);
        };
        // What a key is answered tells more than any state that the node has of itself.
        let probe = vec!["EXISTS".to_string(), format!("outlast:{{{}}}", tag_of(slot))];
        let overdue = "it did not answer";
        let replies = deadline.within(overdue, link.exchange(&[probe])).await?;
        match replies.first().and_then(Value::as_error) {
            Some(error) if error.starts_with("CLUSTERDOWN") || Redirect::parse(error).is_some() => {
                Err(Failure::new(FailureKind::ClusterDown, error))
            }
            _ => Ok(link),
        }
    };
    dialled.await.map_err(|failure| told(failure, &format!("the master {master}")))
}
