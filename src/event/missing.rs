//! What an event lacks, judged by what its own records announce.

use std::fmt;

use super::{ClosedBy, Event};
use crate::message_type::{Class, MessageType};

/// Something that an event's own records announce, and that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// A call was recorded, its end record was not: others may be missing too.
    ///
    /// A rule that excludes the type `EOE` has the same effect.
    EndRecord,
    /// The end record came, the record of the call did not.
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

    fn missing_ends(&self, missing: &mut Vec<Missing>) {
        let opened = self.records().any(|record| record.message_type().class() == Class::Opens);
        let ended = self.closed_by() == ClosedBy::EndRecord;
        if opened && !ended && self.end_expected {
            missing.push(Missing::EndRecord);
        }
        if ended && !opened {
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
            .filter_map(|record| record.field("item")?.decimal())
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
