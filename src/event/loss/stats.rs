//! The count of all that passed, and the completeness on it.

use std::fmt;

use crate::event::HealthFaults;

/// Counts of all that passed through an engine, and the signs by which it judges.
///
/// Each sign has a number of its own. They measure different things and are not to be added: a rate
/// limit, say, moves the kernel's counter and leaves a gap, both for the same record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams from the kernel.
    pub datagrams: u64,
    /// Records among them.
    pub records: u64,
    /// Events handed out, continuations included.
    pub events: u64,
    /// Events among them that lack something; see [`Event::missing`](crate::Event::missing).
    pub incomplete: u64,
    /// Events handed out because too many were open or held too many bytes.
    pub evicted: u64,
    /// Events handed out that continue one which was closed before.
    pub continuations: u64,
    /// Notices of loss handed out.
    pub losses: u64,
    /// What the kernel counted as lost: records, and events whose first record was refused.
    pub kernel_lost: u64,
    /// Records dropped by the socket, where its counter told.
    pub overrun_records: u64,
    /// Records dropped between the thread that receives and the consumer.
    pub queue_records: u64,
    /// Events of which nothing came, by their serials, and that no overrun accounts for.
    pub gap_events: u64,
    /// Records of which the end is missing.
    pub truncated: u64,
    /// Datagrams or lines that could not be read.
    pub undecodable: u64,
    /// Times that serials started anew.
    pub restarts: u64,
    /// What is missing at least, of notices whose count is a lower bound; in units of each.
    pub lost_at_least: u64,
    /// Notices whose count is a lower bound or not known.
    pub uncounted_losses: u64,
    /// Times that the service was lost.
    pub health_fault_count: u64,
    /// What is wrong with the service now.
    pub health_faults: HealthFaults,
    /// Serials that were skipped and are waited for.
    pub pending_serials: u64,
    /// Serials that were skipped and came later: no loss.
    pub healed_serials: u64,
    /// Events that are open: their end has not come.
    pub open_events: u64,
    /// Whether the kernel holds records back because this reader was too slow, and has not been
    /// seen to send them all; or dropped some, and how many is not known yet.
    pub has_backpressure: bool,
    /// How well the kernel's counter of lost records is known.
    pub counter: CounterReading,
    /// Datagrams that did not come from the kernel, and were not read.
    pub refused: u64,
    /// Times that another process asked the kernel for the daemon's slot.
    pub registration_probes: u64,
    /// Messages that were no records: replies, acknowledgements.
    pub control_messages: u64,
}

/// How well the kernel's counter of lost records is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CounterReading {
    /// It was not read before the first record: what was lost since then is not known.
    #[default]
    Unknown,
    /// It was read before the first record, but not since the last one.
    Stale,
    /// It was read before the first record, and since the last one.
    Current,
}

impl CounterReading {
    /// Returns the word that the JSON form uses, such as `current`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Current => "current",
        }
    }
}

/// Whether everything came that the kernel recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks wants a yes or the reasons")]
#[must_use = "it tells whether something is missing"]
pub enum Completeness {
    /// All signs agree that nothing is missing, from the first record to the last reading of the
    /// kernel's counter.
    Complete,
    /// These signs say that something is, or may be, missing.
    Unverified(Vec<UnverifiedReason>),
}

/// A reason why something is, or may be, missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnverifiedReason {
    /// Nobody read the kernel's counter of lost records before the first record came.
    CounterUnknown,
    /// The counter was not read since the last record. A reading settles it.
    CounterStale,
    /// No record came at all, so nobody knows whether any could.
    Silent,
    /// The kernel counted so much as lost.
    KernelLost(u64),
    /// The socket dropped so many records.
    SocketOverrun(u64),
    /// So many records found no room in the queue to the consumer.
    QueueFull(u64),
    /// The kernel holds records back, or did, and was not seen to have sent them all.
    Backpressure,
    /// Of so many events nothing came.
    SerialGap(u64),
    /// Serials started anew so many times.
    SerialRestart(u64),
    /// So many records lack their end.
    Truncated(u64),
    /// So many datagrams or lines could not be read.
    Undecodable(u64),
    /// So many losses could not be counted, or not exactly.
    Uncounted(u64),
    /// So many events lack something.
    Incomplete(u64),
    /// The service was lost so many times.
    HealthFault(u64),
    /// So many events are open, and so many serials were skipped. Time settles it.
    Unsettled {
        /// The open events.
        events: u64,
        /// The skipped serials.
        serials: u64,
    },
}

impl UnverifiedReason {
    /// Tells whether time, or a reading of the kernel's counter, may dispel it.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(
            self,
            Self::CounterStale | Self::Silent | Self::Backpressure | Self::Unsettled { .. }
        )
    }
}

impl Completeness {
    /// Tells whether nothing is missing.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Returns the reasons for reason; none if everything is there.
    #[must_use]
    pub fn reasons(&self) -> &[UnverifiedReason] {
        match self {
            Self::Complete => &[],
            Self::Unverified(reasons) => reasons,
        }
    }
}

