//! What can happen to a reader, as the engine is told of it.

use crate::event::HealthFaults;
use crate::time::Tick;

/// Everything that a source can hand to the engine.
///
/// A live socket, a capture file and a test script speak this language, so that a replay is the
/// same code as the real thing, losses included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received<'a> {
    /// A datagram from the kernel.
    Datagram {
        /// What was received of it.
        bytes: &'a [u8],
        /// Its true length; more than `bytes` has if the buffer was too short.
        needed: usize,
        /// When it was received.
        at: Tick,
    },
    /// The socket's buffer overflowed, and datagrams were dropped **here**, after all that was
    /// handed over so far.
    Overrun {
        /// How many, where the socket's counter tells.
        dropped: Option<u64>,
        /// When that was found out.
        at: Tick,
    },
    /// A queue between the socket and here was full, and records were dropped **here**.
    QueueFull {
        /// How many.
        dropped: u64,
        /// When there was room again.
        at: Tick,
    },
    /// The kernel could not send records, since this reader was too slow. For a daemon it holds
    /// them back; how many an observer has lost is not known yet.
    BackpressureStarted {
        /// When that was found out.
        at: Tick,
    },
    /// The kernel has sent all that it held back, or what is lost has been told.
    BackpressureEnded {
        /// When that was found out.
        at: Tick,
    },
    /// The service was looked at.
    Health {
        /// All that is wrong with it; nothing if it is well.
        faults: HealthFaults,
        /// When that was found out.
        at: Tick,
    },
    /// A datagram did not come from the kernel and was thrown away unread.
    Refused {
        /// The netlink port of whoever sent it.
        port: u32,
        /// When it was received.
        at: Tick,
    },
    /// Something came that is no datagram and could not be made one, such as a line of a log that
    /// is no record.
    Undecodable {
        /// What came.
        bytes: &'a [u8],
        /// When it came.
        at: Tick,
    },
    /// The kernel's counter of lost records was read (`lost` of the status).
    LostCounter {
        /// Its value.
        total: u32,
        /// When reading it was begun: it tells what was lost up to then.
        at: Tick,
    },
    /// The source waited, and nothing is there to be received.
    Idle {
        /// Until when it waited.
        at: Tick,
    },
    /// Nothing will ever come again: the end of a file. A socket has none.
    End {
        /// When the end was reached.
        at: Tick,
    },
}

impl Received<'_> {
    /// Returns the instant at which it happened.
    #[must_use]
    pub const fn at(&self) -> Tick {
        match self {
            Self::Datagram { at, .. }
            | Self::Overrun { at, .. }
            | Self::QueueFull { at, .. }
            | Self::BackpressureStarted { at }
            | Self::BackpressureEnded { at }
            | Self::Health { at, .. }
            | Self::Refused { at, .. }
            | Self::Undecodable { at, .. }
            | Self::LostCounter { at, .. }
            | Self::Idle { at }
            | Self::End { at } => *at,
        }
    }
}
