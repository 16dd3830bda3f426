//! Who a process is, for ever.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::decode::DecodeError;

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
    /// A boot that nobody told of, such as that of a capture.
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

/// One life of a process: its number is used again when it is over, its identity is not.
///
/// It never depends on the wall clock, and never changes once it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    boot: BootId,
    pid: u32,
    start: Start,
}

/// What tells the lives of one number apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Start {
    /// When it was started, in clock ticks since boot: field 22 of /proc/PID/stat.
    Ticks(u64),
    /// It was gone before anybody could look: the time since boot at which the kernel's process
    /// connector told of its birth.
    SinceBoot(Duration),
    /// It was gone before anybody could look, and the connector is not there: the serial number of
    /// the event by which it became known.
    Event(u32),
}

impl ProcessId {
    /// Makes an identity from its parts.
    #[must_use]
    pub const fn new(boot: BootId, pid: u32, start: Start) -> Self {
        Self { boot, pid, start }
    }

    /// Returns the boot in which it lives.
    #[must_use]
    pub const fn boot(self) -> BootId {
        self.boot
    }

    /// Returns its number, in the initial pid namespace.
    #[must_use]
    pub const fn pid(self) -> u32 {
        self.pid
    }

    /// Returns what tells it from other processes with its number.
    #[must_use]
    pub const fn start(self) -> Start {
        self.start
    }

    /// Returns when it was started, in clock ticks since boot, exactly as /proc says.
    ///
    /// `None` if it was gone before anybody could look;
    /// [`Process::start_range`](super::Process::start_range) tells what is possible then.
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
        match self.start {
            Start::Ticks(ticks) => write!(f, "{}@{ticks}", self.pid),
            Start::SinceBoot(at) => write!(f, "{}@{}ns", self.pid, at.as_nanos()),
            Start::Event(serial) => write!(f, "{}#{serial}", self.pid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_read_as_it_prints() {
        let text = "00000000-0000-0000-0000-0000000000ff";
        assert_eq!(text.parse::<BootId>().expect("an id").to_string(), text);
        assert_eq!(format!("{text}\n").parse::<BootId>().expect("an id"), BootId(255));
        for wrong in ["", "-", "x", "+0000000000000000000000000000000", &"f".repeat(33)] {
            assert!(wrong.parse::<BootId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lives_of_one_number_differ() {
        let life = |start| ProcessId::new(BootId::UNKNOWN, 7, start);
        let all = [
            life(Start::Ticks(9)),
            life(Start::Ticks(10)),
            life(Start::Event(9)),
            life(Start::SinceBoot(Duration::from_nanos(9))),
        ];
        let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["7@9", "7@10", "7#9", "7@9ns"]);
        assert_eq!(all.map(ProcessId::start_ticks), [Some(9), Some(10), None, None]);
    }
}
