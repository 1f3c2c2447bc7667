//! A URL, keywords and environment variables, made into an endpoint and a policy.

use std::fmt;
use std::path::{Path, PathBuf};

use outlast_core::connection::{Introduction, Protocol};
use outlast_core::policy::{Builder, Source};
use outlast_core::rules::RuleSpec;
use outlast_core::{Error, Policy, Profile};

use crate::endpoint::Endpoint;
use crate::options::{Options, is_secret};
use crate::tls::Tls;

/// The prefix of our environment variables.
const PREFIX: &str = "OUTLAST_";

/// Where to connect and how to behave: checked, and ready to use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where Redis is.
    pub endpoint: Endpoint,
    /// How to behave.
    pub policy: Policy,
    /// Where the endpoint wants TLS.
    pub(crate) tls: Option<Tls>,
    pub(crate) introduction: Introduction,
    pub(crate) journal_path: Option<PathBuf>,
}

impl Config {
    /// The version of RESP that connections speak: 2 or 3.
    pub const fn protocol(&self) -> u8 {
        match self.introduction.protocol {
            Protocol::Resp3 => 3,
            _ => 2,
        }
    }

    /// Starts from a URL such as `redis://user:password@host:6379/0?command_timeout_ms=250`.
    pub fn builder(url: &str) -> ConfigBuilder {
        ConfigBuilder {
            url: url.to_string(),
            profile: None,
            options: Vec::new(),
            rules: None,
            profile_variables: &[],
            protocol: Protocol::default(),
        }
    }

    /// How its sentinels are reached.
    pub(crate) fn for_sentinel(&self) -> Self {
        let mut own = self.clone();
        own.endpoint.credentials = self.endpoint.sentinel_credentials.clone();
        // A sentinel has no databases and little to introduce oneself for.
        own.introduction.protocol = Protocol::Resp2;
        own
    }
}

/// Collects what a [`Config`] is made of.
#[derive(Clone)]
pub struct ConfigBuilder {
    url: String,
    profile: Option<String>,
    options: Vec<(String, String)>,
    rules: Option<Vec<RuleSpec>>,
    profile_variables: &'static [&'static str],
    protocol: Protocol,
}

impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(String, String)| {
            (name.clone(), if is_secret(name) { "***".to_string() } else { value.clone() })
        };
        let options: Vec<_> = self.options.iter().map(shown).collect();
        f.debug_struct("ConfigBuilder")
            .field("options", &options)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl ConfigBuilder {
    /// Names the profile. Without it the profile is that of the URL parameter `profile`, of
    /// `OUTLAST_PROFILE`, of one of [`profile_variables`](Self::profile_variables), or
    /// `development`.
    #[must_use]
    pub fn profile(mut self, profile: &str) -> Self {
        self.profile = Some(profile.to_string());
        self
    }

    /// Sets one knob of [`KNOBS`](outlast_core::policy::KNOBS) by name, or one of these:
    ///
    /// | option | what it says |
    /// | --- | --- |
    /// | `tls_ca_file` | PEM file with the authorities to trust instead of the machine's |
    /// | `tls_certificate_file`, `tls_key_file` | PEM files with the client's certificate and key |
    /// | `tls_ca_pem`, `tls_certificate_pem`, `tls_key_pem` | the same, as text |
    /// | `tls_server_name` | name that the certificate must be for; default the URL's host |
    /// | `tls_insecure` | `true` to check no certificate; logged once as a warning |
    /// | `client_name` | name in `CLIENT LIST`; default none |
    /// | `protocol` | version of RESP, 2 or 3; default 2 |
    /// | `sentinel_master` | name of the master that sentinels are asked for, instead of the URL's |
    /// | `sentinel_username`, `sentinel_password` | login at the sentinels; default none |
    /// | `journal_path` | file that keeps what is written while Redis is away; default none |
    ///
    /// The names of redis-py (`ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs`,
    /// `ssl_check_hostname`) are understood as well. An option goes before the environment and
    /// the URL.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_string(), value.to_string()));
        self
    }

    /// Sets the keyspace rules: what keys are for, and so what may be done with them while Redis is
    /// away. The first rule whose pattern (as `KEYS` takes it) matches a key decides; a key that no
    /// rule names is a cache key. A rule is a pattern, a [`KeyClass`](outlast_core::rules::KeyClass)
    /// and perhaps a [`ConflictPolicy`](outlast_core::rules::ConflictPolicy), by their codes; there
    /// may be 1,000 of them. They stand in place of those of `OUTLAST_RULES` and the URL.
    ///
    /// ```
    /// use outlast::Config;
    ///
    /// let config = Config::builder("redis://localhost")
    ///     .rules([("session:*", "session"), ("lock:*", "lock")])
    ///     .build()?;
    /// assert_eq!(config.policy.rules.to_string(), "session:*=session,lock:*=lock");
    /// # Ok::<(), outlast::Error>(())
    /// ```
    #[must_use]
    pub fn rules<R: Into<RuleSpec>>(mut self, rules: impl IntoIterator<Item = R>) -> Self {
        self.rules = Some(rules.into_iter().map(Into::into).collect());
        self
    }

    /// The variables by which the host's language names its environment, such as `NODE_ENV`.
    /// A value that is none of ours says nothing.
    #[must_use]
    pub const fn profile_variables(mut self, names: &'static [&'static str]) -> Self {
        self.profile_variables = names;
        self
    }

    /// Has connections speak RESP 3 where no option, variable or URL parameter says which version.
    #[must_use]
    pub const fn resp3_by_default(mut self) -> Self {
        self.protocol = Protocol::Resp3;
        self
    }

    /// Checks everything. Nothing is dialled.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) with the field, its value and
    /// what is allowed; never with a password.
    pub fn build(self) -> Result<Config, Error> {
        let (mut endpoint, parameters) = Endpoint::parse(&self.url)?;
        let (url_profile, parameters): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|(name, _)| name == "profile");
        let variables = variables();
        let variable_profile = variables.iter().find(|(name, _)| name == "profile");
        let named = self
            .profile
            .as_ref()
            .or_else(|| variable_profile.map(|(_, value)| value))
            .or_else(|| url_profile.last().map(|(_, value)| value));
        let profile = match named {
            Some(name) => Profile::parse(name)?,
            None => self.profile_of_language(),
        };
        let mut builder = Builder::new(profile);
        let mut options = Options::default();
        options.introduction.protocol = self.protocol;
        let given = [
            (Source::Url, &parameters),
            (Source::Variable, &variables),
            (Source::Keyword, &self.options),
        ];
        for (source, given) in given {
            for (name, value) in given.iter().filter(|(name, _)| name != "profile") {
                if !options.take(name, value, source)? {
                    builder = builder.option(name, value, source);
                }
            }
        }
        if let Some(rules) = self.rules {
            builder = builder.rules(rules);
        }
        let policy = builder.build()?;
        if !cfg!(unix) && !policy.outage_path.is_empty() {
            let allowed = "none on this platform: it needs Unix";
            return Err(Error::invalid_option("outage_path", &policy.outage_path, allowed));
        }
        std::mem::take(&mut options.sentinel).apply(&mut endpoint)?;
        let tls = match endpoint.tls_host() {
            Some(host) => Some(Tls::new(&options.tls, host)?),
            None => options.refuse_tls().map(|()| None)?,
        };
        let (introduction, journal_path) = (options.introduction, options.journal_path);
        if endpoint.cluster().is_some() {
            let journal =
                journal_path.as_deref().unwrap_or_else(|| Path::new("")).to_string_lossy();
            let paths = [
                ("journal_path", &*journal),
                ("record_path", &policy.record_path),
                ("outage_path", &policy.outage_path),
            ];
            for (field, path) in paths {
                if !path.is_empty() {
                    let allowed = "none with a cluster";
                    return Err(Error::invalid_option(field, path, allowed));
                }
            }
        }
        Ok(Config { endpoint, policy, tls, introduction, journal_path })
    }

    fn profile_of_language(&self) -> Profile {
        let set = self.profile_variables.iter().filter_map(|name| std::env::var(name).ok());
        let mut named = set.filter_map(|value| Profile::from_environment(&value));
        named.next().unwrap_or(Profile::Development)
    }
}

