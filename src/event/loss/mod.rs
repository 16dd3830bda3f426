//! Losses: what is, or may be, missing from the stream of events.

mod cause;
mod health;
mod serials;
mod stats;
mod tracker;

use std::fmt;

use self::cause::Sum;
pub use self::cause::{Cause, CauseKind};
pub use self::health::HealthFaults;
pub(super) use self::serials::{FirstRecord, SerialOrder, Serials};
pub use self::stats::{CounterReading, Stats};
pub(super) use self::tracker::LossTracker;
use super::event::Event;
use crate::macros::{pad, pad_with};
use crate::record::EventId;

/// An event, or a report that something is missing.
///
/// The enum is exhaustive, and no third variant will be added: a match must handle losses.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, capture::synthetic::Workload};
///
/// let stream = Workload::new(1).events(10).generate();
/// for delivery in Events::new(stream.source()) {
///     match delivery? {
///         Delivery::Event(event) => assert!(event.is_whole()),
///         Delivery::Loss(loss) => panic!("{loss}"),
///     }
/// }
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a match must handle losses")]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// Something is, or may be, missing at this position.
    Loss(Loss),
}

/// A report that something is, or may be, missing.
///
/// It is delivered at the position in the stream where the loss was detected. [The
/// manual](crate::manual::loss) lists what each cause proves.
///
/// # Examples
///
/// ```
/// use auditlink::Delivery;
/// use auditlink::event::{Assembler, Cause, Count, Signal, Unit};
/// use auditlink::time::Tick;
///
/// let mut assembler = Assembler::new();
/// assembler.handle(Signal::Overrun { dropped: Some(1) }.at(Tick::ZERO));
/// let Some(Delivery::Loss(loss)) = assembler.poll() else { panic!("a loss") };
/// assert_eq!(loss.cause(), &Cause::SocketOverrun);
/// assert_eq!((loss.count(), loss.unit()), (Count::Exactly(1), Unit::Records));
/// assert_eq!(
///     loss.to_string(),
///     "lost 1 record: the reader was too slow for its socket buffer"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    cause: Cause,
    count: Count,
    unit: Unit,
    after: Option<EventId>,
}

impl Loss {
    pub(crate) const fn new(
        cause: Cause,
        count: Count,
        unit: Unit,
        after: Option<EventId>,
    ) -> Self {
        Self { cause, count, unit, after }
    }

    /// Returns how the loss was detected.
    #[must_use]
    pub const fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Returns how much is missing, as far as that is known.
    #[must_use]
    pub const fn count(&self) -> Count {
        self.count
    }

    /// Returns what [`count`](Self::count) counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// Returns the last event before the loss, as far as that is known.
    #[must_use]
    pub const fn after(&self) -> Option<EventId> {
        self.after
    }
}

/// How much is missing.
///
/// # Examples
///
/// ```
/// use auditlink::event::Count;
///
/// assert_eq!(Count::AtLeast(3).to_string(), "at least 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a count is known, bounded or unknown")]
pub enum Count {
    /// The exact number.
    Exactly(u64),
    /// A lower bound.
    AtLeast(u64),
    /// The number is not known.
    Unknown,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => pad(f, format_args!("{count}")),
            Self::AtLeast(count) => pad(f, format_args!("at least {count}")),
            Self::Unknown => f.pad("unknown"),
        }
    }
}

/// What a [`Count`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Records, each a datagram.
    Records,
    /// Events, each of one or more records.
    Events,
    /// Records, and events whose first record was refused: the kernel counts each as one.
    Mixed,
    /// Bytes of one record.
    Bytes,
}

impl Unit {
    /// Returns the name that the JSON form uses, such as `records`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Events => "events",
            Self::Mixed => "records or events",
            Self::Bytes => "bytes",
        }
    }

    /// Returns the name for a count of one.
    const fn singular(self) -> &'static str {
        match self {
            Self::Records => "record",
            Self::Events => "event",
            Self::Mixed => "record or event",
            Self::Bytes => "byte",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |f| self.print(f))
    }
}

impl Loss {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit.name();
        match (self.cause.kind(), self.count) {
            (CauseKind::HealthFault, _) => f.write_str("audit system degraded")?,
            (CauseKind::HealthRestored, _) => f.write_str("audit system restored")?,
            (_, Count::Exactly(1)) => write!(f, "lost 1 {}", self.unit.singular())?,
            (_, Count::Exactly(count)) => write!(f, "lost {count} {unit}")?,
            (_, Count::AtLeast(count)) => write!(f, "lost at least {count} {unit}")?,
            (_, Count::Unknown) => write!(f, "lost an unknown number of {unit}")?,
        }
        if let Some(after) = self.after {
            write!(f, " after {after}")?;
        }
        write!(f, ": {}", self.cause)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn messages_of_losses() {
        let id = EventId::new(Timestamp::new(5, 1).expect("a time"), 9);
        let gap = Cause::SerialGap { first: 10, last: 12 };
        let loss = Loss::new(gap, Count::Exactly(3), Unit::Events, Some(id));
        let message = "lost 3 events after 5.001:9: serials 10 to 12 were not received";
        assert_eq!(loss.to_string(), message);
        let width = message.len() + 2;
        assert_eq!(format!("{loss:>width$}"), format!("  {message}"));
        let loss = Loss::new(Cause::KernelLost, Count::AtLeast(7), Unit::Mixed, None);
        assert_eq!(
            loss.to_string(),
            "lost at least 7 records or events: the kernel counted them as lost"
        );
        let bytes = Bytes::from_static(b"\x01x");
        let loss = Loss::new(Cause::Undecodable { bytes }, Count::Exactly(1), Unit::Records, None);
        assert_eq!(loss.to_string(), r"lost 1 record: could not be decoded: \x01x");
        let faults = HealthFaults::REGISTRATION | HealthFaults::HEARTBEAT;
        let loss = Loss::new(Cause::HealthFault { faults }, Count::Unknown, Unit::Events, Some(id));
        assert_eq!(
            loss.to_string(),
            "audit system degraded after 5.001:9: this process has lost its registration as the audit \
             daemon; \
             a heartbeat did not return in time"
        );
    }
}
