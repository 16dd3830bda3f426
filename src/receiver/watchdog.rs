//! What the watchdog of a receiver checks and repairs.

use std::path::PathBuf;
use std::time::Duration;

use crate::rule::Ownership;

/// What the watchdog sends to verify that records still arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heartbeat {
    /// Nothing.
    Off,
    /// A user message, which requires `CAP_AUDIT_WRITE`. Its return shows that the kernel queues and sends
    /// records.
    Message,
    /// This program is executed with a unique `argv[0]`, and its `EXECVE` record is awaited. Its
    /// arrival shows that system calls are still recorded. A loaded rule must record the execution,
    /// and the program must exit by itself, as `/bin/true` does.
    Exec(PathBuf),
}

/// Whether the watchdog sends heartbeats; returned by [`Receiver::watch`](crate::Receiver::watch).
///
/// # Examples
///
/// ```no_run
/// use auditlink::Receiver;
/// use auditlink::receiver::{HeartbeatState, WatchdogConfig};
///
/// let mut receiver = Receiver::observer().open()?;
/// if receiver.watch(&WatchdogConfig::new())? == HeartbeatState::Refused {
///     eprintln!("no heartbeats: CAP_AUDIT_WRITE is missing");
/// }
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeartbeatState {
    /// No, as configured, or because no watchdog runs.
    #[default]
    Off,
    /// Yes.
    Sent,
    /// No: the kernel refuses the message, as `CAP_AUDIT_WRITE` is missing. Everything else is checked.
    Refused,
}

/// Whether the watchdog repairs a fault that it reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// The fault is only reported.
    #[default]
    Never,
    /// The fault is repaired each time.
    Always,
}

/// Configures the watchdog that [`Receiver::watch`](crate::Receiver::watch) starts.
///
/// At every interval, and after each `CONFIG_CHANGE` record, the watchdog reads the status and the
/// counter of lost records, compares the loaded rules with the [expected](Self::rules_of) ones and the
/// files that they name with those at the start, and sends a heartbeat. Faults are reported once, as [`Cause::HealthFault`], and their end as
/// [`Cause::HealthRestored`].
///
/// It runs on a separate thread, because requests can block in the kernel.
///
/// [`Cause::HealthFault`]: crate::event::Cause::HealthFault
/// [`Cause::HealthRestored`]: crate::event::Cause::HealthRestored
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use auditlink::Receiver;
/// use auditlink::receiver::{Repair, WatchdogConfig};
///
/// let mut receiver = Receiver::daemon().open()?;
/// let config = WatchdogConfig::new().interval(Duration::from_secs(5)).reregister(Repair::Always);
/// receiver.watch(&config)?;
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the watchdog starts with Receiver::watch"]
pub struct WatchdogConfig {
    pub(super) interval: Duration,
    pub(super) heartbeat_timeout: Duration,
    pub(super) heartbeat: Heartbeat,
    pub(super) compares_rules: bool,
    pub(super) rules_of: Option<Ownership>,
    pub(super) reregister: Repair,
    pub(super) reapply_rules: Repair,
}

impl Default for WatchdogConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl WatchdogConfig {
    /// Checks every 10 seconds, sends a message as heartbeat that must be back within 2 seconds,
    /// compares the rules, and repairs nothing.
    pub const fn new() -> Self {
        Self {
            interval: Duration::from_secs(10),
            heartbeat_timeout: Duration::from_secs(2),
            heartbeat: Heartbeat::Message,
            compares_rules: true,
            rules_of: None,
            reregister: Repair::Never,
            reapply_rules: Repair::Never,
        }
    }

    /// Sets the time between two checks. Default 10 s, at least 50 ms.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the time within which a heartbeat must be back. Default 2 s.
    ///
    /// A heartbeat that has arrived at the socket and was not read yet is not overdue.
    pub const fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat_timeout = timeout;
        self
    }

    /// Sets what is sent as heartbeat. Default [`Heartbeat::Message`].
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Sets whether the loaded rules, and the files that they name, are compared with those at the start.
    /// Default yes.
    pub const fn compare_rules(mut self, compare: bool) -> Self {
        self.compares_rules = compare;
        self
    }

    /// Sets which of the rules that are loaded at the start are expected to stay. With [`Ownership::All`],
    /// every change of the rules is a fault.
    ///
    /// The default are the rules of the guards ([`InstalledRules`](crate::InstalledRules)) of this process
    /// or, if there is none, all. If only some are expected, others may come and go, unless a new one
    /// suppresses records: on the list `exclude`, or with the action `never` on the list `task` or in front of
    /// an expected rule. An event that matches several rules has the key of the first.
    pub fn rules_of(mut self, ownership: Ownership) -> Self {
        self.rules_of = Some(ownership);
        self
    }

    /// Sets whether a daemon registers again after it was unregistered. Default never.
    pub const fn reregister(mut self, repair: Repair) -> Self {
        self.reregister = repair;
        self
    }

    /// Sets whether [expected](Self::rules_of) rules that were removed are loaded again. Default never.
    ///
    /// A rule whose directory was replaced is loaded again, too, so that it watches the new one. Rules
    /// that other programs have added are kept. Rules that this process removes by their guard
    /// ([`InstalledRules::remove`](crate::InstalledRules::remove)) are not expected any more.
    pub const fn reapply_rules(mut self, repair: Repair) -> Self {
        self.reapply_rules = repair;
        self
    }
}
