//! The clock of live sources.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Tick;

/// Reads ticks: wall-clock time when it was made, monotonic from then on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    base: Tick,
}

impl Clock {
    /// Starts a clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "live sources are where time comes from")]
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started: Instant::now(), base: Tick::ZERO.saturating_add(since_epoch) }
    }

    /// Returns the current tick.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.base.saturating_add(self.started.elapsed())
    }
}
