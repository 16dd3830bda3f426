//! What a source delivers to the assembler.

use crate::event::Signal;
use crate::time::Tick;

/// What a source delivers: a datagram, bytes that are not one, or a [`Signal`].
///
/// Live sockets, captures, logs and tests deliver the same type, so a replay runs the same code as a
/// live reader and reports the same losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received<'a> {
    /// A datagram from the kernel.
    Datagram {
        /// The received bytes.
        bytes: &'a [u8],
        /// The datagram's full length. It exceeds that of `bytes` if the receive buffer was too
        /// short.
        needed: usize,
        /// When the datagram was received.
        at: Tick,
    },
    /// Input that cannot be made a datagram, such as a line of a log that is not a record.
    Undecodable {
        /// The input.
        bytes: &'a [u8],
        /// When the input was received.
        at: Tick,
    },
    /// Anything else that the source reports.
    Signal {
        /// What is reported.
        signal: Signal,
        /// When it was found.
        at: Tick,
    },
}

impl Received<'_> {
    /// Returns the tick at which this was received or found.
    #[must_use]
    pub const fn at(&self) -> Tick {
        match self {
            Self::Datagram { at, .. } | Self::Undecodable { at, .. } | Self::Signal { at, .. } => {
                *at
            }
        }
    }

    /// Returns the signal, if this is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::event::Signal;
    /// use auditlink::time::Tick;
    ///
    /// let received = Signal::Idle.at(Tick::from_nanos(5));
    /// assert_eq!(received.signal(), Some(Signal::Idle));
    /// assert_eq!(received.at().as_nanos(), 5);
    /// ```
    #[must_use]
    pub const fn signal(&self) -> Option<Signal> {
        match self {
            Self::Signal { signal, .. } => Some(*signal),
            Self::Datagram { .. } | Self::Undecodable { .. } => None,
        }
    }
}
