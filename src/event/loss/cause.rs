//! The causes of losses, and what is recorded for each: its name, its total, its message.
//!
//! To add a cause: add the variant of [`Cause`] and its row in the table below, and call
//! `LossTracker::lose` where the loss is detected. The compiler names the rest.

use std::fmt;

use bytes::Bytes;

use super::HealthFaults;
use crate::macros::pad;

/// How a loss was detected.
///
/// # Examples
///
/// ```
/// use auditlink::event::{Cause, CauseKind};
///
/// let cause = Cause::SerialGap { first: 10, last: 12 };
/// assert_eq!(cause.kind(), CauseKind::SerialGap);
/// assert_eq!(cause.name(), "serial_gap");
/// assert_eq!(cause.to_string(), "serials 10 to 12 were not received");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The kernel's counter of lost records increased: its backlog was full, its rate limit was
    /// reached, or it was out of memory.
    KernelLost,
    /// The socket's buffer overflowed, because the reader was too slow.
    ///
    /// For a daemon, the kernel may have dropped records from its retry queue, or could not be asked
    /// to send them.
    SocketOverrun,
    /// The queue between the receiving thread and the consumer was full.
    QueueFull,
    /// Serials were skipped and were not received within the window.
    SerialGap {
        /// The first missing serial.
        first: u32,
        /// The last missing serial.
        last: u32,
    },
    /// The end of a record is missing: its datagram was longer than the receive buffer, or its line in
    /// a log was not written to the end.
    Truncated,
    /// A datagram, or a line of a log, could not be decoded.
    Undecodable {
        /// The datagram or line.
        bytes: Bytes,
    },
    /// Serials restarted: the machine rebooted, or the input was joined from several parts.
    SerialRestart,
    /// The audit system is degraded: from here on, events may not be recorded or not reach this
    /// process.
    ///
    /// Each fault is reported once, until [`HealthRestored`](Self::HealthRestored).
    HealthFault {
        /// The faults that were not present before.
        faults: HealthFaults,
    },
    /// All faults are gone. Events from the time between may be missing.
    HealthRestored,
}

impl Cause {
    /// Returns the kind of cause, without details.
    #[must_use]
    pub const fn kind(&self) -> CauseKind {
        match self {
            Self::KernelLost => CauseKind::KernelLost,
            Self::SocketOverrun => CauseKind::SocketOverrun,
            Self::QueueFull => CauseKind::QueueFull,
            Self::SerialGap { .. } => CauseKind::SerialGap,
            Self::Truncated => CauseKind::Truncated,
            Self::Undecodable { .. } => CauseKind::Undecodable,
            Self::SerialRestart => CauseKind::SerialRestart,
            Self::HealthFault { .. } => CauseKind::HealthFault,
            Self::HealthRestored => CauseKind::HealthRestored,
        }
    }

    /// Returns the name that the JSON form uses, such as `socket_overrun`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KernelLost => f.pad("the kernel counted them as lost"),
            Self::SocketOverrun => f.pad("the reader was too slow for its socket buffer"),
            Self::QueueFull => f.pad("the consumer was too slow for its queue"),
            Self::SerialGap { first, last } if first == last => {
                pad(f, format_args!("serial {first} was not received"))
            }
            Self::SerialGap { first, last } => {
                pad(f, format_args!("serials {first} to {last} were not received"))
            }
            Self::Truncated => f.pad("the end of a record is missing"),
            Self::Undecodable { bytes } => {
                let start = bytes.get(..bytes.len().min(64)).unwrap_or_default();
                pad(f, format_args!("could not be decoded: {}", start.escape_ascii()))
            }
            Self::SerialRestart => f.pad("serials restarted"),
            Self::HealthFault { faults } => fmt::Display::fmt(faults, f),
            Self::HealthRestored => f.pad("events from the time between may be missing"),
        }
    }
}

/// How the total of a cause is formed from its losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) enum Sum {
    /// The exact counts are added up.
    Counts,
    /// The losses are counted.
    Losses,
    /// The cause has no total.
    Nothing,
}

/// What is recorded for one kind of cause.
struct Row {
    name: &'static str,
    sum: Sum,
    member: &'static str,
    total: &'static str,
}

/// Makes [`CauseKind`] and its table, one row per kind.
macro_rules! causes {
    ($($kind:ident: $name:literal, $sum:ident, $member:literal, $total:literal;)*) => {
        /// The kind of a [`Cause`], without its details; the key of [`Stats::total`].
        ///
        /// # Examples
        ///
        /// ```
        /// use auditlink::event::{CauseKind, Stats};
        ///
        /// let stats = Stats::default();
        /// assert!(CauseKind::ALL.iter().all(|cause| stats.total(*cause) == 0));
        /// assert_eq!(CauseKind::KernelLost.to_string(), "kernel_lost");
        /// ```
        ///
        /// [`Stats::total`]: crate::event::Stats::total
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum CauseKind {
            $(
                #[doc = concat!("See [`Cause::", stringify!($kind), "`].")]
                $kind,
            )*
        }

        impl CauseKind {
            /// All kinds, in the order of the JSON form of [`Stats`](crate::event::Stats).
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The number of kinds.
            pub(in crate::event) const COUNT: usize = Self::ALL.len();

            const fn row(self) -> Row {
                match self {
                    $(
                        Self::$kind => {
                            Row { name: $name, sum: Sum::$sum, member: $member, total: $total }
                        }
                    )*
                }
            }
        }
    };
}

causes! {
    // kind: name in JSON, what the total sums up, its member in the JSON form of `Stats`, its meaning
    KernelLost: "kernel_lost", Counts, "kernel_lost", "records or events lost by the kernel";
    SocketOverrun: "socket_overrun", Counts, "overrun_records", "records dropped by the socket";
    QueueFull: "queue_full", Counts, "queue_records", "records dropped by the queue";
    SerialGap: "serial_gap", Counts, "gap_events", "events not received";
    Truncated: "truncated", Losses, "truncated", "truncated records";
    Undecodable: "undecodable", Counts, "undecodable", "undecodable datagrams or lines";
    SerialRestart: "serial_restart", Losses, "restarts", "restarts of the serials";
    HealthFault: "health_fault", Losses, "health_fault_count", "faults of the audit system";
    HealthRestored: "health_restored", Nothing, "", "";
}

impl CauseKind {
    /// Returns the name that the JSON form uses, such as `socket_overrun`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns whether the cause is about the audit system's health. Its losses have no count.
    pub(crate) const fn is_of_health(self) -> bool {
        matches!(self, Self::HealthFault | Self::HealthRestored)
    }

    /// Returns what the total of this kind sums up.
    pub(in crate::event) const fn sum(self) -> Sum {
        self.row().sum
    }

    /// Returns the member that holds the total in the JSON form of the statistics, if there is one.
    #[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "only JSON has members"))]
    pub(crate) const fn member(self) -> Option<&'static str> {
        match self.row() {
            Row { sum: Sum::Nothing, .. } => None,
            Row { member, .. } => Some(member),
        }
    }

    /// Returns what the total counts, in words.
    pub(in crate::event) const fn total_meaning(self) -> &'static str {
        self.row().total
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
