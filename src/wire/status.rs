//! `struct audit_status` and `struct audit_features`: the kernel's settings and counters.

use std::fmt;

use bitflags::bitflags;

use crate::decode::{Cursor, DecodeError};
use crate::macros::kernel_number;
use crate::setting::Setting;

kernel_number! {
    /// What the kernel does when it cannot record: the values of [`Setting::Failure`].
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FAIL_*`.
    FailureMode(u32)
}

impl FailureMode {
    /// The kernel continues and reports nothing.
    #[doc(alias = "AUDIT_FAIL_SILENT")]
    pub const SILENT: Self = Self(0);
    /// The kernel writes to its log; the default.
    #[doc(alias = "AUDIT_FAIL_PRINTK")]
    pub const PRINTK: Self = Self(1);
    /// The kernel panics on **any** lost record.
    #[doc(alias = "AUDIT_FAIL_PANIC")]
    pub const PANIC: Self = Self(2);
}

impl fmt::Display for FailureMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SILENT => f.pad("silent"),
            Self::PRINTK => f.pad("printk"),
            Self::PANIC => f.pad("panic"),
            Self(other) => fmt::Display::fmt(&other, f),
        }
    }
}

kernel_number! {
    /// Whether auditing is on: the values of [`Setting::Enabled`].
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
            Self(other) => fmt::Display::fmt(&other, f),
        }
    }
}

bitflags! {
    /// What the kernel supports: `feature_bitmap` of the status.
    ///
    /// Bits without a name here are kept.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FEATURE_BITMAP_*`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct FeatureBitmap: u32 {
        /// The backlog limit can be set.
        const BACKLOG_LIMIT = 0x01;
        /// The backlog wait time can be set.
        const BACKLOG_WAIT_TIME = 0x02;
        /// Rules can name a program (`exe`).
        const EXECUTABLE_PATH = 0x04;
        /// The `exclude` list supports other fields than the message type.
        const EXCLUDE_EXTEND = 0x08;
        /// Rules can name a session.
        const SESSIONID_FILTER = 0x10;
        /// The counter of lost records can be reset.
        const LOST_RESET = 0x20;
        /// Rules can be added to the `filesystem` list.
        const FILTER_FS = 0x40;
        const _ = !0;
    }
}

/// Prints bit flags by their names, such as `BACKLOG_LIMIT | LOST_RESET`; unknown bits as one number.
macro_rules! display_flags {
    ($($flags:ty),*) => {
        $(
            impl fmt::Display for $flags {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    let mut text = String::new();
                    bitflags::parser::to_writer(self, &mut text)?;
                    f.pad(&text)
                }
            }
        )*
    };
}

display_flags!(FeatureBitmap, FeatureSwitches);

/// The kernel's settings and counters; it prints as `auditctl -s`.
///
/// Kernels send 32 bytes (before 3.14), 40 (to 5.4), or 44; bytes that a newer kernel appends are kept.
/// A value that the kernel did not send is zero or `None`.
///
/// # Examples
///
/// ```
/// use auditlink::control::Setting;
/// use auditlink::wire::status::Status;
///
/// // enabled, failure, pid, rate_limit, backlog_limit, lost, backlog; the first is a mask
/// let payload: Vec<u8> =
///     [0_u32, 1, 1, 4711, 0, 64, 3, 2].into_iter().flat_map(u32::to_ne_bytes).collect();
/// let status = Status::parse(&payload)?;
/// assert_eq!(status.lost, 3);
/// assert_eq!(status.setting(Setting::BacklogLimit), Some(64));
/// assert!(status.to_string().starts_with("enabled 1\nfailure 1\npid 4711\n"));
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
///
/// Source: `include/uapi/linux/audit.h`, `struct audit_status`; `kernel/audit.c`,
/// `audit_receive_msg`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether auditing is on.
    pub enabled: Enabled,
    /// What the kernel does when it cannot record.
    pub failure: FailureMode,
    /// The PID of the process that registered as the daemon, 0 if none. It may have exited.
    pub pid: u32,
    /// The number of records per second that the kernel accepts, 0 for no limit.
    pub rate_limit: u32,
    /// The number of records that the kernel queues for the daemon, 0 for no limit.
    pub backlog_limit: u32,
    /// The number of records and events that were lost since boot or the last reset: mixed units.
    pub lost: u32,
    /// The number of records in the main queue; the retry queue and the hold queue are not counted.
    pub backlog: u32,
    /// What the kernel supports.
    pub features: FeatureBitmap,
    /// How long a process may have to wait for room in the queue, in kernel ticks (jiffies).
    pub backlog_wait_time: Option<u32>,
    /// How long processes have waited in total, in kernel ticks (jiffies). Since kernel 5.9.
    pub backlog_wait_time_actual: Option<u32>,
    /// Bytes after the fields that are known here.
    pub tail: Vec<u8>,
}

