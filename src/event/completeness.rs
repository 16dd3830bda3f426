//! Completeness: whether everything that the kernel recorded was received.

use std::fmt;

use crate::event::{CauseKind, CounterReading, Stats};
use crate::macros::pad;

/// Whether everything that the kernel recorded was received.
///
/// # Examples
///
/// ```
/// use auditlink::event::{Completeness, Stats, UnverifiedReason};
///
/// let completeness = Stats::default().completeness();
/// assert!(!completeness.is_complete());
/// assert!(completeness.reasons().contains(&UnverifiedReason::NoRecords));
/// assert_eq!(Completeness::Complete.to_string(), "complete");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it is verified, or there are reasons why not")]
#[must_use = "it reports whether something is missing"]
pub enum Completeness {
    /// No check found a loss, from the first record to the last reading of the kernel's counter; in a
    /// log, to its last record.
    Complete,
    /// Something is, or may be, missing for these reasons.
    Unverified(Vec<UnverifiedReason>),
}

/// A reason why something is, or may be, missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnverifiedReason {
    /// The kernel's counter of lost records was not read before the first record.
    CounterUnknown,
    /// The counter was not read since the last record. Another reading settles this.
    CounterStale,
    /// No records were received, so it is not known whether any could be.
    NoRecords,
    /// Losses with this cause were reported.
    Lost {
        /// The kind of cause.
        cause: CauseKind,
        /// Its [total](Stats::total).
        total: u64,
    },
    /// This number of losses has no exact count.
    Uncounted(u64),
    /// This number of events lacks something; see [`Event::missing`](crate::Event::missing).
    Incomplete(u64),
    /// The kernel could not send some records in time, and they are not yet received or counted.
    Backpressure,
    /// Events are open, or skipped serials may still be received. Time settles this.
    Unsettled {
        /// The number of open events.
        events: u64,
        /// The number of skipped serials.
        serials: u64,
    },
}

impl UnverifiedReason {
    /// Returns the name that the JSON form uses, such as `counter_stale`; for a loss, that of its
    /// cause.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CounterUnknown => "counter_unknown",
            Self::CounterStale => "counter_stale",
            Self::NoRecords => "no_records",
            Self::Lost { cause, .. } => cause.name(),
            Self::Uncounted(_) => "uncounted",
            Self::Incomplete(_) => "incomplete",
            Self::Backpressure => "backpressure",
            Self::Unsettled { .. } => "unsettled",
        }
    }

    /// Returns whether time, or a reading of the kernel's counter, can remove the reason.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(
            self,
            Self::CounterStale | Self::NoRecords | Self::Backpressure | Self::Unsettled { .. }
        )
    }
}

impl Completeness {
    /// Returns whether nothing is missing.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Returns the reasons why something may be missing; empty if nothing is.
    #[must_use]
    pub fn reasons(&self) -> &[UnverifiedReason] {
        match self {
            Self::Complete => &[],
            Self::Unverified(reasons) => reasons,
        }
    }
}

impl Stats {
    /// Combines all checks: the kernel's counter, serials, socket, queue, events, health.
    ///
    /// The result is [`Complete`](Completeness::Complete) only if none of them indicates a loss. [The
    /// manual](crate::manual::loss) lists the losses that cannot be detected.
    pub fn completeness(&self) -> Completeness {
        let mut reasons = Vec::new();
        match self.counter {
            CounterReading::Unknown => reasons.push(UnverifiedReason::CounterUnknown),
            CounterReading::Stale => reasons.push(UnverifiedReason::CounterStale),
            CounterReading::Current | CounterReading::Absent => {}
        }
        if self.records == 0 {
            reasons.push(UnverifiedReason::NoRecords);
        }
        let totals = CauseKind::ALL.iter().map(|cause| (*cause, self.total(*cause)));
        let lost = totals.filter(|(_, total)| *total > 0);
        reasons.extend(lost.map(|(cause, total)| UnverifiedReason::Lost { cause, total }));
        if self.uncounted_losses > 0 {
            reasons.push(UnverifiedReason::Uncounted(self.uncounted_losses));
        }
        if self.incomplete > 0 {
            reasons.push(UnverifiedReason::Incomplete(self.incomplete));
        }
        if self.has_backpressure {
            reasons.push(UnverifiedReason::Backpressure);
        }
        let (events, serials) = (self.open_events, self.pending_serials);
        if events > 0 || serials > 0 {
            reasons.push(UnverifiedReason::Unsettled { events, serials });
        }
        if reasons.is_empty() { Completeness::Complete } else { Completeness::Unverified(reasons) }
    }
}

impl fmt::Display for UnverifiedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CounterUnknown => {
                f.pad("the kernel's counter of lost records was not read before the first record")
            }
            Self::CounterStale => {
                f.pad("the kernel's counter of lost records was not read after the last record")
            }
            Self::NoRecords => f.pad(
                "no records received, so completeness cannot be verified (is auditing enabled?)",
            ),
            Self::Lost { cause, total } => {
                pad(f, format_args!("{}: {total}", cause.total_meaning()))
            }
            Self::Uncounted(count) => {
                pad(f, format_args!("losses without an exact count: {count}"))
            }
            Self::Incomplete(count) => pad(f, format_args!("incomplete events: {count}")),
            Self::Backpressure => f.pad("the kernel may not have sent all records yet"),
            Self::Unsettled { events, serials } => {
                pad(f, format_args!("open events: {events}, skipped serials: {serials}"))
            }
        }
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.pad("complete"),
            Self::Unverified(reasons) => {
                let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
                pad(f, format_args!("unverified: {}", reasons.join("; ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Stats {
        Stats { counter: CounterReading::Current, records: 1, ..Stats::default() }
    }

    #[test]
    fn without_any_reading_nothing_is_verified() {
        let reasons = vec![UnverifiedReason::CounterUnknown, UnverifiedReason::NoRecords];
        assert_eq!(Stats::default().completeness(), Completeness::Unverified(reasons));
        assert_eq!(good().completeness(), Completeness::Complete);
    }

    #[test]
    fn one_reason_suffices() {
        let with = |change: fn(&mut Stats)| {
            let mut stats = good();
            change(&mut stats);
            stats
        };
        let mut cases = vec![
            (with(|stats| stats.records = 0), true),
            (with(|stats| stats.counter = CounterReading::Stale), true),
            (with(|stats| stats.counter = CounterReading::Unknown), false),
            (with(|stats| stats.uncounted_losses = 1), false),
            (with(|stats| stats.incomplete = 1), false),
            (with(|stats| stats.has_backpressure = true), true),
            (with(|stats| stats.pending_serials = 1), true),
            (with(|stats| stats.open_events = 1), true),
        ];
        for cause in CauseKind::ALL {
            let mut stats = good();
            stats.totals.add(*cause, 1);
            cases.push((stats, false));
        }
        for (stats, is_pending) in cases {
            let completeness = stats.completeness();
            assert_eq!(completeness.reasons().len(), 1, "{completeness}");
            assert!(completeness.reasons().iter().all(|reason| reason.is_pending() == is_pending));
            assert!(completeness.to_string().starts_with("unverified: "), "{completeness}");
        }
    }

    #[test]
    fn what_is_not_a_loss_changes_nothing() {
        let stats = Stats {
            healed_serials: 9,
            refused: 1,
            registration_probes: 1,
            continuations: 1,
            evicted: 1,
            control_messages: 3,
            ..good()
        };
        assert!(stats.completeness().is_complete());
    }
}
