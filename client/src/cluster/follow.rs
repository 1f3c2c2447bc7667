//! Where a command goes that was sent to the wrong place.

use std::sync::Arc;
use std::time::Duration;

use outlast_core::Value;
use outlast_core::cluster::Redirect;

use super::fleet::{Fleet, Member};
use crate::endpoint::Place;
use crate::transport::Transport;

/// The way of one command, which was sent nowhere yet.
#[derive(Debug, Default)]
pub(crate) struct Way {
    redirects: u64,
    waits: u32,
}

/// What to do next with a command that a node would not do.
#[derive(Debug)]
pub(crate) enum Next<T> {
    /// Nothing: this is its reply.
    Ended,
    /// Send it to whoever has its slot now.
    Again,
    /// Send it there with ASKING before it.
    Ask(Arc<Member<T>>),
    /// Take a look at who serves what, this node first, and then send it to whoever has its slot.
    Look(Place),
    /// Wait a moment, and then send it again.
    Wait(Duration),
}

impl Way {
    /// What a reply means for where the command goes.
    pub(crate) fn next<T: Transport>(
        &mut self,
        fleet: &Fleet<T>,
        from: &Member<T>,
        reply: &Value,
    ) -> Next<T> {
        let Some(redirect) = reply.as_error().and_then(Redirect::parse) else {
            return Next::Ended;
        };
        let place = |host: String, port| match (host.is_empty(), from.seat.master()) {
            (true, Some(asked)) => Place { host: asked.host, port },
            _ => Place { host, port },
        };
        if !matches!(redirect, Redirect::TryAgain) {
            from.gate.redirected();
            self.redirects += 1;
            if self.redirects > fleet.config.policy.cluster_redirects_max {
                return Next::Ended;
            }
        }
        match redirect {
            Redirect::Moved { slot, host, port } => {
                let place = place(host, port);
                if fleet.moved(slot, &place) {
                    super::Chart::wants_refresh(fleet, Some(place));
                    return Next::Again;
                }
                Next::Look(place)
            }
            Redirect::Ask { host, port, .. } => match fleet.guest(&place(host, port)) {
                Some(member) => Next::Ask(member),
                None => Next::Ended,
            },
            _ => {
                self.waits += 1;
                Next::Wait(Duration::from_millis(5 << self.waits.min(4)))
            }
        }
    }
}