impl Status {
    /// Reads the payload of the kernel's reply.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Short`] below 32 bytes, the shortest struct that any kernel sends.
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

    /// Returns the length of the kernel's queue as a fraction of its limit. Above 1.0, processes wait
    /// or records are lost. `None` if the queue has no limit.
    #[must_use]
    pub fn pressure(&self) -> Option<f64> {
        let limit = Some(self.backlog_limit).filter(|limit| *limit > 0)?;
        Some(f64::from(self.backlog) / f64::from(limit))
    }

    /// Returns the kernel's number for a setting; `None` if this kernel does not have it.
    #[must_use]
    pub const fn setting(&self, setting: Setting) -> Option<u32> {
        Some(match setting {
            Setting::BacklogLimit => self.backlog_limit,
            Setting::BacklogWaitTime => return self.backlog_wait_time,
            Setting::RateLimit => self.rate_limit,
            Setting::Failure => self.failure.0,
            Setting::Enabled => self.enabled.0,
        })
    }

    const fn set(&mut self, setting: Setting, value: u32) {
        match setting {
            Setting::BacklogLimit => self.backlog_limit = value,
            Setting::BacklogWaitTime => self.backlog_wait_time = Some(value),
            Setting::RateLimit => self.rate_limit = value,
            Setting::Failure => self.failure = FailureMode(value),
            Setting::Enabled => self.enabled = Enabled(value),
        }
    }

    /// Iterates over the names and values of the fields, as `auditctl -s` and the JSON form have them.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, Option<u32>)> + use<> {
        let Self {
            enabled,
            failure,
            pid,
            rate_limit,
            backlog_limit,
            lost,
            backlog,
            features: _,
            backlog_wait_time,
            backlog_wait_time_actual,
            tail: _,
        } = self;
        [
            (Setting::Enabled.name(), Some(enabled.0)),
            (Setting::Failure.name(), Some(failure.0)),
            ("pid", Some(*pid)),
            (Setting::RateLimit.name(), Some(*rate_limit)),
            (Setting::BacklogLimit.name(), Some(*backlog_limit)),
            ("lost", Some(*lost)),
            ("backlog", Some(*backlog)),
            (Setting::BacklogWaitTime.name(), *backlog_wait_time),
            ("backlog_wait_time_actual", *backlog_wait_time_actual),
        ]
        .into_iter()
    }

    /// Writes the struct as the kernel sends it, up to the length that was received.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.to_request(0);
        if self.backlog_wait_time_actual.is_none() {
            bytes.truncate(40);
        }
        if self.backlog_wait_time.is_none() {
            bytes.truncate(36);
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// Writes all known fields: the kernel refuses a wait time in a struct shorter than its own.
    fn to_request(&self, mask: u32) -> Vec<u8> {
        let Self {
            enabled,
            failure,
            pid,
            rate_limit,
            backlog_limit,
            lost,
            backlog,
            features,
            backlog_wait_time,
            backlog_wait_time_actual,
            tail: _,
        } = self;
        let words = [
            mask,
            enabled.0,
            failure.0,
            *pid,
            *rate_limit,
            *backlog_limit,
            *lost,
            *backlog,
            features.bits(),
            backlog_wait_time.unwrap_or(0),
            backlog_wait_time_actual.unwrap_or(0),
        ];
        words.into_iter().flat_map(u32::to_ne_bytes).collect()
    }

    /// Returns a status in which every field is zero.
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

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields().try_for_each(|(name, value)| match value {
            Some(value) => writeln!(f, "{name} {value}"),
            None => Ok(()),
        })
    }
}

/// What one `AUDIT_SET` request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A setting, to this value.
    Setting(Setting, u32),
    /// The PID of the registered daemon; 0 unregisters it.
    Daemon(u32),
    /// The counter of lost records, to zero.
    ResetLost,
    /// The time that processes have waited, to zero.
    ResetWaitTimeActual,
}

impl Change {
    /// Writes the payload of the request.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut status = Status::zero();
        let mask = match self {
            Self::Setting(setting, value) => {
                status.set(setting, value);
                setting.mask()
            }
            Self::Daemon(pid) => {
                status.pid = pid;
                PID_MASK
            }
            Self::ResetLost => LOST_MASK,
            Self::ResetWaitTimeActual => WAIT_TIME_ACTUAL_MASK,
        };
        status.to_request(mask)
    }
}

/// The bits that select the fields of a request that are not settings: `AUDIT_STATUS_PID`,
/// `AUDIT_STATUS_LOST`, `AUDIT_STATUS_BACKLOG_WAIT_TIME_ACTUAL`.
const PID_MASK: u32 = 0x04;
const LOST_MASK: u32 = 0x40;
const WAIT_TIME_ACTUAL_MASK: u32 = 0x80;

