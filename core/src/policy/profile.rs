//! The four profiles, and the choices that are not numbers.

use core::fmt;

use serde::Serialize;

use crate::error::Error;

/// Defines a choice: its codes, parsing and display in one place.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident, $field:literal, $allowed:literal,
     { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code that options use.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The choice with this code.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for any other text.
            pub fn parse(text: &str) -> Result<Self, Error> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|choice| choice.code() == text)
                    .ok_or_else(|| Error::invalid_option($field, text, Self::ALLOWED))
            }

            /// What is allowed, in words.
            pub(crate) const ALLOWED: &'static str = $allowed;
        }

        crate::coded::read_by_code!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

pub(crate) use choice;

choice!(
    /// A named policy.
    Profile, "profile", "one of development, test, staging, production",
    {
        /// One process on a developer's machine.
        Development = "development",
        /// A test run: one dial, no redial, every line logged.
        Test = "test",
        /// As production, with a shorter redial cap.
        Staging = "staging",
        /// A service that must keep answering.
        Production = "production",
    }
);

choice!(
    /// Which node of a shard of a Redis Cluster is read from.
    ClusterReadFrom, "cluster_read_from", "one of primary, replica",
    {
        /// The master, which knows every write.
        Primary = "primary",
        /// A replica, which may be behind its master; the master where no replica answers.
        Replica = "replica",
    }
);

choice!(
    /// Whether the application may start without Redis.
    Startup, "startup", "one of optional, required",
    {
        /// It starts degraded.
        Optional = "optional",
        /// `connect()`, or the first command, fails when the startup budget is spent.
        Required = "required",
    }
);

choice!(
    /// What the caller of a command that may or may not have been applied is told.
    OnAmbiguous, "on_ambiguous", "one of error, local",
    {
        /// `MaybeApplied`.
        Error = "error",
        /// The local answer; the command is not written back, so it is never applied twice.
        Local = "local",
    }
);

choice!(
    /// What happens while degraded to commands that protect something shared (`SET NX`, `SETNX`).
    OnGuarded, "on_guarded", "one of refuse, serve",
    {
        /// `RedisUnavailable`, at once.
        Refuse = "refuse",
        /// Served from memory: right where one process is all there is.
        Serve = "serve",
    }
);

choice!(
    /// When the journal on disk (`journal_path`) is as safe as the disk itself.
    JournalFsync, "journal_fsync", "one of always, interval, never",
    {
        /// Before each write is acknowledged: what was acknowledged survives the process and the machine.
        Always = "always",
        /// Every `journal_fsync_interval_ms`: what was acknowledged since may be lost with either.
        Interval = "interval",
        /// When the operating system likes: what was acknowledged survives the process. If the machine
        /// loses power, all of the journal may be lost.
        Never = "never",
    }
);

impl Profile {
    /// The profile that a `NODE_ENV`, `APP_ENV`, `FLASK_ENV` or `DJANGO_ENV` names, if any.
    /// Names in use beyond our own: `dev`, `testing`, `stage`, `prod`, `live`.
    pub fn from_environment(text: &str) -> Option<Self> {
        match text {
            "development" | "dev" | "local" => Some(Self::Development),
            "test" | "testing" => Some(Self::Test),
            "staging" | "stage" => Some(Self::Staging),
            "production" | "prod" | "live" => Some(Self::Production),
            _ => None,
        }
    }
}
