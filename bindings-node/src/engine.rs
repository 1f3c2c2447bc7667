//! The core for diagnosis and for the vectors: decisions without a socket. Answers are JSON text, so
//! that their fields keep the core's order and every number stays a number; `lib/inspect.ts` parses it.

use napi::bindgen_prelude::Object;
use napi::{Env, Unknown};
use napi_derive::napi;
use outlast_core as ocore;

use crate::convert;
use crate::errors::{self, thrown};

/// The version of the package.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// What a message, a log line or an error object says.
#[napi]
pub fn classify(evidence: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| ocore::inspect::classify(convert::evidence(&evidence)?))
}

/// What an error reply of Redis says.
#[napi]
pub fn classify_reply(message: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| {
        let kind = ocore::classify::classify_reply(&convert::text("message", &message)?);
        Ok(ocore::inspect::Classification::from(kind))
    })
}

/// Every kind of failure with its verdict, schedule and words.
#[napi]
pub fn failure_kinds() -> errors::Result<String> {
    convert::answer(|| {
        let kinds = ocore::FailureKind::ALL.iter().copied();
        Ok(kinds.map(ocore::inspect::Classification::from).collect::<Vec<_>>())
    })
}

/// Every kind of error with its class and the failures that callers see as it.
#[napi]
pub fn error_kinds() -> errors::Result<String> {
    convert::answer(|| Ok(errors::listed()))
}

/// All knobs of a policy.
#[napi]
pub fn policy(options: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| convert::policy(&options))
}

/// What a key is for under the rules of a policy.
#[napi]
pub fn class_of(options: Unknown<'_>, key: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| {
        let key = convert::text("key", &key)?;
        Ok(ocore::inspect::class_of(&convert::policy(&options)?, key.as_bytes()))
    })
}

/// What becomes of a command while Redis is away.
#[napi]
pub fn decide(options: Unknown<'_>, args: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| {
        let args: Vec<String> = convert::parsed("command", &args)?;
        Ok(ocore::inspect::decide(&convert::policy(&options)?, &args))
    })
}

/// The table of knobs.
#[napi]
pub fn knobs() -> errors::Result<String> {
    convert::answer(|| Ok(ocore::policy::KNOBS))
}

/// The first delays of a redial schedule.
#[napi]
pub fn backoff_schedule(
    options: Unknown<'_>,
    attempts: Unknown<'_>,
    seed: Unknown<'_>,
    schedule: Unknown<'_>,
) -> errors::Result<String> {
    convert::answer(|| {
        let policy = convert::policy(&options)?;
        let attempts = convert::count("attempts", &attempts)?;
        let seed = convert::whole("seed", &seed)?;
        let schedule = convert::text_or("schedule", &schedule, "server")?;
        ocore::inspect::backoff_schedule(&policy, attempts, seed, &schedule)
    })
}

/// What a client with this policy would dial, log and answer through an outage.
#[napi]
pub fn simulate(options: Unknown<'_>, scenario: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| {
        let policy = convert::policy(&options)?;
        let scenario = convert::named("scenario", &scenario)?;
        ocore::sim::simulate(&policy, &scenario)
    })
}

/// What so many clients with this policy would do through an outage, together: the dials of each second.
#[napi]
pub fn simulate_fleet(
    options: Unknown<'_>,
    scenario: Unknown<'_>,
    clients: Unknown<'_>,
) -> errors::Result<String> {
    convert::answer(|| {
        let policy = convert::policy(&options)?;
        let scenario = convert::named("scenario", &scenario)?;
        let clients = convert::whole("clients", &clients)?;
        ocore::sim::fleet(&policy, &scenario, clients)
    })
}

/// The status in a text, in whichever language it was written.
#[napi]
pub fn parse_status(json: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| ocore::Status::parse(&convert::text("status", &json)?))
}

/// The entry of an incident for the production log.
#[napi]
pub fn log_entry(
    incident: Unknown<'_>,
    endpoint: Unknown<'_>,
    service: Unknown<'_>,
) -> errors::Result<String> {
    convert::answer(|| {
        let incident = convert::parsed("incident", &incident)?;
        let endpoint = convert::text("endpoint", &endpoint)?;
        let service = convert::text_or("service", &service, "")?;
        Ok(ocore::production_log::entry(&incident, &endpoint, &service))
    })
}

/// What a production log holds, what is wrong with it, and its correction.
#[napi]
pub fn check_log(text: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| Ok(ocore::production_log::check(&convert::text("log", &text)?)))
}

/// The decisions of a client that recorded them, made anew.
#[napi]
pub fn replay(recording: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| ocore::recording::replay(&convert::text("recording", &recording)?))
}

/// Decides when to dial, which mode the application sees and what is logged.
#[napi]
#[derive(Debug)]
pub struct Engine {
    engine: ocore::Engine,
}

