//! Parsing a datagram, which holds one netlink message.
//!
//! In records for the daemon, the audit system sets `nlmsg_len` to the length of the text; in the same
//! records for the multicast group, and in replies, to the length of the whole message, as netlink
//! requires. Replies are padded, records are not. A record therefore extends to the end of the datagram,
//! and a reply to its stated length. The message type distinguishes the two.
//!
//! Source: `kernel/audit.c`, `audit_log_end`, `kauditd_send_multicast_skb`, `audit_make_reply`.

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN, NetlinkBuffer};

use crate::decode::{Cursor, DecodeError};
use crate::message_type::{MessageType, Origin, RecordRole};

/// The length of a netlink message header.
pub(crate) const HEADER_LENGTH: usize = 16;

/// The message in a datagram.
///
/// # Examples
///
/// ```
/// use auditlink::MessageType;
/// use auditlink::wire::frame::{self, Frame};
///
/// let datagram = frame::message(MessageType::EOE, 0, b"audit(1700000000.123:30): ");
/// let frame = Frame::parse(&datagram)?;
/// let text = b"audit(1700000000.123:30): ";
/// assert_eq!(frame, Frame::Record { message_type: MessageType::EOE, text });
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// A record of an event.
    Record {
        /// The type of the record.
        message_type: MessageType,
        /// The text, which starts with `audit(`.
        text: &'a [u8],
    },
    /// The kernel's answer to a request (`NLMSG_ERROR`).
    Ack {
        /// The sequence number of the request.
        sequence: u32,
        /// Zero, a negative errno, or the positive result of a few requests.
        code: i32,
    },
    /// A reply with data.
    Reply {
        /// The type of the reply.
        message_type: MessageType,
        /// The sequence number of the request.
        sequence: u32,
        /// The data without padding.
        payload: &'a [u8],
    },
    /// The end of a listing (`NLMSG_DONE`).
    Done {
        /// The sequence number of the request.
        sequence: u32,
    },
    /// A process requested to register as the daemon (`AUDIT_REPLACE`).
    #[doc(alias = "AUDIT_REPLACE")]
    Replace {
        /// The PID of that process.
        pid: u32,
    },
    /// Messages were dropped before this one (`NLMSG_OVERRUN`).
    Overrun {
        /// The number of dropped messages; `None` if it is not stated.
        dropped: Option<u64>,
    },
    /// A message without effect (`NLMSG_NOOP`). In captures its payload can hold a
    /// [`Signal`](crate::event::Signal).
    Noop {
        /// What follows the header; empty in messages from the kernel.
        payload: &'a [u8],
    },
}

impl<'a> Frame<'a> {
    /// Parses a datagram.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Short`] if the header or a fixed part is truncated, [`DecodeError::Impossible`] if
    /// a reply states a length below that of its header, or if the type is zero.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        match (message_type(datagram), datagram.get(HEADER_LENGTH..)) {
            (Some(message_type), Some(text)) if message_type.role() != RecordRole::Control => {
                Ok(Self::Record { message_type, text: trim_nul(text, message_type) })
            }
            _ => Self::parse_control(datagram),
        }
    }

    /// Parses a message that is not a record.
    fn parse_control(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        if datagram.len() < HEADER_LENGTH {
            let (needed, found) = (HEADER_LENGTH, datagram.len());
            return Err(DecodeError::Short { what: "a netlink header", needed, found });
        }
        let header = NetlinkBuffer::new(datagram);
        let message_type = MessageType::new(header.message_type());
        let sequence = header.sequence_number();
        let stated = header.length();
        let to_the_end = datagram.get(HEADER_LENGTH..).unwrap_or_default();
        let as_stated = || -> Result<&'a [u8], DecodeError> {
            let length = usize::try_from(stated).unwrap_or(usize::MAX).min(datagram.len());
            let impossible = || DecodeError::Impossible {
                what: "the length of a netlink message",
                value: u64::from(stated),
            };
            datagram.get(HEADER_LENGTH..length).ok_or_else(impossible)
        };
        Ok(match message_type.number() {
            0 => {
                let what = "the type of a netlink message";
                return Err(DecodeError::Impossible { what, value: 0 });
            }
            NLMSG_NOOP => Self::Noop { payload: to_the_end },
            NLMSG_ERROR => {
                let code = Cursor::new(as_stated()?, "an acknowledgement").i32()?;
                Self::Ack { sequence, code }
            }
            NLMSG_DONE => Self::Done { sequence },
            NLMSG_OVERRUN => {
                let dropped = to_the_end.first_chunk().map(|count| u64::from_ne_bytes(*count));
                Self::Overrun { dropped }
            }
            _ if message_type == MessageType::REPLACE => {
                let pid = Cursor::new(as_stated()?, "a replacement probe").u32()?;
                Self::Replace { pid }
            }
            _ => Self::Reply { message_type, sequence, payload: as_stated()? },
        })
    }
}

/// Returns the message type of a datagram, without checking the rest.
#[inline]
pub(crate) fn message_type(datagram: &[u8]) -> Option<MessageType> {
    let bytes = datagram.get(4..6)?.first_chunk()?;
    Some(MessageType::new(u16::from_ne_bytes(*bytes)))
}

/// Removes trailing NUL bytes from text of the kernel. Those of a user message may be part of it.
#[inline]
fn trim_nul(text: &[u8], message_type: MessageType) -> &[u8] {
    if text.last() != Some(&0) || message_type.origin() == Origin::UserSpace {
        return text;
    }
    let length = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    text.get(..length).unwrap_or_default()
}

