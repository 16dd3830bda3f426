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
    pub(super) lost_counter: bool,
    pub(super) resume_after: Option<EventId>,
    pub(super) lost_before: Option<u32>,
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
            lost_counter: true,
            resume_after: None,
            lost_before: None,
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

    /// Sets whether the source reads the kernel's counter of lost records. Default yes.
    ///
    /// A log does not have it, so the [completeness](crate::event::Completeness) of a log depends on what
    /// the log shows: skipped serials, incomplete events, lines that are not records.
    /// [`Events`](crate::Events) takes this from its source.
    pub const fn lost_counter(mut self, expected: bool) -> Self {
        self.lost_counter = expected;
        self
    }

    /// Continues after the last event that an earlier reader received.
    ///
    /// For a daemon that replaces one that exited: records that the kernel made and did not keep in
    /// the meantime are then reported as skipped serials. Without it, gaps before the first record are
    /// not reported.
    ///
    /// Records that the kernel lost leave no serials; its counter shows them. Unless
    /// [`lost_before`](Self::lost_before) is set, a counter that is not zero is a loss of unknown size.
    pub const fn resume_after(mut self, id: EventId) -> Self {
        self.resume_after = Some(id);
        self
    }

    /// Sets the last reading of the kernel's counter of lost records that an earlier reader made.
    ///
    /// It is the one at the event of [`resume_after`](Self::resume_after), or before: what the counter
    /// has moved since then is reported.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Delivery;
    /// use auditlink::event::{Assembler, AssemblerConfig, Count, Signal};
    /// use auditlink::time::Tick;
    ///
    /// # let text = b"audit(1700000000.123:30): op=x";
    /// # let last_event = auditlink::Record::parse(auditlink::MessageType::USER, text)?.id();
    /// let config = AssemblerConfig::new().resume_after(last_event).lost_before(7);
    /// let mut assembler = Assembler::with_config(config);
    /// assembler.handle(Signal::LostCounter { total: 1007 }.at(Tick::ZERO));
    /// let Some(Delivery::Loss(loss)) = assembler.poll() else { panic!("a loss") };
    /// assert_eq!(loss.count(), Count::Exactly(1000));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[doc(alias = "lost")]
    pub const fn lost_before(mut self, total: u32) -> Self {
        self.lost_before = Some(total);
        self
    }
}
