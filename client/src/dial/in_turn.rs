//! Several places that know the same: they are asked one after the other, the next soon, or once an
//! answer was of no use.

use std::pin::Pin;

use outlast_core::Failure;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::reach::HEAD_START;
use crate::endpoint::Place;

/// What asks one place.
pub(super) type Task<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// Places that are asked.
pub(super) struct InTurn<'a, T, F> {
    ask: F,
    left: std::slice::Iter<'a, Place>,
    asked: JoinSet<Result<T, Failure>>,
}

impl<'a, T: Send + 'static, F: Fn(Place) -> Task<T>> InTurn<'a, T, F> {
    pub(super) fn new(places: &'a [Place], ask: F) -> Self {
        Self { ask, left: places.iter(), asked: JoinSet::new() }
    }

    /// The next answer; none when all have answered.
    pub(super) async fn next(&mut self) -> Option<Result<T, Failure>> {
        loop {
            if let Some(place) = self.left.next().cloned() {
                self.asked.spawn((self.ask)(place));
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