bitflags! {
    /// Switches that protect login user ids (auid): `struct audit_features`.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FEATURE_*`. Kernel version: 3.13.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct FeatureSwitches: u32 {
        /// A process may set its login user id only while it is unset.
        const ONLY_UNSET_LOGINUID = 0x1;
        /// A login user id cannot be changed once it is set.
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
    /// The switches that cannot be changed until the next boot.
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
    fn each_request_selects_a_field_of_its_own() {
        let others = [PID_MASK, LOST_MASK, WAIT_TIME_ACTUAL_MASK];
        let masks = Setting::ALL.iter().map(|setting| setting.mask()).chain(others);
        let mut all = 0;
        for mask in masks {
            assert_eq!((mask.count_ones(), all & mask), (1, 0), "{mask:#x}");
            all |= mask;
        }
    }

    #[test]
    fn all_lengths_that_kernels_send() {
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
    fn pressure_is_a_fraction_of_the_limit() {
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
    fn a_shorter_struct_is_refused() {
        for length in 0..32 {
            let sent = bytes(&WORDS);
            assert!(matches!(Status::parse(&sent[..length]), Err(DecodeError::Short { .. })));
        }
    }

    #[test]
    fn netlink_packet_audit_parses_40_bytes_the_same_and_refuses_32() {
        use netlink_packet_audit::{StatusMessage, StatusMessageBuffer};
        use netlink_packet_core::Parseable;
        let theirs = |length: usize| {
            let sent = bytes(&WORDS);
            let buffer = StatusMessageBuffer::new_checked(sent[..length].to_vec()).ok()?;
            StatusMessage::parse(&buffer).ok()
        };
        let agreed = theirs(40).expect("it parses 40 bytes");
        let ours = Status::parse(&bytes(&WORDS)).expect("long enough");
        assert_eq!(agreed.pid, ours.pid);
        assert_eq!(agreed.backlog_limit, ours.backlog_limit);
        assert_eq!(Some(agreed.backlog_wait_time), ours.backlog_wait_time);
        assert!(theirs(32).is_none(), "it refuses the struct of kernels before 3.14");
    }

    #[test]
    fn a_change_is_these_bytes() {
        for (change, words) in [
            (Change::Setting(Setting::Enabled, 2), [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (Change::Setting(Setting::Failure, 1), [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            (Change::Daemon(7), [4, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]),
            (Change::Setting(Setting::RateLimit, 9), [8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0]),
            (Change::Setting(Setting::BacklogLimit, 64), [16, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0]),
            (Change::Setting(Setting::BacklogWaitTime, 5), [32, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0]),
            (Change::ResetLost, [64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (Change::ResetWaitTimeActual, [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(change.to_bytes(), bytes(&words), "{change:?}");
        }
    }

    #[test]
    fn every_setting_is_a_field_of_the_status() {
        for (value, setting) in (1..).zip(Setting::ALL) {
            let mut status = Status::zero();
            status.set(*setting, value);
            assert_eq!(status.setting(*setting), Some(value));
            assert!(status.fields().any(|field| field == (setting.name(), Some(value))));
        }
    }

    #[test]
    fn values_print_with_a_width() {
        let features = FeatureBitmap::BACKLOG_LIMIT | FeatureBitmap::from_bits_retain(0x100);
        assert_eq!(format!("{features:24}|"), "BACKLOG_LIMIT | 0x100   |");
        assert_eq!(format!("{:>7} {:>3}", FailureMode::PANIC, Enabled::new(9)), "  panic   9");
    }

    #[test]
    fn it_prints_as_auditctl_does() {
        let status = Status::parse(&bytes(&WORDS)).expect("long enough");
        let expected = "enabled 1\nfailure 1\npid 4711\nrate_limit 10\nbacklog_limit 64\nlost 3\n\
                        backlog 2\nbacklog_wait_time 15000\nbacklog_wait_time_actual 9\n";
        assert_eq!(status.to_string(), expected);
        let oldest = Status::parse(&bytes(&WORDS[..8])).expect("long enough");
        assert!(oldest.to_string().ends_with("backlog 2\n"));
    }

    #[test]
    fn features_are_parsed_and_written() {
        let sent = bytes(&[1, u32::MAX, 2, 3]);
        let features = Features::parse(&sent).expect("16 bytes");
        assert_eq!(features.on, FeatureSwitches::LOGINUID_IMMUTABLE);
        assert_eq!(features.locked.bits(), 3);
        let which = FeatureSwitches::LOGINUID_IMMUTABLE;
        assert_eq!(Features::request(which, which, FeatureSwitches::empty()), bytes(&[1, 2, 2, 0]));
        assert!(Features::parse(&sent[..15]).is_err());
    }
}
