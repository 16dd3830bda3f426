//! What a source delivers: [`Received`], that is a datagram or a [`Signal`], and how captures store
//! signals.

use std::fmt;

use crate::event::HealthFaults;
use crate::macros::pad;
use crate::message_type::MessageType;
use crate::time::Tick;
use crate::wire::frame::Frame;
use crate::wire::status::Status;

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
        /// short. [`Received::UNKNOWN_LENGTH`] if only a part of unknown size is missing.
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
    /// The full length of a datagram whose end is missing, if that is not known: of a line of a log that
    /// was not written to its end.
    pub const UNKNOWN_LENGTH: usize = usize::MAX;

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

/// What a source reports besides datagrams.
///
/// # Examples
///
/// ```
/// use auditlink::Delivery;
/// use auditlink::event::{Assembler, Signal};
/// use auditlink::time::Tick;
///
/// let mut assembler = Assembler::new();
/// assembler.handle(Signal::Overrun { dropped: Some(3) }.at(Tick::ZERO));
/// let Some(Delivery::Loss(loss)) = assembler.poll() else { panic!("a loss") };
/// assert_eq!(loss.cause().name(), "socket_overrun");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// The source waited, and nothing can be received: the socket is drained.
    Idle,
    /// The source has ended and delivers nothing more, as at the end of a file.
    End,
    /// The kernel's counter of lost records was read (`lost` of the status).
    ///
    /// The signal's tick is the one at which the request was sent: the counter covers the losses up
    /// to then.
    LostCounter {
        /// The value of the counter.
        total: u32,
    },
    /// The socket's buffer overflowed: datagrams were dropped after all that was received so far.
    Overrun {
        /// The number of dropped datagrams, where the socket's counter provides it.
        dropped: Option<u64>,
    },
    /// The queue between the socket and the consumer was full: records were dropped after all that
    /// was received so far.
    QueueFull {
        /// The number of dropped records.
        dropped: u64,
    },
    /// The kernel could not send records, because this reader was too slow.
    ///
    /// For a daemon, the kernel keeps them in its retry queue. An observer has lost them; the number
    /// is not known yet.
    BackpressureStarted,
    /// The kernel has sent all records that it had kept, or their loss has been reported.
    BackpressureEnded,
    /// The audit system was checked.
    Health {
        /// All faults that were found; empty if there are none.
        faults: HealthFaults,
    },
    /// A datagram did not come from the kernel and was discarded unread.
    Refused {
        /// The netlink port of the sender.
        port: u32,
    },
}

