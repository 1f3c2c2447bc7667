//! Every knob, with unit, range and the default of each profile. Defaults live here only.

mod knobs;
mod profile;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::backoff::Backoff;
use crate::error::Error;
use crate::inspect;
use crate::kind::Schedule;
use crate::rules::{RuleSpec, Rules};

pub use knobs::{KNOBS, Knob, KnobValue, Policy, Unit};
pub(crate) use profile::choice;
pub use profile::{ClusterReadFrom, JournalFsync, OnAmbiguous, OnGuarded, Profile, Startup};

/// Where an option came from; it stands in the error message when the option is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A keyword of the constructor.
    Keyword,
    /// A query parameter of the URL.
    Url,
    /// An `OUTLAST_…` environment variable.
    Variable,
}

impl Source {
    /// The name of an option as its caller wrote it.
    pub fn field(self, name: &str) -> String {
        match self {
            Self::Keyword => name.to_string(),
            Self::Url => format!("URL parameter {name}"),
            Self::Variable => format!("OUTLAST_{}", name.to_uppercase()),
        }
    }
}

/// Collects options by name and builds a valid [`Policy`], or says what is wrong.
///
/// Options are applied in the order of precedence, whatever the order in which they are given:
/// keyword over variable over URL parameter.
///
/// ```
/// use outlast_core::policy::{Builder, Profile, Source};
///
/// let policy = Builder::new(Profile::Production)
///     .option("command_timeout_ms", "250", Source::Keyword)
///     .build()?;
/// assert_eq!(policy.command_timeout_ms, 250);
/// # Ok::<(), outlast_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    profile: Profile,
    options: Vec<(Source, String, String)>,
    rules: Option<Vec<RuleSpec>>,
}

impl Builder {
    /// Starts from the defaults of `profile`.
    pub const fn new(profile: Profile) -> Self {
        Self { profile, options: Vec::new(), rules: None }
    }

    /// Adds one option by its name (`command_timeout_ms`) and its value as text.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str, source: Source) -> Self {
        self.options.push((source, name.to_string(), value.to_string()));
        self
    }

    /// Sets the keyspace rules, in place of those that any option `rules` names.
    #[must_use]
    pub fn rules(mut self, rules: Vec<RuleSpec>) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Applies the options and checks them, each for itself and together.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption), with field, value and what is
    /// allowed.
    pub fn build(self) -> Result<Policy, Error> {
        let mut policy = Policy::of(self.profile);
        for source in [Source::Url, Source::Variable, Source::Keyword] {
            for (_, name, value) in self.options.iter().filter(|(from, ..)| *from == source) {
                policy.set(name, value, source)?;
            }
        }
        if let Some(rules) = &self.rules {
            policy.rules = Rules::compile("rules", rules)?;
        }
        policy.check()?;
        Ok(policy)
    }
}

impl Policy {
    /// The redial schedule for failures of this family.
    pub const fn backoff(&self, schedule: Schedule) -> Backoff {
        match schedule {
            Schedule::Server => Backoff::exponential(
                self.server_delay_ms,
                self.server_delay_factor_percent,
                self.server_delay_ms_max,
            ),
            Schedule::Network => Backoff::exponential(
                self.network_delay_ms,
                self.network_delay_factor_percent,
                self.network_delay_ms_max,
            ),
            Schedule::Quota => {
                Backoff::exponential(self.quota_delay_ms, 200, self.quota_delay_ms_max)
            }
        }
    }

    /// The schedule of the dials at startup.
    pub const fn startup_backoff(&self) -> Backoff {
        Backoff::linear(self.startup_delay_ms, self.startup_delay_ms_max)
    }

    /// Checks what one knob alone cannot know.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) where a cap is below its base.
    pub fn check(&self) -> Result<(), Error> {
        for (cap, cap_ms, base, base_ms) in [
            (
                "startup_delay_ms_max",
                self.startup_delay_ms_max,
                "startup_delay_ms",
                self.startup_delay_ms,
            ),
            (
                "server_delay_ms_max",
                self.server_delay_ms_max,
                "server_delay_ms",
                self.server_delay_ms,
            ),
            (
                "network_delay_ms_max",
                self.network_delay_ms_max,
                "network_delay_ms",
                self.network_delay_ms,
            ),
            ("quota_delay_ms_max", self.quota_delay_ms_max, "quota_delay_ms", self.quota_delay_ms),
        ] {
            if cap_ms < base_ms {
                let allowed = format!("at least {base} ({base_ms})");
                return Err(Error::invalid_option(cap, &cap_ms.to_string(), &allowed));
            }
        }
        Ok(())
    }
}

/// Checked like any other, whoever wrote it; a knob that is missing is its profile's own.
impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let options = Map::<String, Value>::deserialize(deserializer)?;
        inspect::policy(&options).map_err(|error| D::Error::custom(error.message()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_keyword_then_variable_then_url() {
        let policy = Builder::new(Profile::Production)
            .option("command_timeout_ms", "3", Source::Keyword)
            .option("command_timeout_ms", "2", Source::Variable)
            .option("connect_timeout_ms", "7", Source::Url)
            .option("command_timeout_ms", "1", Source::Url)
            .build()
            .unwrap();
        assert_eq!(policy.command_timeout_ms, 3);
        assert_eq!(policy.connect_timeout_ms, 7);
    }

    #[test]
    fn errors_name_field_value_and_what_is_allowed() {
        let message = |name: &str, value: &str| {
            let builder = Builder::new(Profile::Test).option(name, value, Source::Keyword);
            builder.build().unwrap_err().message().to_string()
        };
        assert_eq!(
            message("server_delay_ms", "-5"),
            "invalid server_delay_ms \"-5\": allowed is a whole number from 1 to 86400000 (ms)"
        );
        assert_eq!(
            message("startup", "maybe"),
            "invalid startup \"maybe\": allowed is one of optional, required"
        );
        assert_eq!(
            message("server_delay_ms_max", "10"),
            "invalid server_delay_ms_max \"10\": allowed is at least server_delay_ms (250)"
        );
        assert!(message("comand_timeout_ms", "1").contains("did you mean command_timeout_ms?"));
        assert!(
            message("nothing_like_it", "1").contains("allowed is one of profile, rules, startup,")
        );
    }

    #[test]
    fn every_knob_of_every_profile_can_be_read_and_set_back() {
        for profile in Profile::ALL {
            let policy = Policy::of(*profile);
            policy.check().unwrap();
            let mut copy = policy.clone();
            for knob in KNOBS {
                let text = policy.value(knob.name).unwrap().to_string();
                copy.set(knob.name, &text, Source::Keyword).unwrap();
            }
            assert_eq!(copy, policy);
        }
    }
}
