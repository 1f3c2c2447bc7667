//! What an outage looks like to the other processes of the host, where that is shared.

use outlast_core::board::Turn;
use outlast_core::{FailureKind, Input, Mode};

use super::Gate;
use super::engine::State;

/// What an input means to others.
#[derive(Clone, Copy)]
pub(super) enum News {
    Succeeded,
    Failed(FailureKind),
    /// A connection may have been lost.
    Other {
        stood: bool,
    },
}

impl News {
    pub(super) fn of(state: &State, input: &Input) -> Self {
        match input {
            Input::DialSucceeded { .. } => Self::Succeeded,
            Input::DialFailed { failure, .. } => Self::Failed(failure.kind),
            _ => Self::Other { stood: stands(state.engine.mode()) },
        }
    }
}

impl Gate {
    /// What the engine is to be told in place of a dial, where another process dials.
    pub(super) fn hold_dial(&self, state: &mut State, dial: u64) -> Option<Input> {
        let board = state.board.as_mut()?;
        // An outage that this application causes is its own affair.
        if state.engine.dials_anyway() || self.outage().is_some() {
            board.dials_anyway();
            return None;
        }
        match board.ask() {
            Turn::Wait { in_ms, failure, attempts, .. } => {
                Some(Input::DialHeld { dial, in_ms, attempts, failure })
            }
            _ => None,
        }
    }

    /// Tells the others, once the engine knows.
    pub(super) fn share(&self, state: &mut State, news: News) {
        let Some(board) = state.board.as_mut() else {
            return;
        };
        let mode = state.engine.mode();
        match news {
            News::Succeeded => board.succeeded(),
            News::Failed(_) if self.outage().is_some() => board.give_up(),
            News::Failed(kind) => {
                let next_in_ms = state.engine.next_dial_in_ms(self.clock.now());
                board.failed(kind, state.engine.attempts(), next_in_ms);
            }
            News::Other { .. } if mode == Mode::Closed => board.give_up(),
            News::Other { stood } if stood && !stands(mode) => board.lost(),
            News::Other { .. } => {}
        }
    }
}

const fn stands(mode: Mode) -> bool {
    matches!(mode, Mode::Connected | Mode::Reconciling)
}
