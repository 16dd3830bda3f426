//! Settings that are changed together and restored together.

use std::fmt;

use crate::setting::Setting;
use crate::wire::status::{Enabled, FailureMode, Status};

/// Settings to change; all others keep their values.
///
/// [`Control::configure`](crate::Control::configure) makes the changes and returns the former values as
/// another `Settings`, which restores them. It prints as options of auditctl(8), one per line: written
/// to a file before the change, they are restored by `auditctl -R FILE` even if the process was killed.
///
/// # Examples
///
/// ```
/// use auditlink::Settings;
///
/// let settings = Settings::lossless().backlog_limit(16_384).enabled(true);
/// assert_eq!(settings.to_string(), "-b 16384\n--backlog_wait_time 15000\n-r 0\n-e 1\n");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    values: [Option<u32>; Setting::ALL.len()],
    /// Whether the failure mode may be panic, because it was panic before.
    may_panic: bool,
}

impl Settings {
    /// Changes nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: [None; Setting::ALL.len()], may_panic: false }
    }

    /// Sets what a lossless configuration needs: a queue of 8,192 records, 15,000 kernel ticks (a
    /// minute at HZ=250) for which a process waits for room in it, and no rate limit.
    ///
    /// The kernel then makes a process wait rather than lose its record. Each value can be changed by
    /// a later call. The failure mode is kept, and auditing is not enabled. The reader needs a large
    /// [receive buffer](crate::receiver::ReceiverBuilder::receive_buffer) and, if the consumer may be
    /// slow, a [`Pump`](crate::Pump).
    #[must_use]
    pub const fn lossless() -> Self {
        Self::new().backlog_limit(8_192).backlog_wait_time(15_000).rate_limit(0)
    }

    /// Sets a setting to the kernel's number for its value.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Settings;
    /// use auditlink::control::Setting;
    ///
    /// let settings = Settings::new().with(Setting::RateLimit, 100);
    /// assert_eq!(settings, Settings::new().rate_limit(100));
    /// assert_eq!(settings.get(Setting::RateLimit), Some(100));
    /// ```
    #[must_use]
    pub const fn with(mut self, setting: Setting, value: u32) -> Self {
        self.values[setting as usize] = Some(value);
        self
    }

    /// Returns the number that a setting is set to; `None` if it is not changed.
    #[must_use]
    pub const fn get(&self, setting: Setting) -> Option<u32> {
        self.values[setting as usize]
    }

    /// Sets how many records the kernel queues for the daemon; 0 for no limit.
    #[must_use]
    pub const fn backlog_limit(self, records: u32) -> Self {
        self.with(Setting::BacklogLimit, records)
    }

    /// Sets how long a process may have to wait for room in the queue, in kernel ticks (jiffies: at
    /// HZ=250, 250 are a second). At most ten minutes; at 0, records are lost instead.
    ///
    /// # Kernel version
    ///
    /// Since 3.14.
    #[must_use]
    pub const fn backlog_wait_time(self, ticks: u32) -> Self {
        self.with(Setting::BacklogWaitTime, ticks)
    }

    /// Sets how many records per second the kernel accepts; 0 for no limit.
    #[must_use]
    pub const fn rate_limit(self, records: u32) -> Self {
        self.with(Setting::RateLimit, records)
    }

    /// Sets what the kernel does when it cannot record: silent or printk. Panic is set by
    /// [`Control::panic_on_loss`](crate::Control::panic_on_loss) only.
    #[must_use]
    pub const fn failure(self, mode: FailureMode) -> Self {
        self.with(Setting::Failure, mode.number())
    }

    /// Enables or disables auditing. The configuration is locked by
    /// [`Control::lock`](crate::Control::lock) only.
    #[must_use]
    pub const fn enabled(self, on: bool) -> Self {
        let enabled = if on { Enabled::ON } else { Enabled::OFF };
        self.with(Setting::Enabled, enabled.number())
    }

    /// Iterates over the settings to change and their values, in the order of [`Setting::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Setting, u32)> + use<> {
        let values = self.values;
        Setting::ALL.iter().zip(values).filter_map(|(setting, value)| Some((*setting, value?)))
    }

    /// Returns whether the failure mode is to become panic, which it was not before.
    pub(crate) fn requests_panic(&self) -> bool {
        self.get(Setting::Failure) == Some(FailureMode::PANIC.number()) && !self.may_panic
    }

    /// Returns whether the configuration is to be locked.
    pub(crate) fn requests_lock(&self) -> bool {
        self.get(Setting::Enabled) == Some(Enabled::LOCKED.number())
    }

    /// Returns the current values of the settings that `self` changes.
    pub(crate) fn former(&self, status: &Status) -> Self {
        let mut former = Self::new();
        for (setting, _) in self.iter() {
            former.values[setting as usize] = status.setting(setting);
        }
        if former.requests_lock() {
            // it cannot be unlocked, so it need not be locked again
            former = former.enabled(true);
        }
        former.may_panic = former.requests_panic();
        former
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(setting, value)| writeln!(f, "{} {value}", setting.option()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_settings_are_changed() {
        let settings = Settings::new().enabled(true).backlog_limit(8192);
        let changed: Vec<_> = settings.iter().collect();
        assert_eq!(changed, [(Setting::BacklogLimit, 8192), (Setting::Enabled, 1)]);
        assert_eq!(Settings::new().iter().count(), 0);
    }

    #[test]
    fn the_former_values_are_those_of_the_named_settings() {
        let status = Status { backlog_limit: 64, rate_limit: 9, ..Status::zero() };
        let former = Settings::new().backlog_limit(8192).enabled(true).former(&status);
        assert_eq!(former, Settings::new().backlog_limit(64).enabled(false));
        let old_kernel = Settings::new().backlog_wait_time(1).former(&Status::zero());
        assert_eq!(old_kernel, Settings::new(), "it has no wait time");
    }

    #[test]
    fn panic_is_restored_but_not_requested() {
        let settings = Settings::new().failure(FailureMode::PANIC);
        assert!(settings.requests_panic());
        let status = Status { failure: FailureMode::PANIC, ..Status::zero() };
        assert!(!Settings::new().failure(FailureMode::SILENT).former(&status).requests_panic());
        assert!(!Settings::new().former(&status).requests_panic());
    }

    #[test]
    fn a_lock_is_not_restored() {
        let status = Status { enabled: Enabled::LOCKED, ..Status::zero() };
        assert!(Settings::new().with(Setting::Enabled, 2).requests_lock());
        assert!(!Settings::new().enabled(false).former(&status).requests_lock());
    }

    #[test]
    fn it_prints_as_auditctl_reads_it() {
        let status = Status { backlog_limit: 64, failure: FailureMode::PRINTK, ..Status::zero() };
        let former = Settings::lossless().failure(FailureMode::SILENT).former(&status);
        assert_eq!(former.to_string(), "-b 64\n-r 0\n-f 1\n");
        for line in former.to_string().lines() {
            let command = line.parse::<crate::rule::Command>();
            assert!(command.is_ok(), "{line}: {command:?}");
        }
    }
}
