//! How often each kind of thing happened: a campaign that never does something proves nothing of it.

/// Defines the happenings with their words, which are their documentation, too.
macro_rules! happenings {
    ($($name:ident = $words:literal;)+) => {
        /// What may happen in a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Happening { $(#[doc = $words] $name),+ }

        impl Happening {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Whether it is a known hole, which may be closed: nothing needs to come to it.
            pub const fn is_hole(self) -> bool {
                matches!(self, Self::Overtaken)
            }

            /// It in words.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }
        }
    };
}

happenings! {
    ConnectionCut = "connections cut";
    CommandCutAmid = "cuts in the middle of what a client sent";
    ReplyCutAmid = "cuts in the middle of what the server sent";
    SwallowedToServer = "times that nothing got through to the server";
    SwallowedToClient = "times that nothing got through to the clients";
    NetworkSlow = "times that the network was slow";
    ServerRestartedWithData = "restarts of the server with its data";
    ServerRestartedOlder = "restarts of the server with older data";
    ServerRestartedEmpty = "restarts of the server without data";
    ServerStopped = "times that the server stood still";
    NameUnresolved = "times that the name did not resolve";
    ReadOnly = "READONLY periods";
    Loading = "LOADING periods";
    OutOfMemory = "OOM periods";
    DiskError = "MISCONF periods";
    BusyScript = "BUSY periods";
    MasterDown = "MASTERDOWN periods";
    MaxClients = "periods of too many clients";
    TypeChanged = "keys given another type by a third party";
    ClockJumped = "clocks that jumped";
    DialRefused = "dials refused";
    DialTimedOut = "dials that took too long";
    DialRejected = "dials that were answered with an error";
    AnsweredByRedis = "commands answered by Redis";
    ServedFromMemory = "commands served from memory";
    MaybeApplied = "commands in doubt";
    RepeatedFromMemory = "commands that were sent, and served from memory after";
    Refused = "commands refused";
    RefusedByRule = "commands refused by a rule";
    StoreFull = "writes refused by a full store";
    ErrorReply = "commands answered with an error";
    BatchApplied = "batches applied";
    BatchResent = "batches sent once more";
    BatchOvertaken = "batches overtaken by their copy";
    BatchFoundApplied = "batches whose marker was found";
    BatchRejected = "batches rejected for now";
    DeadLetter = "dead letters";
    WrittenDuringReplay = "writes while the journal was written back";
    SwitchPutOff = "switches put off by a write";
    LateWrite = "writes that arrived from an abandoned connection";
    LateBatch = "batches that arrived from an abandoned connection";
    LateReleased = "abandoned connections read in the middle of a replay";
    RefusalForeseen = "writes refused in a batch whose reply was lost, and told";
    Overtaken = "newer writes overtaken by an abandoned connection";
    ConnectionKilled = "abandoned connections killed before the replay";
    KeyExpired = "keys that expired before they could be written back";
    DataLost = "keys whose last write the server lost";
}

/// The count of each happening.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage {
    counts: [u64; Happening::ALL.len()],
}

impl Default for Coverage {
    fn default() -> Self {
        Self { counts: [0; Happening::ALL.len()] }
    }
}

impl Coverage {
    pub(super) fn count(&mut self, happening: Happening) {
        self.add(happening, 1);
    }

    pub(super) fn add(&mut self, happening: Happening, times: u64) {
        if let Some(count) = self.counts.get_mut(happening as usize) {
            *count += times;
        }
    }

    /// How often it happened.
    pub fn of(&self, happening: Happening) -> u64 {
        self.counts.get(happening as usize).copied().unwrap_or(0)
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
}
