//! The second source about processes: the kernel's process connector, files of processes, /proc.

mod connector;
#[cfg(feature = "pidfd")]
mod pidfd;
mod procfs;

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::time::{ClockId, clock_getres, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

use self::connector::Connector;
#[cfg(feature = "pidfd")]
use self::pidfd::Pidfds;
use crate::error::Error;
#[cfg(feature = "pidfd")]
use crate::process::Provenance;
use crate::process::{
    BootId, Lookup, Observation, ProcessId, ProcessInspector, ProcessTable, TrackerConfig,
};
use crate::time::BootClock;

/// Sees what records do not tell: deaths by signal, threads, who was there before.
///
/// It listens to the kernel's process connector, which tells of every task that begins and ends
/// with its exit status, and looks into /proc. Where the connector is refused, it waits for each
/// process by a file of it (feature `pidfd`), or /proc has to be looked through from time to time.
///
/// [`Processes`](crate::Processes) uses it; for an own loop, it is a [`ProcessInspector`] and tells
/// [observations](Self::drain).
#[derive(Debug)]
pub struct ProcessMonitor {
    means: Means,
    refusal: Option<Error>,
    boot: BootId,
}

#[derive(Debug)]
enum Means {
    Connector(Box<Connector>),
    #[cfg(feature = "pidfd")]
    Pidfds(Pidfds),
    Nothing,
}

/// How a [`ProcessMonitor`] learns of ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MonitorKind {
    /// The kernel tells of every task that begins and ends.
    Connector,
    /// It waits for every process that it was shown. One that ended before is seen to be gone, but
    /// not how.
    Pidfd,
    /// It does not: somebody must look from time to time.
    Procfs,
}

/// Sets up a [`ProcessMonitor`]; made by [`ProcessMonitor::new`].
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is seen before it is opened"]
pub struct ProcessMonitorBuilder {
    connector: bool,
    #[cfg(feature = "pidfd")]
    pidfds: bool,
}

impl ProcessMonitorBuilder {
    /// Sets whether to listen to the process connector. Default yes.
    pub const fn connector(mut self, listens: bool) -> Self {
        self.connector = listens;
        self
    }

    /// Sets whether to wait for each process where the connector is not there. Default yes.
    #[cfg(feature = "pidfd")]
    pub const fn pidfds(mut self, waits: bool) -> Self {
        self.pidfds = waits;
        self
    }

    /// Begins to listen. Open it before the rules are loaded.
    ///
    /// That the connector is refused is no error; [`ProcessMonitor::refusal`] tells.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn open(self) -> Result<ProcessMonitor, Error> {
        let (mut means, mut refusal) = (Means::Nothing, None);
        if self.connector {
            match Connector::open() {
                Ok(connector) => means = Means::Connector(Box::new(connector)),
                Err(error) => refusal = Some(error),
            }
        }
        #[cfg(feature = "pidfd")]
        if self.pidfds && matches!(means, Means::Nothing) {
            means = Means::Pidfds(Pidfds::new()?);
        }
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Ok(ProcessMonitor { means, refusal, boot: text.parse().unwrap_or(BootId::UNKNOWN) })
    }
}

impl ProcessMonitor {
    /// Starts to set up a monitor.
    ///
    /// The connector needs `CAP_NET_ADMIN`, the initial user, pid and network namespace, and a kernel
    /// with `CONFIG_PROC_EVENTS`; to see all of /proc, `CAP_SYS_PTRACE` is needed.
    ///
    /// # Kernel version
    ///
    /// The connector tells of ends with their status since 2.6.15; pidfds are there since 5.3.
    ///
    /// Source: `drivers/connector/cn_proc.c`.
    #[expect(clippy::new_ret_no_self, reason = "builders start at the thing they build")]
    pub const fn new() -> ProcessMonitorBuilder {
        ProcessMonitorBuilder {
            connector: true,
            #[cfg(feature = "pidfd")]
            pidfds: true,
        }
    }

    /// Returns how it learns of ends.
    #[must_use]
    pub const fn kind(&self) -> MonitorKind {
        match self.means {
            Means::Connector(_) => MonitorKind::Connector,
            #[cfg(feature = "pidfd")]
            Means::Pidfds(_) => MonitorKind::Pidfd,
            Means::Nothing => MonitorKind::Procfs,
        }
    }

