//! Settings of the kernel, changed together and put back together.

use std::fmt;

use crate::wire::status::{Enabled, FailureMode, Mask, Status};

/// Settings to change; what is not named is not touched.
///
/// [`Control::configure`](crate::Control::configure) makes the changes and returns the former values as
/// another `Settings`, which puts them back. It prints as the options of auditctl(8): what is kept in
/// a file is put back by `auditctl -R FILE`, even if the process that changed it was killed.
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
    backlog_limit: Option<u32>,
    backlog_wait_time: Option<u32>,
    rate_limit: Option<u32>,
    failure: Option<FailureMode>,
    enabled: Option<bool>,
    /// Whether the failure mode may be panic: only if it was that before.
    may_panic: bool,
}

impl Settings {
    /// Changes nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            backlog_limit: None,
            backlog_wait_time: None,
            rate_limit: None,
            failure: None,
            enabled: None,
            may_panic: false,
        }
    }

    /// Sets what a lossless set-up needs: a queue of 8,192 records, 15,000 ticks (a minute at
    /// HZ=250) for which a process waits for room in it, and no rate limit.
    ///
    /// Rather than lose a record, the kernel then makes the process wait that makes it. Each can be
    /// set otherwise behind it. The failure mode is not touched, nor is auditing turned on. The
    /// reader's part is a large [receive buffer](crate::receiver::ReceiverBuilder::receive_buffer) and,
    /// if the consumer may be slow, a [`Pump`](crate::Pump).
    #[must_use]
    pub const fn lossless() -> Self {
        Self::new().backlog_limit(8_192).backlog_wait_time(15_000).rate_limit(0)
    }

    /// Sets how many records the kernel queues for the daemon; 0 for no limit.
    #[must_use]
    pub const fn backlog_limit(mut self, records: u32) -> Self {
        self.backlog_limit = Some(records);
        self
    }

    /// Sets how long a process may be made to wait for room in the queue, in kernel ticks
    /// (jiffies: 250 are a second at HZ=250). At most ten minutes; 0 loses instead of waiting.
    ///
    /// # Kernel version
    ///
    /// Since 3.14.
    #[must_use]
    pub const fn backlog_wait_time(mut self, ticks: u32) -> Self {
        self.backlog_wait_time = Some(ticks);
        self
    }

    /// Sets how many records a second the kernel lets through; 0 for no limit.
    #[must_use]
    pub const fn rate_limit(mut self, records: u32) -> Self {
        self.rate_limit = Some(records);
        self
    }

    /// Sets what the kernel does when it cannot record: silent or printk. That it shall panic has a
    /// call of its own, [`Control::panic_on_loss`](crate::Control::panic_on_loss).
    #[must_use]
    pub const fn failure(mut self, mode: FailureMode) -> Self {
        self.failure = Some(mode);
        self
    }

    /// Turns auditing on or off. Locking it has a call of its own,
    /// [`Control::lock`](crate::Control::lock).
    #[must_use]
    pub const fn enabled(mut self, on: bool) -> Self {
        self.enabled = Some(on);
        self
    }

    /// The changes one by one; limits come before auditing is turned on.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&'static str, Mask, Status)> + use<> {
        let limit = self.backlog_limit.map(|backlog_limit| {
            let status = Status { backlog_limit, ..Status::zero() };
            ("set the backlog limit", Mask::BACKLOG_LIMIT, status)
        });
        let wait = self.backlog_wait_time.map(|ticks| {
            let status = Status { backlog_wait_time: Some(ticks), ..Status::zero() };
            ("set the backlog wait time", Mask::BACKLOG_WAIT_TIME, status)
        });
        let rate = self.rate_limit.map(|rate_limit| {
            let status = Status { rate_limit, ..Status::zero() };
            ("set the rate limit", Mask::RATE_LIMIT, status)
        });
        let failure = self.failure.map(|failure| {
            ("set the failure mode", Mask::FAILURE, Status { failure, ..Status::zero() })
        });
        let enabled = self.enabled.map(|on| {
            let enabled = if on { Enabled::ON } else { Enabled::OFF };
            ("turn auditing on or off", Mask::ENABLED, Status { enabled, ..Status::zero() })
        });
        [limit, wait, rate, failure, enabled].into_iter().flatten()
    }

    /// Tells whether the kernel would be told to panic, and it was not so before.
    pub(crate) fn asks_for_panic(&self) -> bool {
        self.failure == Some(FailureMode::PANIC) && !self.may_panic
    }

    /// The present values of the settings that `self` names.
    pub(crate) fn former(&self, status: &Status) -> Self {
        Self {
            backlog_limit: self.backlog_limit.map(|_| status.backlog_limit),
            backlog_wait_time: self.backlog_wait_time.and(status.backlog_wait_time),
            rate_limit: self.rate_limit.map(|_| status.rate_limit),
            failure: self.failure.map(|_| status.failure),
            may_panic: self.failure.is_some() && status.failure == FailureMode::PANIC,
            enabled: self.enabled.map(|_| status.enabled != Enabled::OFF),
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            ("-b", self.backlog_limit),
            ("--backlog_wait_time", self.backlog_wait_time),
            ("-r", self.rate_limit),
            ("-f", self.failure.map(FailureMode::number)),
            ("-e", self.enabled.map(u32::from)),
        ];
        lines.into_iter().try_for_each(|(option, value)| match value {
            Some(value) => writeln!(f, "{option} {value}"),
            None => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_changed() {
        let settings = Settings::new().backlog_limit(8192).enabled(true);
        let masks: Vec<_> = settings.steps().map(|(_, mask, _)| mask).collect();
        assert_eq!(masks, [Mask::BACKLOG_LIMIT, Mask::ENABLED]);
        assert_eq!(Settings::new().steps().count(), 0);
    }

    #[test]
    fn the_former_values_are_those_of_the_named_settings() {
        let status = Status { backlog_limit: 64, rate_limit: 9, ..Status::zero() };
        let former = Settings::new().backlog_limit(8192).enabled(true).former(&status);
        assert_eq!(former, Settings::new().backlog_limit(64).enabled(false));
    }

    #[test]
    fn panic_is_put_back_but_not_asked_for() {
        let settings = Settings::new().failure(FailureMode::PANIC);
        assert!(settings.asks_for_panic());
        let status = Status { failure: FailureMode::PANIC, ..Status::zero() };
        assert!(!Settings::new().failure(FailureMode::SILENT).former(&status).asks_for_panic());
        assert!(!Settings::new().former(&status).asks_for_panic());
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
