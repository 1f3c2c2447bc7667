//! Slots whose journal is written back to another master than that of their shard: they moved there
//! while the shard was away.

use std::collections::BTreeMap;
use std::time::Duration;

use outlast_core::Failure;
use outlast_core::cluster::Redirect;

use crate::dial::Link;
use crate::endpoint::Place;
use crate::gate::Gate;

/// How often one slot may move while it is written back.
const MOVES_MAX: u32 = 5;

/// Connections to other masters, for slots that moved there.
#[derive(Default)]
pub(crate) struct Elsewhere {
    slots: BTreeMap<u16, (Place, u32)>,
    links: Vec<(Place, Link)>,
}

impl Elsewhere {
    /// The connection that a slot is written back over, where that is not the shard's own.
    pub(crate) fn link(&mut self, slot: Option<u16>) -> Option<&mut Link> {
        let (place, _) = self.slots.get(&slot?)?;
        self.links.iter_mut().find(|(of, _)| of == place).map(|(_, link)| link)
    }

    /// Whether any slot was written back elsewhere.
    pub(crate) fn is_used(&self) -> bool {
        !self.links.is_empty()
    }

    /// Goes where a slot moved to, where that is why Redis took nothing.
    pub(crate) async fn follow(&mut self, gate: &Gate, failure: Failure) -> Result<(), Failure> {
        let Some(seat) = &gate.seat else {
            return Err(failure);
        };
        let Some(Redirect::Moved { slot, host, port }) = Redirect::parse(&failure.text) else {
            return Err(failure);
        };
        let moves = self.slots.get(&slot).map_or(0, |(_, moves)| *moves) + 1;
        let host =
            if host.is_empty() { seat.master().map(|master| master.host) } else { Some(host) };
        let Some(host) = host.filter(|_| moves <= MOVES_MAX) else {
            return Err(failure);
        };
        let place = Place { host, port };
        if !self.links.iter().any(|(of, _)| *of == place) {
            let within = Duration::from_millis(gate.policy().connect_timeout_ms);
            let link = seat.dial_elsewhere(&gate.config, &place, within).await?;
            self.links.push((place.clone(), link));
        }
        self.slots.insert(slot, (place, moves));
        Ok(())
    }
}
