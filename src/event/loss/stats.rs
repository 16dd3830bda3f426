//! The statistics: what an assembler received, delivered and lost.

use std::fmt;

use super::{CauseKind, HealthFaults};

/// What an assembler received, delivered and lost.
///
/// Each total measures something else, so totals must not be added up: a record that the kernel's
/// rate limit refused, for example, moves the kernel's counter and also leaves a gap in the serials.
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::Workload;
/// use auditlink::{Events, event::CauseKind};
///
/// let stream = Workload::new(1).events(100).overruns(50, 3).generate();
/// let mut events = Events::new(stream.source());
/// events.by_ref().for_each(drop);
/// let stats = events.stats();
/// assert_eq!(stats.total(CauseKind::SocketOverrun), stream.lost().overrun);
/// assert!(!stats.completeness().is_complete());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams from the kernel.
    pub datagrams: u64,
    /// Records among them.
    pub records: u64,
    /// Delivered events, continuations included.
    pub events: u64,
    /// Delivered events that lack something; see [`Event::missing`](crate::Event::missing).
    pub incomplete: u64,
    /// Events that were delivered early, because too many were open or they held too many bytes.
    pub evicted: u64,
    /// Delivered events that continue one that had been delivered before.
    pub continuations: u64,
    /// Delivered losses.
    pub losses: u64,
    /// The totals by cause; see [`total`](Self::total).
    pub(crate) totals: Totals,
    /// The sum of the lower bounds of losses without an exact count, each in its own unit.
    pub lost_at_least: u64,
    /// Losses whose count is a lower bound or unknown.
    pub uncounted_losses: u64,
    /// The present faults of the audit system.
    pub health_faults: HealthFaults,
    /// Skipped serials that may still be received.
    pub pending_serials: u64,
    /// Serials that were skipped and received later, which is not a loss.
    pub healed_serials: u64,
    /// Open events: more of their records may follow.
    pub open_events: u64,
    /// Whether this reader was too slow and the records that the kernel therefore keeps or dropped
    /// are not yet received or counted.
    pub has_backpressure: bool,
    /// How current the last reading of the kernel's counter of lost records is.
    pub counter: CounterReading,
    /// Datagrams that did not come from the kernel and were discarded unread.
    pub refused: u64,
    /// Attempts of other processes to register as the audit daemon.
    pub registration_probes: u64,
    /// Messages that are not records, such as replies and acknowledgements.
    pub control_messages: u64,
}

impl Stats {
    /// Returns the total of a cause: the sum of the exact counts of its losses.
    ///
    /// For [`Truncated`](CauseKind::Truncated), [`SerialRestart`](CauseKind::SerialRestart) and
    /// [`HealthFault`](CauseKind::HealthFault) it is the number of losses.
    /// [`HealthRestored`](CauseKind::HealthRestored) has no total; zero is returned.
    #[must_use]
    pub fn total(&self, cause: CauseKind) -> u64 {
        self.totals.0.get(cause as usize).copied().unwrap_or_default()
    }
}

/// One total per cause, indexed by the discriminant of [`CauseKind`].
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals([u64; CauseKind::COUNT]);

impl Totals {
    /// Adds to a total. It saturates, because counts from outside must not wrap.
    pub(in crate::event) fn add(&mut self, cause: CauseKind, count: u64) {
        if let Some(total) = self.0.get_mut(cause as usize) {
            *total = total.saturating_add(count);
        }
    }
}

impl fmt::Debug for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = CauseKind::ALL.iter().map(CauseKind::to_string).zip(self.0);
        f.debug_map().entries(named.filter(|(_, total)| *total > 0)).finish()
    }
}

/// Prints the main figures in one line.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { datagrams, records, events, incomplete, losses, .. } = self;
        crate::macros::pad(
            f,
            format_args!(
                "datagrams={datagrams} records={records} events={events} incomplete={incomplete} \
                 losses={losses}"
            ),
        )
    }
}

/// How current the last reading of the kernel's counter of lost records is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CounterReading {
    /// The counter was not read before the first record, so earlier losses are not known.
    #[default]
    Unknown,
    /// The counter was read before the first record, but not after the last one.
    Stale,
    /// The counter was read before the first record and after the last one.
    Current,
    /// The source has no counter: it is a log.
    Absent,
}

impl CounterReading {
    /// Returns the name that the JSON form uses, such as `current`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Current => "current",
            Self::Absent => "absent",
        }
    }
}

impl fmt::Display for CounterReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_cause_has_its_own_total() {
        for (index, cause) in CauseKind::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index);
            let mut stats = Stats::default();
            stats.totals.add(*cause, u64::MAX);
            stats.totals.add(*cause, 2);
            let all: Vec<_> = CauseKind::ALL.iter().map(|other| stats.total(*other)).collect();
            assert_eq!(all.iter().filter(|total| **total > 0).count(), 1);
            assert_eq!(stats.total(*cause), u64::MAX);
            assert!(format!("{stats:?}").contains(cause.name()));
        }
    }

    #[test]
    fn causes_differ_in_name_and_member_and_count_against_completeness() {
        let names: HashSet<_> = CauseKind::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(names.len(), CauseKind::ALL.len());
        // what was restored was counted as a fault before; every other cause needs a total, because
        // the completeness is derived from the totals
        let totals: Vec<_> =
            CauseKind::ALL.iter().filter(|cause| **cause != CauseKind::HealthRestored).collect();
        let members: HashSet<_> = totals.iter().filter_map(|cause| cause.member()).collect();
        assert_eq!(members.len(), totals.len());
    }
}
