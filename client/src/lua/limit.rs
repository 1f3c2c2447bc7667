//! What a script may use, and what ends it when it uses more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use mlua::{HookTriggers, Lua, Result, VmState};

use super::raise::Raised;
use crate::host::Stopwatch;

/// Instructions between two looks at the clock, a few microseconds.
const INSTRUCTIONS: u32 = 1_000;

/// Limits of one script. A script runs while the store is locked, so that it delays all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LuaLimits {
    /// Milliseconds that a script may run; 1,000 unless set. One that runs longer is ended with an
    /// error that it cannot catch; what it wrote until then stays written. The clock is looked at
    /// between instructions, so that a single long one, such as a search with a malign pattern,
    /// ends late.
    pub time_ms_max: u64,
    /// Bytes that all scripts together may hold; 64 MiB unless set. The script that would exceed
    /// it gets the error "not enough memory", which it may catch. A script's reply, and a string
    /// that it encodes, is no longer either.
    pub memory_bytes_max: usize,
}

impl Default for LuaLimits {
    fn default() -> Self {
        Self { time_ms_max: 1_000, memory_bytes_max: 64 << 20 }
    }
}

/// When the script that runs must end.
#[derive(Debug)]
pub(super) struct Deadline {
    watch: Stopwatch,
    /// Nanoseconds on the watch.
    at: AtomicU64,
    /// Bytes beyond which garbage is collected at once: Lua would let it grow past the limit.
    collect_above: AtomicUsize,
    memory_bytes_max: usize,
}

impl Deadline {
    pub(super) fn new(memory_bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            watch: Stopwatch::start(),
            at: AtomicU64::new(u64::MAX),
            collect_above: AtomicUsize::new(memory_bytes_max / 2),
            memory_bytes_max,
        })
    }

    /// Gives a script its time.
    pub(super) fn begin(&self, time_ms_max: u64) {
        let at = self.now().saturating_add(time_ms_max.saturating_mul(1_000_000));
        self.at.store(at, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.now() >= self.at.load(Ordering::Relaxed)
    }

    /// Collects garbage where there is much.
    pub(super) fn tidy(&self, lua: &Lua) -> Result<()> {
        if lua.used_memory() <= self.collect_above.load(Ordering::Relaxed) {
            return Ok(());
        }
        lua.gc_collect()?;
        let used = lua.used_memory();
        let room = self.memory_bytes_max.saturating_sub(used);
        let above = (used + room / 4).max(self.memory_bytes_max / 2);
        self.collect_above.store(above, Ordering::Relaxed);
        Ok(())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Has the deadline looked at while scripts run.
pub(super) fn watch(lua: &Lua, deadline: &Arc<Deadline>) -> Result<()> {
    hook(lua, deadline.clone(), INSTRUCTIONS)
}

fn hook(lua: &Lua, deadline: Arc<Deadline>, instructions: u32) -> Result<()> {
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(instructions), move |lua, _| {
        if deadline.is_over() {
            // From here on every instruction fails, whatever the script does with the error.
            hook(lua, deadline.clone(), 1)?;
            return Err(Raised::Expired.into());
        }
        deadline.tidy(lua)?;
        Ok(VmState::Continue)
    })
}
