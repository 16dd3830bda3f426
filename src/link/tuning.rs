//! Settings of the kernel, changed together and put back together.

use crate::wire::status::{Enabled, FailureMode, Mask, Status};

/// Settings to change; what is not named is not touched.
///
/// [`Control::tune`](crate::Control::tune) makes the changes and returns the former values as
/// another `Tuning`, which puts them back.
///
/// # Examples
///
/// ```
/// use auditlink::Tuning;
///
/// let tuning = Tuning::new().backlog_limit(8_192).enabled(true);
/// assert_ne!(tuning, Tuning::new());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tuning {
    backlog_limit: Option<u32>,
    backlog_wait_time: Option<u32>,
    rate_limit: Option<u32>,
    failure: Option<FailureMode>,
    enabled: Option<bool>,
}

impl Tuning {
    /// Changes nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            backlog_limit: None,
            backlog_wait_time: None,
            rate_limit: None,
            failure: None,
            enabled: None,
        }
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

    /// Sets what the kernel does when it cannot record.
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
    pub(super) fn steps(&self) -> impl Iterator<Item = (&'static str, Mask, Status)> + use<> {
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

    /// The present values of the settings that `self` names.
    pub(super) fn former(&self, status: &Status) -> Self {
        Self {
            backlog_limit: self.backlog_limit.map(|_| status.backlog_limit),
            backlog_wait_time: self.backlog_wait_time.and(status.backlog_wait_time),
            rate_limit: self.rate_limit.map(|_| status.rate_limit),
            failure: self.failure.map(|_| status.failure),
            enabled: self.enabled.map(|_| status.enabled != Enabled::OFF),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_changed() {
        let tuning = Tuning::new().backlog_limit(8192).enabled(true);
        let masks: Vec<_> = tuning.steps().map(|(_, mask, _)| mask).collect();
        assert_eq!(masks, [Mask::BACKLOG_LIMIT, Mask::ENABLED]);
        assert_eq!(Tuning::new().steps().count(), 0);
    }

    #[test]
    fn the_former_values_are_those_of_the_named_settings() {
        let status = Status { backlog_limit: 64, rate_limit: 9, ..Status::zero() };
        let former = Tuning::new().backlog_limit(8192).enabled(true).former(&status);
        assert_eq!(former, Tuning::new().backlog_limit(64).enabled(false));
    }
}
