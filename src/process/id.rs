//! The identity of a process, which PID reuse does not change.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::decode::DecodeError;
use crate::macros::pad;

/// A boot of the kernel, as /proc/sys/kernel/random/boot_id names it.
///
/// # Examples
///
/// ```
/// use auditlink::process::BootId;
///
/// let boot: BootId = "6c1ad5a6-22b4-4b4f-a2f5-5f7f1c1e0f0a".parse()?;
/// assert_eq!(boot.to_string(), "6c1ad5a6-22b4-4b4f-a2f5-5f7f1c1e0f0a");
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(u128);

impl BootId {
    /// An unknown boot, such as that of a capture.
    pub const UNKNOWN: Self = Self(0);
}

impl FromStr for BootId {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.trim().chars().filter(|character| *character != '-').collect();
        if digits.len() != 32 || digits.starts_with('+') {
            return Err(DecodeError::BootId);
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| DecodeError::BootId)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
        for (index, part) in parts.into_iter().enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            write!(f, "{dash}{}", digits.get(part).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The identity of a process: its PID is reused after its end, its identity is not.
///
/// It does not depend on the wall clock, and does not change once it was reported.
///
/// # Examples
///
/// ```
/// use auditlink::process::{BootId, ProcessId, Start};
///
/// let first = ProcessId::new(BootId::UNKNOWN, 4711, Start::Ticks(100_000));
/// let second = ProcessId::new(BootId::UNKNOWN, 4711, Start::Ticks(250_000));
/// assert_ne!(first, second); // the PID was reused
/// assert_eq!(first.to_string(), "4711@100000");
/// assert_eq!(first.start_ticks(), Some(100_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    boot: BootId,
    pid: u32,
    start: Start,
}

/// When a process started, which distinguishes the processes with one PID.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auditlink::process::Start;
///
/// assert_eq!(Start::Ticks(9).to_string(), "@9");
/// assert_eq!(Start::SinceBoot(Duration::from_micros(9)).to_string(), "@9000ns");
/// assert_eq!(Start::Event(9).to_string(), "#9");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Start {
    /// The start time in clock ticks since boot: field 22 of /proc/PID/stat.
    Ticks(u64),
    /// The process was gone before it was looked up: the time since boot at which the kernel's process
    /// connector reported the fork.
    SinceBoot(Duration),
    /// The process was gone before it was looked up, and the connector is not available: the serial of
    /// the event by which the process became known.
    Event(u32),
}

impl ProcessId {
    /// Creates an identity from its parts.
    #[must_use]
    pub const fn new(boot: BootId, pid: u32, start: Start) -> Self {
        Self { boot, pid, start }
    }

    /// Returns the boot during which it runs.
    #[must_use]
    pub const fn boot(self) -> BootId {
        self.boot
    }

    /// Returns its PID in the initial pid namespace.
    #[must_use]
    pub const fn pid(self) -> u32 {
        self.pid
    }

    /// Returns its start, which distinguishes it from other processes with its PID.
    #[must_use]
    pub const fn start(self) -> Start {
        self.start
    }

    /// Returns its start time in clock ticks since boot, exactly as in /proc.
    ///
    /// `None` if it was gone before it was looked up; then
    /// [`Process::start_range`](super::Process::start_range) has the possible start times.
    #[must_use]
    pub const fn start_ticks(self) -> Option<u64> {
        match self.start {
            Start::Ticks(ticks) => Some(ticks),
            Start::SinceBoot(_) | Start::Event(_) => None,
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{}{}", self.pid, self.start))
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticks(ticks) => pad(f, format_args!("@{ticks}")),
            Self::SinceBoot(at) => pad(f, format_args!("@{}ns", at.as_nanos())),
            Self::Event(serial) => pad(f, format_args!("#{serial}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_id_parses_what_it_prints() {
        let text = "00000000-0000-0000-0000-0000000000ff";
        assert_eq!(text.parse::<BootId>().expect("an id").to_string(), text);
        assert_eq!(format!("{text}\n").parse::<BootId>().expect("an id"), BootId(255));
        for wrong in ["", "-", "x", "+0000000000000000000000000000000", &"f".repeat(33)] {
            assert!(wrong.parse::<BootId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn processes_with_one_pid_have_different_identities() {
        let id = |start| ProcessId::new(BootId::UNKNOWN, 7, start);
        let all = [
            id(Start::Ticks(9)),
            id(Start::Ticks(10)),
            id(Start::Event(9)),
            id(Start::SinceBoot(Duration::from_nanos(9))),
        ];
        let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["7@9", "7@10", "7#9", "7@9ns"]);
        assert_eq!(format!("{:>6}|{:<4}|", all[0], all[0].start()), "   7@9|@9  |");
        assert_eq!(all.map(ProcessId::start_ticks), [Some(9), Some(10), None, None]);
    }
}
