//! Backpressure: records that the kernel could not send because the receive buffer was full.
//!
//! For a daemon, the kernel attempts to send a record for a tenth of a second, then moves it to its
//! retry queue, and all later records with it. It sends the retry queue only when another record is
//! queued, hence the flush. It discards records of the retry queue after five failed attempts in a row,
//! which take half a second in which the daemon reads nothing: the socket is set to accept
//! datagrams again after each read (`NETLINK_NO_ENOBUFS`). The socket's drop counter counts the failed
//! attempts.
//!
//! For an observer, the kernel drops the record.
//!
//! Source: `kernel/audit.c`, `kauditd_thread`, `kauditd_send_queue`, `UNICAST_RETRIES`.

use std::time::Duration;

use super::marker::{AwaitedMarker, Marker};
use crate::time::Tick;

/// The state of backpressure. An observer's ends when its socket is drained.
#[derive(Debug, Default)]
pub(super) enum Backpressure {
    /// The kernel could send all records.
    #[default]
    None,
    /// The kernel could not send a record. The flush begins when the socket is drained.
    Draining,
    /// A marker was sent; it comes back after the retry queue.
    Flushing {
        awaited: AwaitedMarker,
        /// Whether the kernel has failed to send again since.
        again: bool,
        /// The number of markers that did not come back before this one.
        missed: u8,
    },
}

/// How often the kernel attempts to send a record of the retry queue.
const UNICAST_RETRIES: u32 = 5;

/// A lower bound for the time that five attempts take: half a second, less some kernel ticks.
pub(super) const MIN_PAUSE: Duration = Duration::from_millis(400);

/// How many markers may fail to come back before the flush is given up.
pub(super) const MAX_MISSED: u8 = 3;

impl Backpressure {
    /// Handles that the kernel failed to send. Returns whether this begins a backpressure.
    pub(super) fn begin(&mut self) -> bool {
        match self {
            Self::None => {
                *self = Self::Draining;
                true
            }
            Self::Draining => false,
            Self::Flushing { again, .. } => {
                *again = true;
                false
            }
        }
    }

    pub(super) const fn is_active(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns whether the kernel may have discarded records of its retry queue, given the number of
    /// attempts that failed while nothing was read for `pause`.
    pub(super) const fn may_have_discarded(&self, failed_attempts: u32, pause: Duration) -> bool {
        // the first failure only moves the record to the retry queue
        let retries =
            if self.is_active() { failed_attempts } else { failed_attempts.saturating_sub(1) };
        pause.as_nanos() >= MIN_PAUSE.as_nanos() && retries >= UNICAST_RETRIES
    }

    /// Returns the number of markers that did not come back, if another is due now that the socket
    /// is drained.
    pub(super) fn missed_markers(&self, now: Tick) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Draining => Some(0),
            Self::Flushing { awaited, missed, .. } => {
                let is_overdue = awaited.deadline().is_some_and(|deadline| deadline <= now);
                is_overdue.then_some(missed + 1)
            }
        }
    }

    /// Begins to wait for a marker.
    pub(super) fn flush(&mut self, marker: Marker, missed: u8) {
        *self = Self::Flushing { awaited: AwaitedMarker::new(marker), again: false, missed };
    }

    /// Notes that the kernel accepted the marker.
    pub(super) fn marker_sent(&mut self, now: Tick) {
        if let Self::Flushing { awaited, .. } = self {
            awaited.sent(now);
        }
    }

    /// Handles that the marker came back. Returns whether the backpressure has ended.
    pub(super) fn handle_marker(&mut self) -> bool {
        // records that failed after the marker was sent may be in the retry queue again
        let has_ended = matches!(self, Self::Flushing { again: false, .. });
        *self = if has_ended { Self::None } else { Self::Draining };
        has_ended
    }

    pub(super) const fn marker(&self) -> Option<&Marker> {
        match self {
            Self::Flushing { awaited, .. } => Some(awaited.marker()),
            Self::None | Self::Draining => None,
        }
    }

    /// Returns when the marker is given up.
    pub(super) fn deadline(&self) -> Option<Tick> {
        match self {
            Self::Flushing { awaited, .. } => awaited.deadline(),
            Self::None | Self::Draining => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Tick {
        Tick::from_nanos(seconds * 1_000_000_000)
    }

    fn flushing() -> Backpressure {
        let mut backpressure = Backpressure::Draining;
        backpressure.flush(Marker::new("flush", Tick::ZERO), 0);
        backpressure
    }

    #[test]
    fn one_flush_suffices_if_nothing_fails_meanwhile() {
        let mut backpressure = Backpressure::default();
        assert_eq!(backpressure.missed_markers(second(0)), None);
        assert!(backpressure.begin());
        assert!(!backpressure.begin());
        assert_eq!(backpressure.missed_markers(second(0)), Some(0));
        backpressure.flush(Marker::new("flush", Tick::ZERO), 0);
        backpressure.marker_sent(second(1));
        assert_eq!(backpressure.deadline(), Some(second(3)));
        assert!(backpressure.handle_marker());
        assert!(!backpressure.is_active());
    }

    #[test]
    fn a_failure_after_the_marker_requires_another_marker() {
        let mut backpressure = flushing();
        assert!(!backpressure.begin());
        assert!(!backpressure.handle_marker());
        assert_eq!(backpressure.missed_markers(second(9)), Some(0));
    }

    #[test]
    fn a_marker_is_missed_two_seconds_after_the_kernel_accepted_it() {
        let mut backpressure = flushing();
        assert_eq!(backpressure.missed_markers(second(9)), None, "it was not accepted yet");
        backpressure.marker_sent(second(1));
        assert_eq!(backpressure.missed_markers(second(2)), None);
        assert_eq!(backpressure.missed_markers(second(3)), Some(1));
    }

    #[test]
    fn the_kernel_discards_after_five_retries_without_a_read() {
        let long = Duration::from_secs(1);
        assert!(!Backpressure::None.may_have_discarded(5, long), "one first attempt, four retries");
        assert!(Backpressure::None.may_have_discarded(6, long));
        assert!(!Backpressure::Draining.may_have_discarded(4, long));
        assert!(Backpressure::Draining.may_have_discarded(5, long));
        assert!(!Backpressure::Draining.may_have_discarded(99, MIN_PAUSE / 2), "not in a row");
    }
}
