//! Events.

use std::fmt;

use bytes::Bytes;

use crate::bytestr::ByteStr;
use crate::message_type::{MessageType, RecordRole};
use crate::record::view::{Execve, Path, Syscall, UserMessage};
use crate::record::{EventId, Header, Keys, Record};
use crate::time::{Tick, Timestamp};

/// Why an event was closed and delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClosedBy {
    /// Its end record (`EOE`) was received.
    EndRecord,
    /// Its record is of a [standalone](RecordRole::Standalone) type.
    Standalone,
    /// No further record was received within the window.
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

/// The records with one timestamp and serial, which together describe one action.
///
/// The records are in one reference-counted buffer, which clones share. Fields are parsed on access.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, MessageType, log};
///
/// let text = r#"type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=257 success=yes exit=3 key="etc"
/// type=CWD msg=audit(1.000:2): cwd="/root"
/// type=PATH msg=audit(1.000:2): item=0 name="/etc/passwd" nametype=NORMAL
/// type=EOE msg=audit(1.000:2):
/// "#;
/// let mut events = Events::new(log::Reader::new(text.as_bytes()));
/// let Some(Ok(Delivery::Event(event))) = events.next() else { panic!("an event") };
/// assert_eq!((event.id().serial(), event.time().seconds()), (2, 1));
/// assert_eq!(event.records().len(), 4);
/// assert!(event.has_key("etc"));
/// assert_eq!(event.paths().count(), 1);
/// assert_eq!(event.kind().name(), "file_open");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub(super) id: EventId,
    pub(super) bytes: Bytes,
    pub(super) records: u32,
    pub(super) closed_by: ClosedBy,
    pub(super) continuation: bool,
    /// Whether the event has an end record if it is whole.
    pub(super) end_expected: bool,
    pub(super) first_at: Tick,
    pub(super) last_at: Tick,
}

impl Event {
    /// Returns the timestamp and serial that the kernel gave the event.
    #[must_use]
    pub const fn id(&self) -> EventId {
        self.id
    }

    /// Returns when the kernel recorded the event. For a system call, that is when it was entered.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.id.time()
    }

    /// Returns the name of the machine that recorded the event, if a log states one.
    #[must_use]
    pub fn node(&self) -> Option<&[u8]> {
        self.records().next().and_then(|record| record.node())
    }

    /// Returns why the event was closed.
    #[must_use]
    pub const fn closed_by(&self) -> ClosedBy {
        self.closed_by
    }

    /// Returns whether these records are late: they belong to an event that was delivered before, which
    /// has the same [id](Self::id).
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

    /// Returns the record of the system call, if the event has one.
    #[must_use]
    pub fn syscall(&self) -> Option<Syscall<'_>> {
        self.records().find_map(Record::as_syscall)
    }

    /// Iterates over the `PATH` records.
    pub fn paths(&self) -> impl Iterator<Item = Path<'_>> {
        self.records().filter_map(Record::as_path)
    }

    /// Returns the message of a program, if the event has one.
    #[must_use]
    pub fn user_message(&self) -> Option<UserMessage<'_>> {
        self.records().find_map(Record::as_user_message)
    }

    /// Returns the argument list of a started program, joined from its records.
    #[must_use]
    pub fn execve(&self) -> Option<Execve<'_>> {
        let mut records = self.records_of(MessageType::EXECVE).peekable();
        records.peek()?;
        Some(Execve::join(records))
    }

    /// Returns the keys of the rule that matched, and of a rule that was changed.
    ///
    /// These are the keys that `ausearch -k` searches, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<ByteStr<'_>> {
        let mut keys = Vec::new();
        for key in self.all_keys() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Returns whether one of the [keys](Self::keys) is this one.
    #[must_use]
    pub fn has_key(&self, key: impl AsRef<[u8]>) -> bool {
        let key = key.as_ref();
        self.all_keys().any(|own| own[..] == *key)
    }

    /// Iterates over the keys in the record of the call, in those of operations of io_uring, and in
    /// those of changed rules.
    fn all_keys(&self) -> impl Iterator<Item = ByteStr<'_>> {
        let has_keys = |record: &Record<'_>| {
            let message_type = record.message_type();
            message_type.role() == RecordRole::Head || message_type == MessageType::CONFIG_CHANGE
        };
        self.records().filter(has_keys).flat_map(Keys::of)
    }

    /// Iterates over the records, and yields whether each was cut by the receive buffer.
    pub(crate) fn truncated(&self) -> impl Iterator<Item = bool> + '_ {
        self.records().with_flags().map(|(_, truncated)| truncated)
    }
}

impl fmt::Display for ClosedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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
    pub(super) fn with_flags(self) -> impl Iterator<Item = (Record<'a>, bool)> {
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

/// What precedes a record's text in the buffer of its event: type, flags, length, start of the body.
pub(super) struct RecordPrefix;

impl RecordPrefix {
    const LENGTH: usize = 11;

    #[inline(always)]
    pub(super) fn append(buffer: &mut Vec<u8>, record: &Record<'_>, truncated: bool) {
        let text = record.text();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let text = text.get(..usize::try_from(length).unwrap_or(usize::MAX)).unwrap_or(text);
        let body_at = u32::try_from(record.body_at()).unwrap_or(u32::MAX);
        let [t0, t1] = record.type_number().to_ne_bytes();
        let [l0, l1, l2, l3] = length.to_ne_bytes();
        let [b0, b1, b2, b3] = body_at.to_ne_bytes();
        buffer.reserve(Self::LENGTH + text.len());
        buffer.extend_from_slice(&[t0, t1, u8::from(truncated), l0, l1, l2, l3, b0, b1, b2, b3]);
        buffer.extend_from_slice(text);
    }

    #[inline]
    pub(super) fn take<'a>(rest: &mut &'a [u8], id: EventId) -> Option<(Record<'a>, bool)> {
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

/// Returns the name of the machine, if a header states it.
fn node(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"node=").and_then(|text| text.get(..memchr::memchr(b' ', text)?))
}
