//! What an event lacks, judged by what its own records announce.

use std::fmt;

use super::{ClosedBy, Event};
use crate::message_type::{Class, MessageType};
use crate::record::Record;

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
        let (mut opened, mut of_call, mut next_item) = (false, false, 0_u32);
        let mut execve = None;
        for (record, truncated) in self.records().with_flags() {
            of_call |= is_of_call(record.message_type());
            let looks_well = match record.message_type() {
                _ if truncated => return false,
                MessageType::SYSCALL | MessageType::URINGOP => {
                    opened = true;
                    true
                }
                MessageType::EXECVE => execve.replace(record).is_none(),
                MessageType::PATH => {
                    let is_next = item(record) == Some(next_item);
                    next_item += 1;
                    is_next
                }
                _ => true,
            };
            if !looks_well {
                return self.missing().is_empty();
            }
        }
        if self.is_continuation() {
            return true;
        }
        let ended = self.closed_by() == ClosedBy::EndRecord;
        let lacks_end = opened && !ended && self.end_expected;
        let lacks_opener = !opened && (ended || of_call);
        if lacks_end || lacks_opener {
            return false;
        }
        execve.is_none_or(has_last_argument) || self.missing().is_empty()
    }

    fn missing_ends(&self, missing: &mut Vec<Missing>) {
        let opened = self.records().any(|record| record.message_type().class() == Class::Opens);
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

/// Tells whether the last field of an `EXECVE` record with a number of arguments is the last one,
/// whole: then so are all others, since the kernel writes them in order.
fn has_last_argument(record: Record<'_>) -> bool {
    let body = record.body();
    let last = || {
        let (count, _) = body.strip_prefix(b"argc=")?.split_at(memchr::memchr(b' ', body)? - 5);
        let count: u32 = std::str::from_utf8(count).ok()?.parse().ok()?;
        let field = body.get(memchr::memrchr(b' ', body)? + 1..)?;
        let name = field.strip_prefix(b"a")?.get(..memchr::memchr(b'=', field)? - 1)?;
        let index: u32 = std::str::from_utf8(name).ok()?.parse().ok()?;
        let fields = memchr::memchr_iter(b' ', body).count();
        Some(count.checked_sub(1)? == index && fields == usize::try_from(count).ok()?)
    };
    last() == Some(true)
}
