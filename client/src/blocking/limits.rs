//! Rate limits: counted by Redis, or by this process alone while it is away.

use outlast_core::cluster::slot_of;
use outlast_core::rate_limit::{Limit, SCRIPT, Verdict};
use outlast_core::{Error, ErrorKind, Value};

use super::{Client, Kind};
use crate::gate::Route;

/// A verdict, and who counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimited {
    /// What became of the request.
    pub verdict: Verdict,
    /// Whether Redis counted, for all processes together.
    pub by_redis: bool,
}

impl Client {
    /// Counts a request towards a limit: on Redis in one piece, or, while it is away, in this process
    /// alone and up to a share of the limit (thousandths).
    ///
    /// # Errors
    ///
    /// An error reply to the script, [`Closed`](ErrorKind::Closed), and whatever `interrupt` answers.
    pub fn rate_limit(
        &self,
        key: &[u8],
        limit: &Limit,
        share_permille: u32,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<RateLimited, Error> {
        if !matches!(self.route_of(key)?, Route::Store) {
            let arguments = limit.arguments();
            let mut args = vec![b"EVAL".as_slice(), SCRIPT.as_bytes(), b"1", key];
            args.extend(arguments.iter().map(String::as_bytes));
            match self.call_interruptible(&args, interrupt) {
                Ok(answer) => {
                    if let Some(verdict) = limit.answered(&numbers(answer)) {
                        return Ok(RateLimited { verdict, by_redis: true });
                    }
                }
                Err(error) if is_of_an_outage(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let verdict = self.limit_locally(key, &limit.share(share_permille));
        Ok(RateLimited { verdict, by_redis: false })
    }

    fn route_of(&self, key: &[u8]) -> Result<Route, Error> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.route(),
            Kind::Cluster(fleet) => fleet.owner(slot_of(key)).gate.route(),
        }
    }
}

fn numbers(answer: Value) -> Vec<i64> {
    let Value::Array(items) = answer else {
        return Vec::new();
    };
    let number = |item| match item {
        Value::Integer(number) => Some(number),
        _ => None,
    };
    items.into_iter().filter_map(number).collect()
}

fn is_of_an_outage(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::RedisUnavailable
            | ErrorKind::MaybeApplied
            | ErrorKind::UnsupportedLocally
            | ErrorKind::LimitReached
    )
}
