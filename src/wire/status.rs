//! `struct audit_status` and `struct audit_features`: the kernel's settings and counters.

use std::fmt;

use bitflags::bitflags;

use crate::decode::{Cursor, DecodeError};
use crate::macros::kernel_number;

kernel_number! {
    /// What the kernel does when it cannot record: the setting `failure`.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FAIL_*`.
    FailureMode(u32)
}

impl FailureMode {
    /// Goes on without a word.
    #[doc(alias = "AUDIT_FAIL_SILENT")]
    pub const SILENT: Self = Self(0);
    /// Writes to the kernel log; the default.
    #[doc(alias = "AUDIT_FAIL_PRINTK")]
    pub const PRINTK: Self = Self(1);
    /// Halts the machine: **any** lost record is a kernel panic.
    #[doc(alias = "AUDIT_FAIL_PANIC")]
    pub const PANIC: Self = Self(2);
}

impl fmt::Display for FailureMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SILENT => f.pad("silent"),
            Self::PRINTK => f.pad("printk"),
            Self::PANIC => f.pad("panic"),
            Self(other) => write!(f, "{other}"),
        }
    }
}

kernel_number! {
    /// Whether auditing is on: the setting `enabled`.
    Enabled(u32)
}

impl Enabled {
    /// Auditing is off.
    pub const OFF: Self = Self(0);
    /// Auditing is on.
    pub const ON: Self = Self(1);
    /// Auditing is on, and neither rules nor settings can be changed until the next boot.
    pub const LOCKED: Self = Self(2);
}

impl fmt::Display for Enabled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OFF => f.pad("off"),
            Self::ON => f.pad("on"),
            Self::LOCKED => f.pad("locked"),
            Self(other) => write!(f, "{other}"),
        }
    }
}

bitflags! {
    /// What the kernel says it can do: `feature_bitmap` of the status.
    ///
    /// Bits that have no name here are kept.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct FeatureBitmap: u32 {
        /// The backlog limit can be set.
        const BACKLOG_LIMIT = 0x01;
        /// The backlog wait time can be set.
        const BACKLOG_WAIT_TIME = 0x02;
        /// Rules can name a program (`exe`).
        const EXECUTABLE_PATH = 0x04;
        /// The `exclude` list knows more fields than the message type.
        const EXCLUDE_EXTEND = 0x08;
        /// Rules can name a session.
        const SESSIONID_FILTER = 0x10;
        /// The counter of lost records can be reset.
        const LOST_RESET = 0x20;
        /// There is a `filesystem` list.
        const FILTER_FS = 0x40;
        const _ = !0;
    }
}

bitflags! {
    /// The settings that one `AUDIT_SET` request changes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Mask: u32 {
        const ENABLED = 0x01;
        const FAILURE = 0x02;
        const PID = 0x04;
        const RATE_LIMIT = 0x08;
        const BACKLOG_LIMIT = 0x10;
        const BACKLOG_WAIT_TIME = 0x20;
        const LOST = 0x40;
        const BACKLOG_WAIT_TIME_ACTUAL = 0x80;
    }
}

/// The kernel's settings and counters, as `auditctl -s` shows them.
///
/// Kernels send 32 bytes (before 3.14), 40 (to 5.4), or 44; what a newer kernel appends is kept.
/// A value that the kernel did not send is zero or `None`.
///
/// Source: `include/uapi/linux/audit.h`, `struct audit_status`; `kernel/audit.c`,
/// `audit_receive_msg`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether auditing is on.
    pub enabled: Enabled,
    /// What happens when the kernel cannot record.
    pub failure: FailureMode,
    /// The process that registered as the daemon, 0 if none; it may be dead.
    pub pid: u32,
    /// Records per second that the kernel lets through, 0 for no limit.
    pub rate_limit: u32,
    /// Records that the kernel queues for the daemon, 0 for no limit.
    pub backlog_limit: u32,
    /// Records and events lost since boot or the last reset: mixed units.
    pub lost: u32,
    /// Records in the main queue; those parked for a stalled daemon are not counted.
    pub backlog: u32,
    /// What the kernel can do.
    pub features: FeatureBitmap,
    /// How long a process may be made to wait for room in the queue, in kernel ticks (jiffies).
    pub backlog_wait_time: Option<u32>,
    /// How long processes did wait in sum, in kernel ticks (jiffies); since kernel 5.9.
    pub backlog_wait_time_actual: Option<u32>,
    /// Bytes behind the fields that are known here.
    pub tail: Vec<u8>,
}

