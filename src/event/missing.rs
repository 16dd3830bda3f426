//! What an event lacks, judged by what its own records announce.

use std::fmt;

use super::{ClosedBy, Event};
use crate::message_type::{MessageType, RecordRole};
use crate::record::{ByteScanner, Record};

/// Something that an event's own records announce, and that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// A call was recorded, its end record was not: others may be missing too.
    ///
    /// A rule that excludes the type `EOE` has the same effect.
    EndRecord,
    /// Records came that only a call has, such as its end record; that of the call did not.
    Opener,
    /// The record with the number of a program's arguments.
    ArgumentCount,
    /// So many of a program's arguments, or parts of them.
    Arguments(u32),
    /// So many `PATH` records, by their numbers.
    Paths(u32),
    /// The ends of so many records, which were longer than the receive buffer.
    Tails(u32),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndRecord => f.write_str("end_record"),
            Self::Opener => f.write_str("opener"),
            Self::ArgumentCount => f.write_str("argument_count"),
            Self::Arguments(count) => write!(f, "arguments:{count}"),
            Self::Paths(count) => write!(f, "paths:{count}"),
            Self::Tails(count) => write!(f, "tails:{count}"),
        }
    }
}

impl Event {
    /// Returns what the event lacks; empty if it is whole as far as its records tell.
    ///
    /// The field `items=` is not used: the kernel counts names that it does not log.
    ///
    /// A continuation is never whole; only cut records are named for one.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if !self.is_continuation() {
            self.missing_ends(&mut missing);
            self.missing_parts(&mut missing);
        }
        let tails = self.truncated().filter(|truncated| *truncated).count();
        if tails > 0 {
            missing.push(Missing::Tails(u32::try_from(tails).unwrap_or(u32::MAX)));
        }
        missing
    }

    /// Tells whether the event lacks nothing, as far as its records tell.
    ///
    /// It is what [`missing`](Self::missing) says, at a fraction of the cost.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let mut progress = Progress::default();
        for (record, truncated) in self.records().with_flags() {
            progress.add(&record, truncated);
        }
        self.is_whole_after(progress)
    }

    /// As [`is_whole`](Self::is_whole), if something kept track of the records as they came.
    pub(super) fn is_whole_after(&self, progress: Progress) -> bool {
        if progress.truncated {
            return false;
        }
        if self.is_continuation() {
            return true;
        }
        let ended = self.closed_by() == ClosedBy::EndRecord;
        let lacks_end = progress.opened && !ended && self.end_expected;
        let lacks_opener = !progress.opened && (ended || progress.of_call);
        !lacks_end && !lacks_opener && (progress.looks_well() || self.missing().is_empty())
    }

    fn missing_ends(&self, missing: &mut Vec<Missing>) {
        let opened = self.records().any(|record| record.message_type().role() == RecordRole::Head);
        let ended = self.closed_by() == ClosedBy::EndRecord;
        if opened && !ended && self.end_expected {
            missing.push(Missing::EndRecord);
        }
        let of_call = || self.records().any(|record| is_of_call(record.message_type()));
        if !opened && (ended || of_call()) {
            missing.push(Missing::Opener);
        }
    }

    fn missing_parts(&self, missing: &mut Vec<Missing>) {
        if let Some(execve) = self.execve() {
            match execve.missing() {
                None => missing.push(Missing::ArgumentCount),
                Some(0) => {}
                Some(count) => missing.push(Missing::Arguments(count)),
            }
        }
        let mut items: Vec<u32> = self
            .records_of(MessageType::PATH)
            .filter_map(|record| item(record).or_else(|| record.field("item")?.decimal()))
            .collect();
        items.sort_unstable();
        items.dedup();
        if let Some(highest) = items.last() {
            let received = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let lacking = highest.saturating_add(1).saturating_sub(received);
            if lacking > 0 {
                missing.push(Missing::Paths(lacking));
            }
        }
    }
}

/// What the records of an event up to now tell, as far as it costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    truncated: bool,
    opened: bool,
    of_call: bool,
    paths: u32,
    /// `PATH` records did not come in the order of their numbers.
    is_out_of_order: bool,
    execves: u32,
    /// An `EXECVE` record did not have all arguments.
    is_partial: bool,
}

impl Progress {
    #[inline(always)]
    pub(super) fn add(&mut self, record: &Record<'_>, truncated: bool) {
        self.truncated |= truncated;
        let message_type = record.message_type();
        self.opened |= matches!(message_type, MessageType::SYSCALL | MessageType::URINGOP);
        self.of_call |= is_of_call(message_type);
        if message_type == MessageType::PATH {
            self.is_out_of_order |= item(*record) != Some(self.paths);
            self.paths += 1;
        } else if message_type == MessageType::EXECVE {
            self.is_partial |= !has_all_arguments(*record);
            self.execves += 1;
        }
    }

    /// Tells whether paths and arguments are those of a usual event: one record of arguments that
    /// has all, and paths in their order.
    const fn looks_well(&self) -> bool {
        !self.is_out_of_order && !self.is_partial && self.execves <= 1
    }
}

/// Tells whether such a record comes behind that of a call only.
///
/// Source: `kernel/auditsc.c`, `audit_log_exit`, which logs nothing more if the first one fails.
const fn is_of_call(message_type: MessageType) -> bool {
    matches!(
        message_type,
        MessageType::PATH | MessageType::CWD | MessageType::EXECVE | MessageType::PROCTITLE
    )
}

/// Reads the number of a `PATH` record where the kernel writes it, at the beginning.
fn item(record: Record<'_>) -> Option<u32> {
    let rest = record.body().strip_prefix(b"item=")?;
    let (digit, rest) = rest.split_first()?;
    match rest.first() {
        None | Some(b' ') => (*digit as char).to_digit(10),
        Some(_) => None, // more than one digit, or something else
    }
}

/// Tells whether an `EXECVE` record has the number of arguments, and then each of them, whole, in its
/// order and nothing else, as the kernel writes it where there is room.
///
/// A value in quotes must end behind the next quote: else its end is somewhere else, and what looks
/// like arguments is a part of it.
#[inline(never)]
fn has_all_arguments(record: Record<'_>) -> bool {
    let Some(rest) = record.body().strip_prefix(b"argc=") else { return false };
    let Some((count, fields)) = number(rest) else { return false };
    // the window looks at whole records, which seldom are shorter than it is
    let text = record.text();
    let mut ends = ByteScanner::<b'"'>::new();
    let (mut place, mut index) = (text.len() - fields.len(), 0);
    while let Some([b' ', b'a', field @ ..]) = text.get(place..) {
        let (number, value) = match field {
            [digit @ b'0'..=b'9', b'=', value @ ..] => (usize::from(digit - b'0'), value),
            _ => match number(field) {
                Some((number, [b'=', value @ ..])) => (number, value),
                _ => return false,
            },
        };
        if number != index {
            return false;
        }
        let at = text.len() - value.len();
        place = match value.first() {
            Some(b'"') => {
                let end = ends.find(text, at + 1);
                if text.get(end) != Some(&b'"') {
                    return false;
                }
                end + 1
            }
            Some(b'\'' | b'{') => return false,
            _ => ends.find(text, at),
        };
        index += 1;
    }
    place == text.len() && index == count
}

/// Reads a number of few digits, and returns what is behind it.
fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        number = number * 10 + usize::from(digit - b'0');
        rest = tail;
        if number > 99_999_999 {
            break;
        }
    }
    if rest.len() < text.len() { Some((number, rest)) } else { None }
}
