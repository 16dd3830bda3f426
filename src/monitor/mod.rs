//! Monitoring processes without audit records: the kernel's process connector, pidfds, and `/proc`.

mod connector;
#[cfg(feature = "pidfd")]
mod pidfd;
mod procfs;
mod thread;

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::time::{ClockId, clock_getres};
use nix::unistd::{SysconfVar, sysconf};

use self::connector::Connector;
#[cfg(feature = "pidfd")]
use self::pidfd::Pidfds;
use self::thread::ConnectorThread;
use crate::error::Error;
use crate::host::clock::now;
#[cfg(feature = "pidfd")]
use crate::process::Provenance;
use crate::process::{
    BootId, Lookup, Observation, ProcessId, ProcessInspector, ProcessTable, TrackerConfig,
};
use crate::time::BootClock;

/// Observes what audit records do not contain: exits by signal, threads, and processes that were started
/// before auditing.
///
/// It listens to the kernel's process connector, which reports every task that is created, and every
/// exit with its status, and it reads `/proc`. Where the connector is refused, it waits for each process
/// by a pidfd (feature `pidfd`), or the tracker has to list `/proc` periodically.
///
/// [`Processes`](crate::Processes) uses a monitor. In a separate loop, pass its
/// [observations](Self::drain) to a [`Tracker`](crate::process::Tracker), and the monitor itself as
/// [`ProcessInspector`].
///
/// # Examples
///
/// ```no_run
/// use auditlink::monitor::{MonitorKind, ProcessMonitor};
///
/// let mut monitor = ProcessMonitor::builder().open()?;
/// if monitor.kind() != MonitorKind::Connector {
///     eprintln!("no process connector: {:?}", monitor.refusal());
/// }
/// let mut observations = Vec::new();
/// monitor.drain(&mut observations)?;
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct ProcessMonitor {
    method: Method,
    refusal: Option<Error>,
    boot: BootId,
    /// What [`since_boot`](ProcessInspector::since_boot) returns instead of the present time.
    present: Option<Duration>,
}

#[derive(Debug)]
enum Method {
    Connector(Box<Connector>),
    ConnectorThread(ConnectorThread),
    #[cfg(feature = "pidfd")]
    Pidfds(Pidfds),
    None,
}

/// How a [`ProcessMonitor`] observes exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MonitorKind {
    /// By the process connector: the kernel reports every task that is created or exits.
    Connector,
    /// By a pidfd for each process that it [follows](ProcessMonitor::follow). If a process exits before
    /// that, its status is unknown.
    Pidfd,
    /// Not at all: the tracker has to list `/proc` periodically.
    Procfs,
}

impl MonitorKind {
    /// Returns the word that the JSON form uses, such as `connector`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Pidfd => "pidfd",
            Self::Procfs => "procfs",
        }
    }
}