/// The bytes of a status: eleven words.
const KNOWN_LENGTH: usize = 44;

impl Status {
    /// Reads the payload of the kernel's reply.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Short`] below 32 bytes, the shortest struct that a kernel ever sent.
    pub fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(payload, "the audit status");
        let [_mask, enabled, failure, pid, rate_limit, backlog_limit, lost, backlog] =
            cursor.u32s()?;
        let features = cursor.u32().unwrap_or(0);
        let backlog_wait_time = cursor.u32().ok();
        let backlog_wait_time_actual = cursor.u32().ok();
        Ok(Self {
            enabled: Enabled(enabled),
            failure: FailureMode(failure),
            pid,
            rate_limit,
            backlog_limit,
            lost,
            backlog,
            features: FeatureBitmap::from_bits_retain(features),
            backlog_wait_time,
            backlog_wait_time_actual,
            tail: cursor.rest().to_vec(),
        })
    }

    /// Returns how full the kernel's queue is, 0.0 for empty; above 1.0 processes wait, or records
    /// are lost. `None` if the queue has no limit.
    #[must_use]
    pub fn pressure(&self) -> Option<f64> {
        let limit = Some(self.backlog_limit).filter(|limit| *limit > 0)?;
        Some(f64::from(self.backlog) / f64::from(limit))
    }

    /// Writes the struct as the kernel sends it, as much of it as was received.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Change { mask: Mask::empty(), status: self }.to_bytes();
        if self.backlog_wait_time_actual.is_none() {
            bytes.truncate(40);
        }
        if self.backlog_wait_time.is_none() {
            bytes.truncate(36);
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// A status in which everything is zero, to be filled for a change.
    pub(crate) const fn zero() -> Self {
        Self {
            enabled: Enabled(0),
            failure: FailureMode(0),
            pid: 0,
            rate_limit: 0,
            backlog_limit: 0,
            lost: 0,
            backlog: 0,
            features: FeatureBitmap::empty(),
            backlog_wait_time: None,
            backlog_wait_time_actual: None,
            tail: Vec::new(),
        }
    }
}

/// A request to change the settings in `mask` to those of `status`.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) mask: Mask,
    pub(crate) status: &'a Status,
}

impl Change<'_> {
    /// Writes the whole struct: a kernel refuses a wait time in a struct shorter than its own.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let status = self.status;
        let words = [
            self.mask.bits(),
            status.enabled.0,
            status.failure.0,
            status.pid,
            status.rate_limit,
            status.backlog_limit,
            status.lost,
            status.backlog,
            status.features.bits(),
            status.backlog_wait_time.unwrap_or(0),
            status.backlog_wait_time_actual.unwrap_or(0),
        ];
        let mut bytes = Vec::with_capacity(KNOWN_LENGTH);
        for word in words {
            bytes.extend(word.to_ne_bytes());
        }
        bytes
    }
}

bitflags! {
    /// Switches that guard login users: `struct audit_features`.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FEATURE_*`. Kernel version: 3.13.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct FeatureSwitches: u32 {
        /// A process may set its login user only while it has none.
        const ONLY_UNSET_LOGINUID = 0x1;
        /// No process may change a login user once it is set.
        const LOGINUID_IMMUTABLE = 0x2;
        const _ = !0;
    }
}

/// The switches that are on, and those that are locked until the next boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// The switches that are on.
    pub on: FeatureSwitches,
    /// The switches that cannot be changed any more.
    pub locked: FeatureSwitches,
}