/// Our environment variables, without their prefix and in small letters.
fn variables() -> Vec<(String, String)> {
    let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.to_str()?.strip_prefix(PREFIX)?.to_lowercase();
        Some((name, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_goes_before_the_url() {
        let config = Config::builder("redis://h?command_timeout_ms=5&connect_timeout_ms=7")
            .profile("production")
            .option("command_timeout_ms", "9")
            .build()
            .unwrap();
        assert_eq!(config.policy.command_timeout_ms, 9);
        assert_eq!(config.policy.connect_timeout_ms, 7);
        assert_eq!(config.policy.profile, Profile::Production);
    }

    #[test]
    fn rules_come_from_a_url_or_before_it_from_the_caller() {
        let builder = Config::builder("redis://h?rules=a:*=lock,b%26c=cache/discard");
        let rules = |builder: ConfigBuilder| builder.build().unwrap().policy.rules.to_string();
        assert_eq!(rules(builder.clone()), "a:*=lock,b&c=cache/discard");
        let own = builder.clone().rules([("x:*", "session", "delete_wins")]);
        assert_eq!(rules(own), "x:*=session/delete_wins");
        let none: [(&str, &str); 0] = [];
        assert_eq!(rules(builder.rules(none)), "");
    }

    #[test]
    fn bad_input_is_named() {
        let message = |builder: ConfigBuilder| builder.build().unwrap_err().message().to_string();
        assert_eq!(
            message(Config::builder("redis://h").profile("prodction")),
            "invalid profile \"prodction\": allowed is one of development, test, staging, production"
        );
        assert!(message(Config::builder("redis://h?nope=1")).starts_with("unknown URL parameter"));
        assert!(
            message(Config::builder("redis://h").option("jitter_percent", "101"))
                .contains("0 to 100")
        );
    }

    #[test]
    fn what_a_cluster_does_not_have_is_refused() {
        let message = |option: &str| {
            let builder = Config::builder("redis-cluster://h").option(option, "/tmp/x");
            builder.build().unwrap_err().message().to_string()
        };
        assert_eq!(
            message("journal_path"),
            "invalid journal_path \"/tmp/x\": allowed is none with a cluster"
        );
        assert!(message("record_path").starts_with("invalid record_path"));
        assert!(message("outage_path").starts_with("invalid outage_path"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let builder = Config::builder("redis://:planted@h");
        let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
        assert!(!shown.contains("planted"), "{shown}");
        let builder = Config::builder("rediss://h").option("tls_key_pem", "planted");
        let shown = format!("{builder:?} {}", builder.clone().build().unwrap_err());
        assert!(!shown.contains("planted"), "{shown}");
    }
}
