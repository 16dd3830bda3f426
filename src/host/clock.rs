//! The clock of live sources, and those of the kernel.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::time::Tick;

/// Reads a clock of the kernel.
pub(crate) fn now(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// Returns for how long the machine has been suspended since boot.
pub(crate) fn suspended() -> Duration {
    now(ClockId::CLOCK_BOOTTIME).saturating_sub(now(ClockId::CLOCK_MONOTONIC))
}

/// A clock of ticks: it starts at the time since 1970, and is monotonic from then on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    base: Tick,
}

impl Clock {
    /// Starts a clock at the current wall-clock time.
    #[expect(clippy::disallowed_methods, reason = "live sources read the time here")]
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started: Instant::now(), base: Tick::ZERO.saturating_add(since_epoch) }
    }

    /// Returns the current tick.
    pub(crate) fn now(&self) -> Tick {
        self.base.saturating_add(self.started.elapsed())
    }
}