    /// Returns why the connector is not listened to, if it was refused.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Error> {
        self.refusal.as_ref()
    }

    /// Returns the configuration of a tracker for this machine: with its boot, a clock that was read, and
    /// sweeps where they are needed.
    pub fn tracker_config(&self) -> TrackerConfig {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        let resolution = clock_getres(ClockId::CLOCK_REALTIME_COARSE);
        let resolution = resolution.map_or(Duration::from_millis(10), Duration::from);
        let mut clock = BootClock::new(u32::try_from(ticks).unwrap_or(100), resolution);
        if let Some((wall, since_boot)) = self.clocks() {
            clock.sample(wall, since_boot);
        }
        let kernel = crate::host::procfs::kernel_version();
        let mut config = TrackerConfig::new(self.boot)
            .clock(clock)
            .leader_status(kernel.is_none_or(|kernel| kernel < (6, 0)));
        if crate::host::procfs::booted_with_audit() {
            config = config.audited_since(0);
        }
        match self.kind() {
            MonitorKind::Connector => config.process_monitor(true),
            MonitorKind::Pidfd | MonitorKind::Procfs => config.sweep_interval(SWEEP_INTERVAL),
        }
    }

    /// Reads the wall clock and the time since boot together, for
    /// [`Tracker::sample`](crate::process::Tracker::sample).
    ///
    /// `None` if the thread was interrupted in between, which makes the reading useless.
    #[must_use]
    pub fn clocks(&self) -> Option<(Duration, Duration)> {
        // in between the thread may have lost its turn: the wall clock is read in the middle
        let before = now(ClockId::CLOCK_BOOTTIME);
        let wall = now(ClockId::CLOCK_REALTIME);
        let after = now(ClockId::CLOCK_BOOTTIME);
        (after.saturating_sub(before) < SAMPLE_LIMIT).then_some((wall, before))
    }

    /// Appends all that was observed since the last call, without waiting.
    ///
    /// Pass it to [`Tracker::observe`](crate::process::Tracker::observe), also if an error is returned.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn drain(&mut self, observations: &mut Vec<Observation>) -> Result<(), Error> {
        match &mut self.means {
            Means::Connector(connector) => {
                let boot = now(ClockId::CLOCK_BOOTTIME);
                let suspended = boot.saturating_sub(now(ClockId::CLOCK_MONOTONIC));
                connector.drain(suspended, |observation| observations.push(observation))
            }
            #[cfg(feature = "pidfd")]
            Means::Pidfds(pidfds) => {
                for id in pidfds.take_over() {
                    let code = match procfs::process(id.pid()) {
                        Lookup::Process(seen) if Some(seen.start_ticks) == id.start_ticks() => {
                            seen.code
                        }
                        _ => None,
                    };
                    let (task, process) = (id.pid(), id.pid());
                    let since_boot = now(ClockId::CLOCK_BOOTTIME);
                    let source = Provenance::Pidfd;
                    let ended = Observation::Exited { task, process, code, since_boot, source };
                    observations.push(ended);
                }
                Ok(())
            }
            Means::Nothing => Ok(()),
        }
    }

    /// Shows it a process to wait for, where it does not hear of all anyway.
    pub fn follow(&mut self, id: ProcessId) {
        match &mut self.means {
            #[cfg(feature = "pidfd")]
            Means::Pidfds(pidfds) => pidfds.add(id),
            Means::Connector(_) | Means::Nothing => {
                let _ = id;
            }
        }
    }

    /// Says that a process is over.
    pub fn forget(&mut self, id: ProcessId) {
        match &mut self.means {
            #[cfg(feature = "pidfd")]
            Means::Pidfds(pidfds) => pidfds.remove(id),
            Means::Connector(_) | Means::Nothing => {
                let _ = id;
            }
        }
    }

    /// Returns a file that can be read when there is something to [drain](Self::drain).
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn readiness(&self) -> Result<Option<OwnedFd>, Error> {
        let file = match &self.means {
            Means::Connector(connector) => connector.as_fd(),
            #[cfg(feature = "pidfd")]
            Means::Pidfds(pidfds) => pidfds.as_fd(),
            Means::Nothing => return Ok(None),
        };
        let file = file.try_clone_to_owned();
        file.map(Some).map_err(|error| Error::io("copy a file to wait for", error))
    }
}

impl ProcessInspector for ProcessMonitor {
    fn process(&mut self, pid: u32) -> Lookup {
        procfs::process(pid)
    }

    fn details(&mut self, pid: u32) -> Lookup {
        procfs::details(pid)
    }

    fn control_group(&mut self, pid: u32) -> Option<String> {
        procfs::control_group_of(pid)
    }

    fn since_boot(&mut self) -> Option<Duration> {
        Some(now(ClockId::CLOCK_BOOTTIME))
    }

    fn list(&mut self) -> Option<ProcessTable> {
        let since_boot = now(ClockId::CLOCK_BOOTTIME);
        Some(ProcessTable { processes: procfs::list()?, since_boot })
    }
}

fn now(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// How often to look after processes where nothing tells of ends.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// A reading of two clocks that took longer says nothing.
const SAMPLE_LIMIT: Duration = Duration::from_micros(500);