impl std::fmt::Display for MonitorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Configures a [`ProcessMonitor`]; made by [`ProcessMonitor::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is observed before the monitor is opened"]
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

    /// Sets whether to open a pidfd for each process if the connector is refused. Default yes.
    #[cfg(feature = "pidfd")]
    pub const fn pidfds(mut self, waits: bool) -> Self {
        self.pidfds = waits;
        self
    }

    /// Opens the monitor. Open it before the rules are loaded.
    ///
    /// If the connector is refused, this succeeds, and [`ProcessMonitor::refusal`] returns the cause.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn open(self) -> Result<ProcessMonitor, Error> {
        let (mut method, mut refusal) = (Method::None, None);
        if self.connector {
            match Connector::open() {
                Ok(connector) => method = Method::Connector(Box::new(connector)),
                Err(error) => refusal = Some(error),
            }
        }
        #[cfg(feature = "pidfd")]
        if self.pidfds && matches!(method, Method::None) {
            method = Method::Pidfds(Pidfds::new()?);
        }
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = text.parse().unwrap_or(BootId::UNKNOWN);
        Ok(ProcessMonitor { method, refusal, boot, present: None })
    }
}

impl ProcessMonitor {
    /// Returns a builder for a monitor.
    ///
    /// The connector requires `CAP_NET_ADMIN`, the initial user, pid and network namespace, and a kernel
    /// with `CONFIG_PROC_EVENTS`. Reading all of `/proc` requires `CAP_SYS_PTRACE`.
    ///
    /// # Kernel version
    ///
    /// The connector reports exits with their status since 2.6.15; pidfds exist since 5.3.
    ///
    /// Source: `drivers/connector/cn_proc.c`.
    pub const fn builder() -> ProcessMonitorBuilder {
        ProcessMonitorBuilder {
            connector: true,
            #[cfg(feature = "pidfd")]
            pidfds: true,
        }
    }

    /// Returns how it observes exits.
    #[must_use]
    pub const fn kind(&self) -> MonitorKind {
        match self.method {
            Method::Connector(_) | Method::ConnectorThread(_) => MonitorKind::Connector,
            #[cfg(feature = "pidfd")]
            Method::Pidfds(_) => MonitorKind::Pidfd,
            Method::None => MonitorKind::Procfs,
        }
    }

    /// Returns why the connector is not used, if it was refused.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Error> {
        self.refusal.as_ref()
    }

    /// Returns a tracker's configuration for this machine: its boot id, its clocks, and periodic listing
    /// of `/proc` if exits are not reported.
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
    /// `None` if the thread was interrupted in between, so that the readings do not belong together.
    #[must_use]
    pub fn clocks(&self) -> Option<(Duration, Duration)> {
        // the wall clock is read between two others, which shows whether the thread was interrupted
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
        match &mut self.method {
            Method::Connector(connector) => {
                connector.drain(|observation| observations.push(observation))
            }
            Method::ConnectorThread(thread) => thread.drain(observations),
            #[cfg(feature = "pidfd")]
            Method::Pidfds(pidfds) => {
                for id in pidfds.take_exited() {
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
            Method::None => Ok(()),
        }
    }

    /// Waits for the exit of a process, unless the kernel reports all exits anyway.
    pub fn follow(&mut self, id: ProcessId) {
        match &mut self.method {
            #[cfg(feature = "pidfd")]
            Method::Pidfds(pidfds) => pidfds.add(id),
            Method::Connector(_) | Method::ConnectorThread(_) | Method::None => {
                let _ = id;
            }
        }
    }

    /// Ends the wait for a process, because it has exited.
    pub fn forget(&mut self, id: ProcessId) {
        match &mut self.method {
            #[cfg(feature = "pidfd")]
            Method::Pidfds(pidfds) => pidfds.remove(id),
            Method::Connector(_) | Method::ConnectorThread(_) | Method::None => {
                let _ = id;
            }
        }
    }

    /// Reads the connector on a thread from now on, into a queue, so that its socket does not overflow while
    /// the consumer is slow. The thread calls `wake` when there are observations.
    pub(crate) fn start_thread(self, wake: impl Fn() + Send + 'static) -> Result<Self, Error> {
        let method = match self.method {
            Method::Connector(connector) => {
                Method::ConnectorThread(ConnectorThread::start(*connector, wake)?)
            }
            other => other,
        };
        Ok(Self { method, ..self })
    }

    /// Sets how far the consumer lags behind, and returns the time since boot that it has reached.
    pub(crate) fn set_lag(&mut self, lag: Duration) -> Duration {
        let present = now(ClockId::CLOCK_BOOTTIME).saturating_sub(lag);
        self.present = Some(present);
        present
    }

    /// Returns a file that is readable when there are observations to [drain](Self::drain); `None` if
    /// nothing has to be waited for.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn readiness(&self) -> Result<Option<OwnedFd>, Error> {
        let file = match &self.method {
            Method::Connector(connector) => connector.as_fd(),
            #[cfg(feature = "pidfd")]
            Method::Pidfds(pidfds) => pidfds.as_fd(),
            Method::ConnectorThread(_) | Method::None => return Ok(None),
        };
        let file = file.try_clone_to_owned();
        file.map(Some).map_err(|error| Error::io("duplicate a file descriptor", error))
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

    fn nests_children(&mut self, pid: u32) -> Option<bool> {
        procfs::nests_children(pid)
    }

    fn since_boot(&mut self) -> Option<Duration> {
        Some(self.present.unwrap_or_else(|| now(ClockId::CLOCK_BOOTTIME)))
    }

    fn list(&mut self) -> Option<ProcessTable> {
        let since_boot = now(ClockId::CLOCK_BOOTTIME);
        Some(ProcessTable { processes: procfs::list()?, since_boot })
    }
}

/// How often the tracker lists `/proc` if exits are not reported.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time that reading both clocks may take.
const SAMPLE_LIMIT: Duration = Duration::from_micros(500);