/// Writes a message: a header that states the length of the whole message, then the payload.
#[must_use]
pub fn message(message_type: MessageType, sequence: u32, payload: &[u8]) -> Vec<u8> {
    emit(message_type, 0, sequence, payload)
}

/// As [`message`], with flags.
pub(crate) fn emit(
    message_type: MessageType,
    flags: u16,
    sequence: u32,
    payload: &[u8],
) -> Vec<u8> {
    let length = HEADER_LENGTH + payload.len();
    let mut bytes = vec![0; HEADER_LENGTH];
    let mut header = NetlinkBuffer::new(&mut bytes);
    header.set_length(u32::try_from(length).unwrap_or(u32::MAX));
    header.set_message_type(message_type.number());
    header.set_flags(flags);
    header.set_sequence_number(sequence);
    header.set_port_number(0);
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"audit(1700000000.123:30): cwd=\"/root\"";

    fn record(stated: usize, text: &[u8]) -> Vec<u8> {
        let mut bytes = message(MessageType::CWD, 0, text);
        bytes[..4].copy_from_slice(&(stated as u32).to_ne_bytes());
        bytes
    }

    #[test]
    fn a_record_extends_to_the_end_whatever_length_it_states() {
        for stated in [TEXT.len(), TEXT.len() + 16, 16, 0, 4096] {
            let datagram = record(stated, TEXT);
            let expected = Frame::Record { message_type: MessageType::CWD, text: TEXT };
            assert_eq!(Frame::parse(&datagram), Ok(expected), "stated {stated}");
        }
    }

    #[test]
    fn padding_and_trailing_nul_are_removed() {
        let datagram = record(TEXT.len(), &[TEXT, b"\0"].concat());
        let expected = Frame::Record { message_type: MessageType::CWD, text: TEXT };
        assert_eq!(Frame::parse(&datagram), Ok(expected));
        let mut reply = message(MessageType::LIST_RULES, 7, b"12345");
        reply.extend([0, 0, 0]);
        let Ok(Frame::Reply { payload, sequence: 7, .. }) = Frame::parse(&reply) else {
            panic!("a reply")
        };
        assert_eq!(payload, b"12345");
    }

    #[test]
    fn an_acknowledgement_can_be_positive() {
        let ack =
            message(MessageType::new(NLMSG_ERROR), 9, &[17_i32.to_ne_bytes(), [0; 4]].concat());
        assert_eq!(Frame::parse(&ack), Ok(Frame::Ack { sequence: 9, code: 17 }));
    }

    #[test]
    fn a_replacement_probe_is_binary() {
        let probe = message(MessageType::REPLACE, 0, &42_u32.to_ne_bytes());
        assert_eq!(Frame::parse(&probe), Ok(Frame::Replace { pid: 42 }));
    }

    #[test]
    fn an_overrun_may_have_a_count() {
        let overrun = MessageType::new(NLMSG_OVERRUN);
        let counted = message(overrun, 0, &5934_u64.to_ne_bytes());
        assert_eq!(Frame::parse(&counted), Ok(Frame::Overrun { dropped: Some(5934) }));
        let plain = message(overrun, 0, &[]);
        assert_eq!(Frame::parse(&plain), Ok(Frame::Overrun { dropped: None }));
    }

    #[test]
    fn done_noop_and_impossible_lengths() {
        assert_eq!(
            Frame::parse(&message(MessageType::new(NLMSG_DONE), 3, &[])),
            Ok(Frame::Done { sequence: 3 })
        );
        assert_eq!(
            Frame::parse(&message(MessageType::new(NLMSG_NOOP), 3, &[])),
            Ok(Frame::Noop { payload: &[] })
        );
        let mut reply = message(MessageType::GET, 7, &[0; 8]);
        reply[..4].copy_from_slice(&8_u32.to_ne_bytes());
        assert!(matches!(Frame::parse(&reply), Err(DecodeError::Impossible { .. })));
    }

    #[test]
    fn a_truncated_record_is_shorter_and_a_truncated_header_is_refused() {
        let datagram = record(TEXT.len(), TEXT);
        for end in 0..datagram.len() {
            match Frame::parse(&datagram[..end]) {
                Err(error) => assert!(end < 16, "{error}"),
                Ok(frame) => {
                    let text = &TEXT[..end - 16];
                    assert_eq!(frame, Frame::Record { message_type: MessageType::CWD, text });
                }
            }
        }
        for end in 0..20 {
            let probe = message(MessageType::REPLACE, 0, &42_u32.to_ne_bytes());
            assert!(Frame::parse(&probe[..end]).is_err());
        }
    }

    #[test]
    fn a_record_and_an_acknowledgement_differ() {
        // both arrive at a daemon's socket on which a request was made
        let change = b"audit(1.000:2): op=add_rule key=\"k\" list=4 res=1";
        let record = message(MessageType::CONFIG_CHANGE, 0, change);
        let mut ack = message(MessageType::new(NLMSG_ERROR), 7, &0_i32.to_ne_bytes());
        ack.extend([0; 16]);
        let text = &change[..];
        let message_type = MessageType::CONFIG_CHANGE;
        assert_eq!(Frame::parse(&record), Ok(Frame::Record { message_type, text }));
        assert_eq!(Frame::parse(&ack), Ok(Frame::Ack { sequence: 7, code: 0 }));
    }

    #[test]
    fn a_message_of_type_zero_is_refused() {
        let nothing = message(MessageType::new(0), 0, b"a line of a log that was no record");
        assert!(matches!(Frame::parse(&nothing), Err(DecodeError::Impossible { value: 0, .. })));
    }
}
