//! What is known of records that the kernel could not send: a daemon's are parked, an observer's
//! dropped.
//!
//! The kernel tries each record for a tenth of a second, then parks it and those behind it. It
//! sends parked records only when another record is queued. It gives them up if the daemon reads
//! nothing for half a second more: five attempts in a row. So a daemon that reads anything at all
//! every few tenths of a second loses nothing: the socket is set to stay open when it is full, so
//! that each read makes room. How many attempts failed, the socket's drop counter tells.
//!
//! Source: `kernel/audit.c`, `kauditd_thread`, `kauditd_send_queue`, `UNICAST_RETRIES`.

use std::time::Duration;

use super::marker::{Awaited, Marker};
use crate::time::Tick;

/// Where a congestion stands. An observer's ends when its socket was read empty.
#[derive(Debug, Default)]
pub(super) enum Congestion {
    /// There is none.
    #[default]
    None,
    /// It was noticed: read until the socket is empty, then nudge.
    Draining,
    /// A marker is on its way, behind all that is parked.
    Nudging {
        awaited: Awaited,
        /// The kernel failed to send again since.
        again: bool,
        /// How many markers did not come back before this one.
        missed: u8,
    },
}

/// How often the kernel tries to send a parked record before it gives it up.
const UNICAST_RETRIES: u32 = 5;

/// Five attempts take at least half a second, less some ticks; nothing is given up in less.
pub(super) const MIN_PAUSE: Duration = Duration::from_millis(400);

/// How many markers may fail to come back.
const MAX_MISSED: u8 = 3;

impl Congestion {
    /// The kernel failed to send. Tells whether this is new.
    pub(super) fn begin(&mut self) -> bool {
        match self {
            Self::None => {
                *self = Self::Draining;
                true
            }
            Self::Draining => false,
            Self::Nudging { again, .. } => {
                *again = true;
                false
            }
        }
    }

    /// Tells whether the kernel may have given up parked records, by how many attempts failed while
    /// nothing was read for so long.
    pub(super) fn may_have_given_up(&self, failed_attempts: u32, pause: Duration) -> bool {
        // the first failure parks the record
        let parked = !matches!(self, Self::None);
        let in_vain = if parked { failed_attempts } else { failed_attempts.saturating_sub(1) };
        pause >= MIN_PAUSE && in_vain >= UNICAST_RETRIES
    }

    /// Returns how many markers have failed, if one is to be sent now that the socket is empty.
    pub(super) fn wants_marker(&self, now: Tick) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Draining => Some(0),
            Self::Nudging { awaited, missed, .. } => {
                let overdue = awaited.deadline().is_some_and(|deadline| deadline <= now);
                overdue.then_some(missed + 1)
            }
        }
    }

    /// Tells whether as many markers were tried as make sense.
    pub(super) const fn is_hopeless(missed: u8) -> bool {
        missed >= MAX_MISSED
    }

    pub(super) fn nudge(&mut self, marker: Marker, missed: u8) {
        *self = Self::Nudging { awaited: Awaited::new(marker), again: false, missed };
    }

    /// The kernel took the marker.
    pub(super) fn taken(&mut self, now: Tick) {
        if let Self::Nudging { awaited, .. } = self {
            awaited.taken(now);
        }
    }

    /// The marker came back. Tells whether this was the end of it.
    pub(super) fn marker_came(&mut self) -> bool {
        let is_over = matches!(self, Self::Nudging { again: false, .. });
        *self = if is_over { Self::None } else { Self::Draining };
        is_over
    }

    pub(super) const fn marker(&self) -> Option<&Marker> {
        match self {
            Self::Nudging { awaited, .. } => Some(awaited.marker()),
            _ => None,
        }
    }

    /// When to look again at the latest.
    pub(super) fn deadline(&self) -> Option<Tick> {
        match self {
            Self::Nudging { awaited, .. } => awaited.deadline(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Clock;

    fn second(seconds: u64) -> Tick {
        Tick::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn one_nudge_is_enough_if_nothing_fails_meanwhile() {
        let mut congestion = Congestion::default();
        assert_eq!(congestion.wants_marker(second(0)), None);
        assert!(congestion.begin());
        assert!(!congestion.begin());
        assert_eq!(congestion.wants_marker(second(0)), Some(0));
        congestion.nudge(Marker::new("nudge", Clock::start()), 0);
        congestion.taken(second(1));
        assert_eq!(congestion.deadline(), Some(second(3)));
        assert!(congestion.marker_came());
        assert!(matches!(congestion, Congestion::None));
    }

    #[test]
    fn a_failure_behind_the_marker_asks_for_another() {
        let mut congestion = Congestion::Draining;
        congestion.nudge(Marker::new("nudge", Clock::start()), 0);
        assert!(!congestion.begin());
        assert!(!congestion.marker_came(), "what failed after it may be parked again");
        assert_eq!(congestion.wants_marker(second(9)), Some(0));
    }

    #[test]
    fn markers_that_never_come_are_given_up() {
        let mut congestion = Congestion::Draining;
        congestion.nudge(Marker::new("nudge", Clock::start()), 0);
        assert_eq!(congestion.wants_marker(second(9)), None, "the kernel has not taken it");
        congestion.taken(second(1));
        assert_eq!(congestion.wants_marker(second(2)), None);
        assert_eq!(congestion.wants_marker(second(3)), Some(1));
        assert!(!Congestion::is_hopeless(1));
        assert!(Congestion::is_hopeless(3));
    }

    #[test]
    fn five_failures_in_a_row_are_the_end_of_what_is_parked() {
        let long = Duration::from_secs(1);
        assert!(!Congestion::None.may_have_given_up(5, long), "one parked it, four were in vain");
        assert!(Congestion::None.may_have_given_up(6, long));
        assert!(!Congestion::Draining.may_have_given_up(4, long));
        assert!(Congestion::Draining.may_have_given_up(5, long));
        assert!(!Congestion::Draining.may_have_given_up(99, MIN_PAUSE / 2), "not in a row");
    }
}
