//! Redis Cluster: each shard, a master and its slots, is what a whole client is elsewhere, with its own
//! health, store, journal and connections, so that one that is away takes only its own keys with it.
//! Here is what they share: who serves what, and where a command goes.
//!
//! ```text
//!   command ──▶ plan (core) ──▶ Fleet: whose slot? ──▶ Member: gate, transport   one for each shard
//!                                 ▲                      │ MOVED, ASK, TRYAGAIN
//!                                 └──────────────────────┘
//!   tend: looks who serves what ──▶ apply: members come and go, slots change hands
//! ```

mod apply;
mod elsewhere;
mod fleet;
mod follow;
mod modes;
mod pieces;
mod readers;
mod seat;
mod whole;

use outlast_core::cluster::Topology;

pub(crate) use elsewhere::Elsewhere;
pub(crate) use fleet::{Fleet, Member};
pub(crate) use follow::{Next, Way};
pub(crate) use pieces::{Pause, Piece, cross_slot, in_time};
pub(crate) use seat::Seat;
pub use whole::ClusterNode;

use crate::config::Config;
use crate::endpoint::Place;

/// What a shard asks of its cluster, whichever its transport.
pub(crate) trait Chart: Send + Sync {
    /// The configuration of the whole.
    fn config(&self) -> &Config;

    /// Nodes that may know who serves what, the likeliest first.
    fn nodes(&self) -> Vec<Place>;

    /// Takes what a node says of who serves what.
    fn apply(&self, topology: &Topology);

    /// Has a look taken at who serves what, soon; this node is asked first.
    fn wants_refresh(&self, first: Option<Place>);
}