impl Signal {
    /// Returns the signal as something received at `at`.
    #[inline]
    #[must_use]
    pub const fn at(self, at: Tick) -> Received<'static> {
        Received::Signal { signal: self, at }
    }

    /// Returns the name that the JSON form uses, such as `overrun`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::End => "end",
            Self::LostCounter { .. } => "lost_counter",
            Self::Overrun { .. } => "overrun",
            Self::QueueFull { .. } => "queue_full",
            Self::BackpressureStarted => "backpressure_started",
            Self::BackpressureEnded => "backpressure_ended",
            Self::Health { .. } => "health",
            Self::Refused { .. } => "refused",
        }
    }

    /// Returns the signal that a message in a capture stands for, if it stands for one.
    ///
    /// Some of these messages are the kernel's own: an overrun, and the reply with the status.
    pub(crate) fn from_frame(frame: &Frame<'_>) -> Option<Self> {
        Some(match *frame {
            Frame::Overrun { dropped } => Self::Overrun { dropped },
            Frame::Reply { message_type: MessageType::GET, payload, .. } => {
                Self::LostCounter { total: Status::parse(payload).ok()?.lost }
            }
            Frame::Noop { payload } => {
                let text = std::str::from_utf8(payload).ok()?.strip_prefix(PREFIX)?;
                match text.split_once(' ') {
                    None if text == BACKPRESSURE_STARTED => Self::BackpressureStarted,
                    None if text == BACKPRESSURE_ENDED => Self::BackpressureEnded,
                    Some((QUEUE_FULL, count)) => Self::QueueFull { dropped: count.parse().ok()? },
                    Some((HEALTH, bits)) => {
                        let faults = HealthFaults::from_bits_truncate(bits.parse().ok()?);
                        Self::Health { faults }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// Returns type and payload of the message that stands for the signal in a capture.
    ///
    /// `None` for what a capture does not store this way: the time without datagrams, its end, and
    /// datagrams that did not come from the kernel.
    #[cfg(any(feature = "capture", test))]
    pub(crate) fn to_message(self) -> Option<(MessageType, Vec<u8>)> {
        use netlink_packet_core::{NLMSG_NOOP, NLMSG_OVERRUN};

        let noop = |text: &str| (MessageType::new(NLMSG_NOOP), format!("{PREFIX}{text}").into());
        Some(match self {
            Self::Idle | Self::End | Self::Refused { .. } => return None,
            Self::LostCounter { total } => {
                let status = Status { lost: total, ..Status::zero() };
                (MessageType::GET, status.to_bytes())
            }
            Self::Overrun { dropped } => {
                let count = dropped.map(u64::to_ne_bytes);
                let payload = count.map_or_else(Vec::new, |count| count.to_vec());
                (MessageType::new(NLMSG_OVERRUN), payload)
            }
            Self::QueueFull { dropped } => noop(&format!("{QUEUE_FULL} {dropped}")),
            Self::BackpressureStarted => noop(BACKPRESSURE_STARTED),
            Self::BackpressureEnded => noop(BACKPRESSURE_ENDED),
            Self::Health { faults } => noop(&format!("{HEALTH} {}", faults.bits())),
        })
    }
}

/// Prints the name and the value, such as `overrun 3`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::LostCounter { total } => pad(f, format_args!("{name} {total}")),
            Self::Overrun { dropped: Some(dropped) } | Self::QueueFull { dropped } => {
                pad(f, format_args!("{name} {dropped}"))
            }
            Self::Health { faults } => pad(f, format_args!("{name} {faults}")),
            Self::Refused { port } => pad(f, format_args!("{name} {port}")),
            Self::Idle
            | Self::End
            | Self::Overrun { dropped: None }
            | Self::BackpressureStarted
            | Self::BackpressureEnded => f.pad(name),
        }
    }
}

/// What the payload of a `NLMSG_NOOP` begins with if it stands for a signal.
const PREFIX: &str = "auditlink:";

// these words are part of the file format: captures of earlier versions hold them
const BACKPRESSURE_STARTED: &str = "congested";
const BACKPRESSURE_ENDED: &str = "decongested";
const QUEUE_FULL: &str = "queue_full";
const HEALTH: &str = "service";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame;

    const STORED: [Signal; 7] = [
        Signal::LostCounter { total: 7 },
        Signal::Overrun { dropped: Some(9) },
        Signal::Overrun { dropped: None },
        Signal::QueueFull { dropped: u64::MAX },
        Signal::BackpressureStarted,
        Signal::BackpressureEnded,
        Signal::Health { faults: HealthFaults::REGISTRATION.union(HealthFaults::RULES) },
    ];
    const NOT_STORED: [Signal; 3] = [Signal::Idle, Signal::End, Signal::Refused { port: 1 }];

    /// Numbers the variants: a new one does not compile without a number, and fails
    /// `every_signal_is_in_a_list` without a place in one of the lists.
    const fn variant(signal: Signal) -> usize {
        match signal {
            Signal::Idle => 0,
            Signal::End => 1,
            Signal::LostCounter { .. } => 2,
            Signal::Overrun { .. } => 3,
            Signal::QueueFull { .. } => 4,
            Signal::BackpressureStarted => 5,
            Signal::BackpressureEnded => 6,
            Signal::Health { .. } => 7,
            Signal::Refused { .. } => 8,
        }
    }

    #[test]
    fn every_signal_is_in_a_list() {
        let mut variants: Vec<_> = STORED.into_iter().chain(NOT_STORED).map(variant).collect();
        variants.sort_unstable();
        variants.dedup();
        // the last number of `variant`
        assert_eq!(variants, (0..=8).collect::<Vec<_>>());
    }

    #[test]
    fn signals_survive_a_capture() {
        for signal in STORED {
            let (message_type, payload) = signal.to_message().expect("a message");
            let parse = |payload: &[u8]| {
                let message = frame::message(message_type, 0, payload);
                Signal::from_frame(&Frame::parse(&message).expect("a frame"))
            };
            assert_eq!(parse(&payload), Some(signal));
            for end in 0..payload.len() {
                // a shorter decimal is still a decimal
                let short = parse(&payload[..end]);
                assert!(short != Some(signal) || message_type == MessageType::GET, "{short:?}");
            }
        }
        for signal in NOT_STORED {
            assert_eq!(signal.to_message(), None);
        }
    }

    #[test]
    fn signals_print_their_value_and_honour_the_width() {
        let overrun = Signal::Overrun { dropped: Some(3) };
        assert_eq!(
            format!("{overrun}|{:>6}|{:6}|", Signal::Idle, Signal::End),
            "overrun 3|  idle|end   |"
        );
        assert_eq!(Signal::Refused { port: 7 }.to_string(), "refused 7");
    }

    #[test]
    fn the_stored_bytes_do_not_change() {
        let faults = HealthFaults::REGISTRATION | HealthFaults::RULES;
        for (signal, bytes) in [
            (Signal::BackpressureStarted, "auditlink:congested"),
            (Signal::BackpressureEnded, "auditlink:decongested"),
            (Signal::QueueFull { dropped: 3 }, "auditlink:queue_full 3"),
            (Signal::Health { faults }, "auditlink:service 5"),
        ] {
            let message = signal.to_message().expect("a message");
            assert_eq!(message, (MessageType::new(1), bytes.as_bytes().to_vec()));
        }
    }

    #[test]
    fn other_noop_messages_are_not_signals() {
        for payload in [&b""[..], b"auditlink:service x", b"auditlink:", b"other", b"\xff"] {
            assert_eq!(Signal::from_frame(&Frame::Noop { payload }), None);
        }
    }
}
