//! What does not change while a tracker runs.

use std::time::Duration;

use crate::process::BootId;
use crate::time::BootClock;

/// The configuration of a [`Tracker`](super::Tracker).
///
/// [`ProcessMonitor::tracker_config`](crate::monitor::ProcessMonitor::tracker_config) returns the one for
/// the running machine. The default is for a capture or a log: records alone, of an unknown boot.
///
/// # Examples
///
/// ```
/// use auditlink::process::{NoInspector, Tracker, TrackerConfig};
///
/// let config = TrackerConfig::default().process_monitor(true).unrecorded(false);
/// let tracker = Tracker::with_inspector(config, NoInspector);
/// assert_eq!(tracker.processes().count(), 0);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a configuration has no effect until a tracker is made from it"]
pub struct TrackerConfig {
    pub(super) boot: BootId,
    pub(super) clock: BootClock,
    pub(super) process_monitor: bool,
    pub(super) unrecorded: bool,
    pub(super) leader_status: bool,
    pub(super) audited_since: Option<u64>,
    pub(super) sweep_interval: Option<Duration>,
}

impl TrackerConfig {
    /// Creates the default configuration for processes of this boot.
    pub fn new(boot: BootId) -> Self {
        Self {
            boot,
            clock: BootClock::new(100, Duration::from_millis(4)),
            process_monitor: false,
            unrecorded: true,
            leader_status: false,
            audited_since: None,
            sweep_interval: None,
        }
    }

    /// Sets the clock that converts the timestamps of records to start times as in /proc.
    ///
    /// The default has no reading yet; see [`Tracker::sample`](super::Tracker::sample).
    pub fn clock(mut self, clock: BootClock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets whether a process monitor reports every fork and every exit. Default: no.
    pub const fn process_monitor(mut self, reports: bool) -> Self {
        self.process_monitor = reports;
        self
    }

    /// Sets whether to report processes that the process monitor observed, but that made no record.
    /// Default: yes.
    ///
    /// With rules for some programs only, these are all other processes.
    pub const fn unrecorded(mut self, reports: bool) -> Self {
        self.unrecorded = reports;
        self
    }

    /// Sets whether the exit status of a process may be that of its thread-group leader where all
    /// threads ended by `exit`. Default: no.
    ///
    /// If so, and the leader's status differs from that of the last thread, the status is unknown.
    ///
    /// # Kernel version
    ///
    /// Before Linux 6.0 it was the leader's status, since then it is that of the last thread.
    pub const fn leader_status(mut self, counts: bool) -> Self {
        self.leader_status = counts;
        self
    }

    /// Sets since when the kernel audits, in clock ticks since boot: older processes are not audited.
    /// Zero if the machine was booted with `audit=1`. Default: unknown.
    pub const fn audited_since(mut self, ticks: u64) -> Self {
        self.audited_since = Some(ticks);
        self
    }

    /// Sets how often to look up every process, for where no process monitor reports exits.
    /// Default: never.
    pub const fn sweep_interval(mut self, interval: Duration) -> Self {
        self.sweep_interval = Some(interval);
        self
    }
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self::new(BootId::UNKNOWN)
    }
}
