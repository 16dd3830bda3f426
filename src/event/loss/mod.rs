//! Notices that something is missing.

mod health;
mod serials;
mod stats;
mod tracker;

use std::fmt;

use bytes::Bytes;

pub use self::health::HealthFaults;
pub(super) use self::serials::{Seen, Serials};
pub use self::stats::{Completeness, CounterReading, Stats, UnverifiedReason};
pub(super) use self::tracker::LossTracker;
use super::event::Event;
use crate::record::EventId;

/// A notice that something is, or may be, missing.
///
/// What the assembler delivers: an event, or a loss.
///
/// There are no other cases, now or later: code that ignores losses does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a match must name both, that is the point")]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// Something is, or may be, missing here.
    Loss(Loss),
}

/// It stands in the stream at the place where the loss became known. What each cause proves and
/// what it does not is told in [the manual](crate::manual::loss).
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

    /// Returns the sign by which the loss was noticed.
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

    /// Tells whether it is about the service: its count is never known.
    pub(super) const fn is_of_health(&self) -> bool {
        matches!(self.cause, Cause::HealthFault { .. } | Cause::HealthRestored)
    }

    /// Returns the last event before the loss, as far as that is known.
    #[must_use]
    pub const fn after(&self) -> Option<EventId> {
        self.after
    }
}

/// The sign by which a loss was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The kernel's counter of lost records moved: its queue was full, its rate limit reached, or
    /// its memory short.
    KernelLost,
    /// The socket's buffer overflowed: the reader was too slow.
    ///
    /// Of a daemon: the kernel may have given up on records that it had parked, or could not be
    /// asked for them.
    SocketOverrun,
    /// The queue between the thread that receives and the consumer was full.
    QueueFull,
    /// Serial numbers were skipped, and did not come within the window.
    SerialGap {
        /// The first serial that is missing.
        first: u32,
        /// The last serial that is missing.
        last: u32,
    },
    /// Serial numbers started anew: the machine was booted, or the input was joined from parts.
    SerialRestart,
    /// A datagram was longer than the buffer: its record lacks its end.
    Truncated,
    /// The service is not what it was: from here on events may not be made, or not come here.
    ///
    /// Told once for each fault, until [`HealthRestored`](Self::HealthRestored).
    HealthFault {
        /// What is wrong that was not before.
        faults: HealthFaults,
    },
    /// Nothing is wrong with the service any more. What happened meanwhile may be missing.
    HealthRestored,
    /// A datagram, or a line of a log, could not be read.
    Undecodable {
        /// Its bytes.
        bytes: Bytes,
    },
}

impl Cause {
    /// Returns the name that the JSON form uses, such as `socket_overrun`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::KernelLost => "kernel_lost",
            Self::SocketOverrun => "socket_overrun",
            Self::QueueFull => "queue_full",
            Self::SerialGap { .. } => "serial_gap",
            Self::SerialRestart => "serial_restart",
            Self::Truncated => "truncated",
            Self::HealthFault { .. } => "health_fault",
            Self::HealthRestored => "health_restored",
            Self::Undecodable { .. } => "undecodable",
        }
    }
}

/// How much is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a count is known, bounded or unknown")]
pub enum Count {
    /// Exactly so much.
    Exactly(u64),
    /// So much or more.
    AtLeast(u64),
    /// Nobody knows.
    Unknown,
}

/// What a [`Count`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Records, each a datagram.
    Records,
    /// Events, each of one or more records.
    Events,
    /// Records, and events whose first record was refused: the kernel counts both as one.
    Mixed,
    /// Bytes of one record.
    Bytes,
}

impl Unit {
    /// Returns the name that messages and the JSON form use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Events => "events",
            Self::Mixed => "records or events",
            Self::Bytes => "bytes",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit.name();
        let after = |f: &mut fmt::Formatter<'_>| {
            self.after.map_or(Ok(()), |after| write!(f, " after {after}"))
        };
        match &self.cause {
            Cause::HealthFault { faults } => {
                f.write_str("service lost")?;
                after(f)?;
                return write!(f, ": {faults}");
            }
            Cause::HealthRestored => {
                f.write_str("service restored")?;
                after(f)?;
                return f.write_str(": what happened meanwhile may be missing");
            }
            _ => {}
        }
        match self.count {
            Count::Exactly(count) => write!(f, "lost {count} {unit}")?,
            Count::AtLeast(count) => write!(f, "lost at least {count} {unit}")?,
            Count::Unknown => write!(f, "lost an unknown number of {unit}")?,
        }
        after(f)?;
        match &self.cause {
            Cause::HealthFault { .. } | Cause::HealthRestored => Ok(()),
            Cause::KernelLost => f.write_str(": the kernel counted them as lost"),
            Cause::SocketOverrun => f.write_str(": the reader was too slow for its socket buffer"),
            Cause::QueueFull => f.write_str(": the consumer was too slow for its queue"),
            Cause::SerialGap { first, last } if first == last => {
                write!(f, ": serial {first} never came")
            }
            Cause::SerialGap { first, last } => {
                write!(f, ": serials {first} to {last} never came")
            }
            Cause::SerialRestart => f.write_str(": serials started anew"),
            Cause::Truncated => f.write_str(": a record was longer than the receive buffer"),
            Cause::Undecodable { bytes } => {
                let start = bytes.get(..bytes.len().min(64)).unwrap_or_default();
                write!(f, ": this could not be read: {}", start.escape_ascii())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn notices_read_well() {
        let id = EventId::new(Timestamp::new(5, 1).expect("a time"), 9);
        let gap = Cause::SerialGap { first: 10, last: 12 };
        let loss = Loss::new(gap, Count::Exactly(3), Unit::Events, Some(id));
        assert_eq!(loss.to_string(), "lost 3 events after 5.001:9: serials 10 to 12 never came");
        let loss = Loss::new(Cause::KernelLost, Count::AtLeast(7), Unit::Mixed, None);
        assert_eq!(
            loss.to_string(),
            "lost at least 7 records or events: the kernel counted them as lost"
        );
        let bytes = Bytes::from_static(b"\x01x");
        let loss = Loss::new(Cause::Undecodable { bytes }, Count::Exactly(1), Unit::Records, None);
        assert!(loss.to_string().ends_with(r"could not be read: \x01x"));
        let faults = HealthFaults::REGISTRATION | HealthFaults::HEARTBEAT;
        let loss = Loss::new(Cause::HealthFault { faults }, Count::Unknown, Unit::Events, Some(id));
        assert_eq!(
            loss.to_string(),
            "service lost after 5.001:9: this process is not the audit daemon any more; \
             a heartbeat did not come back in time"
        );
    }
}
