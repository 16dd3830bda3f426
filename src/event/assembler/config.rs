//! The configuration of an assembler.

use std::time::Duration;

use crate::record::EventId;

/// The limits and expectations of an [`Assembler`](crate::event::Assembler).
///
/// [The manual](crate::manual::defaults) explains the defaults.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auditlink::event::{Assembler, AssemblerConfig};
/// use auditlink::time::Tick;
///
/// let config = AssemblerConfig::new().window(Duration::from_secs(5)).max_open_events(100);
/// let assembler = Assembler::with_config(config);
/// assert_eq!(assembler.poll_timeout(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a configuration does nothing until an assembler is built from it"]
pub struct AssemblerConfig {
    pub(super) window: Duration,
    pub(super) max_open_events: usize,
    pub(super) max_open_bytes: usize,
    pub(super) end_records: bool,
    pub(super) resume_after: Option<EventId>,
}

impl Default for AssemblerConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl AssemblerConfig {
    /// Returns the default configuration.
    pub const fn new() -> Self {
        Self {
            window: Duration::from_secs(2),
            max_open_events: 8192,
            max_open_bytes: 64 << 20,
            end_records: true,
            resume_after: None,
        }
    }

    /// Sets how long an event stays open after its last record, and how long a skipped serial may
    /// still be received. Default 2 s.
    ///
    /// The time is that of reception; the kernel's timestamps do not matter.
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets the maximum number of open events. Default 8,192.
    pub const fn max_open_events(mut self, events: usize) -> Self {
        self.max_open_events = events;
        self
    }

    /// Sets the maximum number of bytes that all open events together hold. Default 64 MiB.
    pub const fn max_open_bytes(mut self, bytes: usize) -> Self {
        self.max_open_bytes = bytes;
        self
    }

    /// Sets whether events have end records. Default yes.
    ///
    /// auditd's log has none. There, an event without an end record only counts as incomplete if an
    /// earlier event had one. [`Events`](crate::Events) takes this from its source.
    pub const fn end_records(mut self, expected: bool) -> Self {
        self.end_records = expected;
        self
    }

    /// Continues after the last event that an earlier reader received.
    ///
    /// For a daemon that replaces one that exited: records that the kernel made and did not keep in
    /// the meantime are then reported as skipped serials. Without it, gaps before the first record are
    /// not reported.
    pub const fn resume_after(mut self, id: EventId) -> Self {
        self.resume_after = Some(id);
        self
    }
}