impl Stats {
    /// Judges whether everything came.
    ///
    /// What no sign can tell, [the manual](crate::manual::loss) lists.
    pub fn completeness(&self) -> Completeness {
        let mut reasons = Vec::new();
        match self.counter {
            CounterReading::Unknown => reasons.push(UnverifiedReason::CounterUnknown),
            CounterReading::Stale => reasons.push(UnverifiedReason::CounterStale),
            CounterReading::Current => {}
        }
        if self.records == 0 {
            reasons.push(UnverifiedReason::Silent);
        }
        for (count, reason) in [
            (self.kernel_lost, UnverifiedReason::KernelLost(self.kernel_lost)),
            (self.overrun_records, UnverifiedReason::SocketOverrun(self.overrun_records)),
            (self.queue_records, UnverifiedReason::QueueFull(self.queue_records)),
            (self.gap_events, UnverifiedReason::SerialGap(self.gap_events)),
            (self.restarts, UnverifiedReason::SerialRestart(self.restarts)),
            (self.truncated, UnverifiedReason::Truncated(self.truncated)),
            (self.undecodable, UnverifiedReason::Undecodable(self.undecodable)),
            (self.uncounted_losses, UnverifiedReason::Uncounted(self.uncounted_losses)),
            (self.incomplete, UnverifiedReason::Incomplete(self.incomplete)),
            (self.health_fault_count, UnverifiedReason::HealthFault(self.health_fault_count)),
            (u64::from(self.has_backpressure), UnverifiedReason::Backpressure),
        ] {
            if count > 0 {
                reasons.push(reason);
            }
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
            Self::CounterUnknown => f.write_str("the kernel's counter was not read at the start"),
            Self::CounterStale => f.write_str("the kernel's counter was not read at the end"),
            Self::Silent => f.write_str("no record came: whether any could is not known"),
            Self::KernelLost(count) => {
                write!(f, "records or events that the kernel lost: {count}")
            }
            Self::SocketOverrun(count) => write!(f, "records that the socket dropped: {count}"),
            Self::QueueFull(count) => write!(f, "records that the queue dropped: {count}"),
            Self::Backpressure => f.write_str("the kernel may still hold records back"),
            Self::SerialGap(count) => write!(f, "events that never came: {count}"),
            Self::SerialRestart(count) => write!(f, "times that serials started anew: {count}"),
            Self::Truncated(count) => write!(f, "records that lack their end: {count}"),
            Self::Undecodable(count) => write!(f, "datagrams that could not be read: {count}"),
            Self::Uncounted(count) => write!(f, "losses that could not be counted: {count}"),
            Self::Incomplete(count) => write!(f, "events that lack something: {count}"),
            Self::HealthFault(count) => write!(f, "times that the service was lost: {count}"),
            Self::Unsettled { events, serials } => {
                write!(f, "events that are open: {events}, serials that are waited for: {serials}")
            }
        }
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Unverified(reasons) => {
                f.write_str("unverified: ")?;
                for (index, reason) in reasons.iter().enumerate() {
                    write!(f, "{}{reason}", if index > 0 { "; " } else { "" })?;
                }
                Ok(())
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
    fn nothing_known_is_no_good_news() {
        let reasons = vec![UnverifiedReason::CounterUnknown, UnverifiedReason::Silent];
        assert_eq!(Stats::default().completeness(), Completeness::Unverified(reasons));
        assert_eq!(good().completeness(), Completeness::Complete);
    }

    #[test]
    fn every_sign_alone_is_enough() {
        type Spoil = fn(&mut Stats);
        let signs: [(Spoil, bool); 15] = [
            (|stats| stats.records = 0, true),
            (|stats| stats.counter = CounterReading::Stale, true),
            (|stats| stats.counter = CounterReading::Unknown, false),
            (|stats| stats.kernel_lost = 1, false),
            (|stats| stats.overrun_records = 1, false),
            (|stats| stats.queue_records = 1, false),
            (|stats| stats.gap_events = 1, false),
            (|stats| stats.restarts = 1, false),
            (|stats| stats.truncated = 1, false),
            (|stats| stats.undecodable = 1, false),
            (|stats| stats.uncounted_losses = 1, false),
            (|stats| stats.incomplete = 1, false),
            (|stats| stats.health_fault_count = 1, false),
            (|stats| stats.has_backpressure = true, true),
            (|stats| stats.pending_serials = 1, true),
        ];
        for (index, (spoil, is_pending)) in signs.into_iter().enumerate() {
            let mut stats = good();
            spoil(&mut stats);
            let completeness = stats.completeness();
            assert_eq!(completeness.reasons().len(), 1, "sign {index}: {completeness}");
            assert!(completeness.reasons().iter().all(|reason| reason.is_pending() == is_pending));
            assert!(completeness.to_string().starts_with("unverified: "), "{completeness}");
        }
    }

    #[test]
    fn what_is_no_loss_spoils_nothing() {
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