#[napi]
impl Engine {
    /// An engine that follows a policy.
    #[napi(constructor)]
    pub fn new(
        options: Unknown<'_>,
        endpoint: Unknown<'_>,
        seed: Unknown<'_>,
    ) -> errors::Result<Self> {
        let engine = || {
            let policy = convert::policy(&options)?;
            let endpoint = convert::text("endpoint", &endpoint)?;
            let seed = convert::whole("seed", &seed)?;
            Ok(ocore::Engine::new(policy, endpoint, seed))
        };
        let engine = engine().map_err(|error| thrown(&error))?;
        Ok(Self { engine })
    }

    /// Takes one input; answers all outputs, of which the last is the timeout.
    #[napi]
    pub fn handle(&mut self, at_ms: Unknown<'_>, input: Unknown<'_>) -> errors::Result<String> {
        convert::answer(|| {
            let at = convert::time(&at_ms)?;
            self.engine.handle(at, convert::parsed("input", &input)?);
            Ok(self.outputs())
        })
    }

    /// The snapshot at this time.
    #[napi]
    pub fn status(&self, at_ms: Unknown<'_>) -> errors::Result<String> {
        convert::answer(|| Ok(self.engine.status(convert::time(&at_ms)?)))
    }

    fn outputs(&mut self) -> Vec<ocore::Output> {
        let mut outputs = Vec::new();
        while !matches!(outputs.last(), Some(ocore::Output::Timeout { .. })) {
            outputs.push(self.engine.poll_output());
        }
        outputs
    }
}

/// Decides which log lines of one outage pass.
#[napi]
#[derive(Debug)]
pub struct Throttle {
    throttle: ocore::throttle::Throttle,
}

#[napi]
impl Throttle {
    /// A throttle that lets one summary pass per interval; 0 lets every failure pass.
    #[napi(constructor)]
    pub fn new(interval_ms: Unknown<'_>) -> errors::Result<Self> {
        let interval_ms = convert::whole("interval_ms", &interval_ms);
        let interval_ms = interval_ms.map_err(|error| thrown(&error))?;
        Ok(Self { throttle: ocore::throttle::Throttle::new(interval_ms) })
    }

    /// Adds to what the next line will tell.
    #[napi]
    pub fn count(&mut self, counts: Unknown<'_>) -> errors::Result<()> {
        let counts = convert::named("counts", &counts).map_err(|error| thrown(&error))?;
        self.throttle.count(counts);
        Ok(())
    }

    /// A failure of this kind was counted: what a line is to tell, if one may pass now.
    #[napi]
    pub fn failure(&mut self, at_ms: Unknown<'_>, kind: Unknown<'_>) -> errors::Result<String> {
        convert::answer(|| {
            let at = convert::time(&at_ms)?;
            Ok(self.throttle.failure(at, convert::parsed("kind", &kind)?))
        })
    }

    /// What a summary is to tell, if one is due.
    #[napi]
    pub fn summary(&mut self, at_ms: Unknown<'_>) -> errors::Result<String> {
        convert::answer(|| Ok(self.throttle.summary(convert::time(&at_ms)?)))
    }

    /// When the next summary is due.
    #[napi]
    pub fn due(&self) -> errors::Result<String> {
        convert::answer(|| Ok(self.throttle.due()))
    }

    /// What happened since the last line.
    #[napi]
    pub fn since_line(&self) -> errors::Result<String> {
        convert::answer(|| Ok(self.throttle.since_line()))
    }
}

/// The Redis in memory that answers while Redis is away.
#[napi]
#[derive(Debug)]
pub struct Store {
    store: ocore::store::Store,
}

#[napi]
impl Store {
    /// An empty store that holds at most this many bytes.
    #[napi(constructor)]
    pub fn new(bytes_max: Unknown<'_>) -> errors::Result<Self> {
        let bytes_max = convert::whole("bytes_max", &bytes_max).map_err(|error| thrown(&error))?;
        // What is more than memory can hold is no limit.
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Ok(Self { store: ocore::store::Store::new(bytes_max) })
    }

    /// Answers a command as Redis would.
    #[napi(ts_return_type = "unknown")]
    pub fn execute<'env>(
        &mut self,
        env: &'env Env,
        at_ms: Unknown<'_>,
        args: Unknown<'_>,
        journalled: Option<bool>,
    ) -> errors::Result<Object<'env>> {
        let execute = || {
            let at = convert::time(&at_ms)?;
            let args: Vec<String> = convert::parsed("command", &args)?;
            Ok(self.store.execute(at, &args, journalled.unwrap_or(true)))
        };
        let executed = execute().map_err(|error| thrown(&error))?;
        let told = match executed {
            Ok(value) => convert::tagged(env, &value),
            Err(refusal) => convert::refusal(env, refusal),
        };
        told.map_err(|error| napi::Error::new(error.status.into(), error.reason))
    }
}