impl Features {
    /// Reads the payload of the kernel's reply.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        let [_version, _mask, on, locked] = Cursor::new(payload, "the audit features").u32s()?;
        Ok(Self {
            on: FeatureSwitches::from_bits_retain(on),
            locked: FeatureSwitches::from_bits_retain(locked),
        })
    }

    /// Writes a request that changes the switches in `which`.
    pub(crate) fn request(
        which: FeatureSwitches,
        on: FeatureSwitches,
        lock: FeatureSwitches,
    ) -> Vec<u8> {
        const AUDIT_FEATURE_VERSION: u32 = 1;
        [AUDIT_FEATURE_VERSION, which.bits(), on.bits(), lock.bits()]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Linux 6.18, x86_64, AUDIT_GET, 2026-11: auditctl -s prints backlog_limit 64, wait 15000.
    const WORDS: [u32; 11] = [0, 1, 1, 4711, 10, 64, 3, 2, 127, 15000, 9];

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn every_length_that_a_kernel_ever_sent() {
        for words in 8..=11 {
            let sent = bytes(&WORDS[..words]);
            let status = Status::parse(&sent).expect("long enough");
            assert_eq!((status.enabled, status.pid, status.lost), (Enabled::ON, 4711, 3));
            assert_eq!(status.backlog_wait_time, (words > 9).then_some(15000));
            assert_eq!(status.backlog_wait_time_actual, (words > 10).then_some(9));
            if words > 8 {
                assert_eq!(status.to_bytes(), sent);
            }
        }
    }

    #[test]
    fn pressure_is_a_part_of_the_limit() {
        let status = Status { backlog: 2, backlog_limit: 64, ..Status::zero() };
        assert_eq!(status.pressure(), Some(2.0 / 64.0));
        assert_eq!(Status::zero().pressure(), None);
    }

    #[test]
    fn a_longer_struct_keeps_its_tail() {
        let sent = [bytes(&WORDS), vec![1, 2, 3, 4, 5]].concat();
        let status = Status::parse(&sent).expect("long enough");
        assert_eq!(status.tail, [1, 2, 3, 4, 5]);
        assert_eq!(status.to_bytes(), sent);
    }

    #[test]
    fn shorter_is_refused() {
        for length in 0..32 {
            let sent = bytes(&WORDS);
            assert!(matches!(Status::parse(&sent[..length]), Err(DecodeError::Short { .. })));
        }
    }

    #[test]
    fn where_netlink_packet_audit_agrees_and_where_it_is_wrong() {
        use netlink_packet_audit::{StatusMessage, StatusMessageBuffer};
        use netlink_packet_core::Parseable;
        let theirs = |length: usize| {
            let sent = bytes(&WORDS);
            let buffer = StatusMessageBuffer::new_checked(sent[..length].to_vec()).ok()?;
            StatusMessage::parse(&buffer).ok()
        };
        let agreed = theirs(40).expect("40 bytes are what it knows");
        let ours = Status::parse(&bytes(&WORDS)).expect("long enough");
        assert_eq!(agreed.pid, ours.pid);
        assert_eq!(agreed.backlog_limit, ours.backlog_limit);
        assert_eq!(Some(agreed.backlog_wait_time), ours.backlog_wait_time);
        assert!(theirs(32).is_none(), "it refuses the struct of kernels before 3.14");
    }

    #[test]
    fn features_read_what_was_asked_for() {
        let sent = bytes(&[1, u32::MAX, 2, 3]);
        let features = Features::parse(&sent).expect("16 bytes");
        assert_eq!(features.on, FeatureSwitches::LOGINUID_IMMUTABLE);
        assert_eq!(features.locked.bits(), 3);
        let which = FeatureSwitches::LOGINUID_IMMUTABLE;
        assert_eq!(Features::request(which, which, FeatureSwitches::empty()), bytes(&[1, 2, 2, 0]));
        assert!(Features::parse(&sent[..15]).is_err());
    }
}
