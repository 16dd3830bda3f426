//! What an event lacks, as far as its own records show.

use std::fmt;

use super::{ClosedBy, Event};
use crate::arch::Arch;
use crate::macros::pad;
use crate::message_type::{MessageType, RecordRole};
use crate::record::{ByteScanner, Record};

/// Something that an event's own records show to be missing.
///
/// # Examples
///
/// ```
/// use auditlink::event::Missing;
///
/// assert_eq!(Missing::Paths(2).to_string(), "paths:2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// The end record of a call. Other records of the event may be missing too.
    ///
    /// A rule that excludes the type `EOE` has the same effect.
    EndRecord,
    /// The record of the call, to which the received records belong.
    Opener,
    /// The record with the number of a program's arguments: the first or only `EXECVE`.
    ArgumentCount,
    /// This number of a program's arguments, or parts of them.
    Arguments(u32),
    /// This number of `PATH` records, according to their item numbers.
    Paths(u32),
    /// The ends of this number of records: see [`Cause::Truncated`](super::Cause::Truncated).
    Tails(u32),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndRecord => f.pad("end_record"),
            Self::Opener => f.pad("opener"),
            Self::ArgumentCount => f.pad("argument_count"),
            Self::Arguments(count) => pad(f, format_args!("arguments:{count}")),
            Self::Paths(count) => pad(f, format_args!("paths:{count}")),
            Self::Tails(count) => pad(f, format_args!("tails:{count}")),
        }
    }
}

impl Event {
    /// Returns what the event lacks; empty if its records show nothing to be missing.
    ///
    /// The field `items=` is not used, because the kernel also counts names that it does not log.
    ///
    /// A continuation is a part of an event, so only truncated records are reported for it.
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

    /// Returns whether [`missing`](Self::missing) is empty, at a fraction of its cost.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let mut progress = Progress::default();
        for (record, truncated) in self.records().with_flags() {
            progress.add(&record, truncated);
        }
        self.is_whole_after(progress)
    }

    /// As [`is_whole`](Self::is_whole), for a caller that followed the records' progress.
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
        let has_all_parts =
            || progress.has_all_parts() && (progress.execves > 0 || !self.has_executed());
        !lacks_end && !lacks_opener && (has_all_parts() || self.missing().is_empty())
    }

    /// Returns whether its call executed a program. Then it has an `EXECVE` record.
    ///
    /// Source: `fs/exec.c`, `exec_binprm`, which calls `audit_bprm` after a success.
    fn has_executed(&self) -> bool {
        let is_exec = |name| matches!(name, Some("execve" | "execveat"));
        self.records_of(MessageType::SYSCALL).next().is_some_and(|record| {
            // the kernel writes both numbers first: for most calls they decide
            match numbers(record.body()) {
                Some((arch, number)) if !is_exec(arch.syscall_name(number)) => false,
                _ => record
                    .as_syscall()
                    .is_some_and(|call| call.success() == Some(true) && is_exec(call.name())),
            }
        })
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
        } else if self.has_executed() {
            missing.push(Missing::ArgumentCount);
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

/// What the records of an event show up to now, as far as that is cheap to compute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    truncated: bool,
    opened: bool,
    of_call: bool,
    paths: u32,
    /// Whether `PATH` records are not in the order of their item numbers.
    is_out_of_order: bool,
    execves: u32,
    /// Whether an `EXECVE` record does not have all arguments.
    is_partial: bool,
}

impl Progress {
    #[inline(always)]
    pub(super) fn add(&mut self, record: &Record<'_>, truncated: bool) {
        self.truncated |= truncated;
        let message_type = record.received_type();
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

    /// Returns whether no path or argument can be missing: one record has all arguments, and the paths
    /// are in order.
    const fn has_all_parts(&self) -> bool {
        !self.is_out_of_order && !self.is_partial && self.execves <= 1
    }
}

/// Returns whether records of this type only follow that of a call.
///
/// Source: `kernel/auditsc.c`, `audit_log_exit`, which logs no further records if the first one fails.
pub(super) const fn is_of_call(message_type: MessageType) -> bool {
    matches!(
        message_type,
        MessageType::PATH | MessageType::CWD | MessageType::EXECVE | MessageType::PROCTITLE
    )
}

/// Reads the numbers of the architecture and of the call from the start of a `SYSCALL` record.
fn numbers(body: &[u8]) -> Option<(Arch, u32)> {
    let (arch, rest) = body.strip_prefix(b"arch=")?.split_first_chunk::<8>()?;
    let (call, rest) = number(rest.strip_prefix(b" syscall=")?)?;
    let mut number_of_arch = 0;
    for digit in arch {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number_of_arch = number_of_arch << 4 | u32::from(digit);
    }
    let is_whole = rest.first() == Some(&b' ');
    is_whole.then_some((Arch::new(number_of_arch), u32::try_from(call).ok()?))
}

/// Reads the item number of a `PATH` record from the start of its body, where the kernel writes it.
fn item(record: Record<'_>) -> Option<u32> {
    let rest = record.body().strip_prefix(b"item=")?;
    let (digit, rest) = rest.split_first()?;
    match rest.first() {
        None | Some(b' ') => (*digit as char).to_digit(10),
        Some(_) => None, // more than one digit, or not a number
    }
}

/// Returns whether an `EXECVE` record consists of the number of arguments and then each of them, whole
/// and in order, as the kernel writes it if all arguments fit into one record.
///
/// A quoted value must end at the next quote. Otherwise it ends later, and what looks like further
/// arguments is part of the value.
#[inline(never)]
fn has_all_arguments(record: Record<'_>) -> bool {
    let Some(rest) = record.body().strip_prefix(b"argc=") else { return false };
    let Some((count, fields)) = number(rest) else { return false };
    // the scanner reads the whole record, which is seldom shorter than a block
    let text = record.text();
    let mut ends = ByteScanner::<b'"'>::new();
    let (mut position, mut index) = (text.len() - fields.len(), 0);
    while let Some([b' ', b'a', field @ ..]) = text.get(position..) {
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
        position = match value.first() {
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
    position == text.len() && index == count
}

/// Reads a number of at most nine digits, and returns it with the rest of the text.
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
