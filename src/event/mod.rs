//! Events: the records of one stamp, how they are put together, and what may be missing.

mod assembler;
mod classify;
pub(crate) mod loss;
mod missing;
mod normalize;
mod received;

use std::fmt;

use bytes::Bytes;

pub use self::assembler::Assembler;
pub use self::classify::{Call, EventKind, Exec, Exit, Fork, Kill, Ptrace};
pub(crate) use self::loss::Loss;
pub use self::loss::{
    Cause, Completeness, Count, CounterReading, HealthFaults, Stats, Unit, UnverifiedReason,
};
pub use self::missing::Missing;
pub use self::normalize::{Object, Outcome, Subject};
pub use self::received::{Received, Signal};
use crate::bytestr::ByteStr;
use crate::message_type::{MessageType, RecordRole};
use crate::record::{EventId, Execve, Header, Keys, Record, Syscall};
use crate::time::Tick;

/// What the iterator yields: an event, or the notice that something is missing.
///
/// There will never be a third: code that ignores losses does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a match must name both, that is the point")]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// Something is, or may be, missing here.
    Loss(Loss),
}

/// Why an event was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClosedBy {
    /// Its end record came.
    EndRecord,
    /// Its record is of a type that stands alone.
    Standalone,
    /// No further record came within the window.
    Window,
    /// Too many events were open, or they held too many bytes.
    Evicted,
    /// The input ended.
    End,
}

impl ClosedBy {
    /// Returns the name that the JSON form uses, such as `end_record`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndRecord => "end_record",
            Self::Standalone => "standalone",
            Self::Window => "window",
            Self::Evicted => "evicted",
            Self::End => "end",
        }
    }
}

/// All records with one stamp, and why the event was closed.
///
/// The records lie in one shared buffer; a clone of an event shares it too. Fields are parsed when
/// they are asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    id: EventId,
    bytes: Bytes,
    records: u32,
    closed_by: ClosedBy,
    continuation: bool,
    /// Whether it would have an end record if it were whole.
    end_expected: bool,
    first_at: Tick,
    last_at: Tick,
}

impl Event {
    /// Returns the kernel's stamp.
    #[must_use]
    pub const fn id(&self) -> EventId {
        self.id
    }

    /// Returns the name of the machine that the event comes from, where a log states one.
    #[must_use]
    pub fn node(&self) -> Option<&[u8]> {
        self.records().next().and_then(|record| record.node())
    }

    /// Returns why the event was closed.
    #[must_use]
    pub const fn closed_by(&self) -> ClosedBy {
        self.closed_by
    }

    /// Tells whether these records came after an event with the same stamp was closed.
    ///
    /// They are not lost, only late; they belong to the event that was handed out before.
    #[must_use]
    pub const fn is_continuation(&self) -> bool {
        self.continuation
    }

    /// Returns when the first record was received.
    #[must_use]
    pub const fn first_received_at(&self) -> Tick {
        self.first_at
    }

    /// Returns when the last record was received.
    #[must_use]
    pub const fn last_received_at(&self) -> Tick {
        self.last_at
    }

    /// Iterates over the records in the order in which they were received.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records { rest: &self.bytes, id: self.id, left: self.records }
    }

    /// Iterates over the records of one type.
    pub fn records_of(&self, message_type: MessageType) -> impl Iterator<Item = Record<'_>> {
        self.records().filter(move |record| record.message_type() == message_type)
    }

    /// Returns the system call, if the event has its record.
    #[must_use]
    pub fn syscall(&self) -> Option<Syscall<'_>> {
        self.records().find_map(Record::as_syscall)
    }

    /// Returns the argument list of a started program, joined from its records.
    #[must_use]
    pub fn execve(&self) -> Option<Execve<'_>> {
        let mut records = self.records_of(MessageType::EXECVE).peekable();
        records.peek()?;
        Some(Execve::join(records))
    }

    /// Returns the keys of the rule that made the event.
    #[must_use]
    pub fn keys(&self) -> Vec<ByteStr<'_>> {
        let opener = self.records().find(|record| record.message_type().role() == RecordRole::Head);
        opener.map(Keys::of).into_iter().flatten().collect()
    }

    /// Tells which records were cut short by the receive buffer, in their order.
    pub(crate) fn truncated(&self) -> impl Iterator<Item = bool> + '_ {
        self.records().with_flags().map(|(_, truncated)| truncated)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &format_args!("{}", self.id))
            .field("closed_by", &self.closed_by)
            .field("continuation", &self.continuation)
            .field("records", &self.records().collect::<Vec<_>>())
            .finish()
    }
}

/// The records of an event; made by [`Event::records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    id: EventId,
    left: u32,
}

impl<'a> Records<'a> {
    fn with_flags(self) -> impl Iterator<Item = (Record<'a>, bool)> {
        let Self { mut rest, id, .. } = self;
        std::iter::from_fn(move || RecordPrefix::take(&mut rest, id))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (record, _) = RecordPrefix::take(&mut self.rest, self.id)?;
        self.left = self.left.saturating_sub(1);
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Records<'_> {}

/// How a record lies in the buffer of its event: type, flags, length, start of the body, text.
struct RecordPrefix;

impl RecordPrefix {
    const LENGTH: usize = 11;

    #[inline(always)]
    fn append(buffer: &mut Vec<u8>, record: &Record<'_>, truncated: bool) {
        let text = record.text();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let text = text.get(..usize::try_from(length).unwrap_or(usize::MAX)).unwrap_or(text);
        let body_at = u32::try_from(record.body_at()).unwrap_or(u32::MAX);
        let [t0, t1] = record.message_type().number().to_ne_bytes();
        let [l0, l1, l2, l3] = length.to_ne_bytes();
        let [b0, b1, b2, b3] = body_at.to_ne_bytes();
        buffer.reserve(Self::LENGTH + text.len());
        buffer.extend_from_slice(&[t0, t1, u8::from(truncated), l0, l1, l2, l3, b0, b1, b2, b3]);
        buffer.extend_from_slice(text);
    }

    #[inline]
    fn take<'a>(rest: &mut &'a [u8], id: EventId) -> Option<(Record<'a>, bool)> {
        let (prefix, tail) = rest.split_first_chunk::<{ Self::LENGTH }>()?;
        let [t0, t1, truncated, l0, l1, l2, l3, b0, b1, b2, b3] = *prefix;
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
        let (text, tail) = tail.split_at_checked(length)?;
        *rest = tail;
        let node = match text {
            [b'n', ..] => node(text),
            _ => None,
        };
        let body_at = usize::try_from(u32::from_ne_bytes([b0, b1, b2, b3])).ok()?;
        let header = Header { node, id, body_at };
        let message_type = MessageType::new(u16::from_ne_bytes([t0, t1]));
        Some((Record::from_parts(message_type, header, text), truncated != 0))
    }
}

/// Returns the name of the machine, where a head states it.
fn node(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"node=").and_then(|text| text.get(..memchr::memchr(b' ', text)?))
}
