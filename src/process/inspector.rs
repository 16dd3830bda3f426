//! What is known of processes beside their records: looked up in /proc, or observed by a monitor.

use std::ffi::OsString;
use std::time::Duration;

use super::{Credentials, Provenance};

/// Looks up the processes that run.
///
/// [`ProcessMonitor`](crate::monitor::ProcessMonitor) reads /proc; [`NoInspector`] finds nothing, as in a
/// replay.
pub trait ProcessInspector {
    /// Looks up a process or thread as cheaply as possible.
    fn process(&mut self, pid: u32) -> Lookup;

    /// Looks up a process with all details.
    fn details(&mut self, pid: u32) -> Lookup;

    /// Reads the control group of a process; `None` if it cannot.
    fn control_group(&mut self, pid: u32) -> Option<String>;

    /// Reads whether the children of a process are in another pid namespace than the initial one; `None` if
    /// it cannot.
    fn nests_children(&mut self, pid: u32) -> Option<bool> {
        let _ = pid;
        None
    }

    /// Reads the time since boot; `None` if it cannot.
    fn since_boot(&mut self) -> Option<Duration>;

    /// Lists all processes with all details; `None` if it cannot.
    fn list(&mut self) -> Option<ProcessTable>;
}

/// All processes at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessTable {
    /// The processes, without kernel threads.
    pub processes: Vec<ProcessSnapshot>,
    /// When they were listed, as time since boot.
    pub since_boot: Duration,
}

/// The result of looking up a PID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// A process, which may be a zombie.
    Process(Box<ProcessSnapshot>),
    /// A thread that is not the leader of its thread group.
    Thread,
    /// No process or thread has this PID.
    Nothing,
    /// It cannot be looked up.
    Unknown,
}

/// A process as it was seen in /proc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessSnapshot {
    /// Its PID.
    pub pid: u32,
    /// The PID of its parent at that time.
    pub ppid: u32,
    /// Its start time in clock ticks since boot.
    pub start_ticks: u64,
    /// The number of its threads.
    pub threads: u32,
    /// Whether its thread-group leader has exited.
    pub is_zombie: bool,
    /// Whether it is a kernel thread.
    pub is_kernel_thread: bool,
    /// Its status as `wait` returns it, if it has exited and the status may be read.
    pub code: Option<i32>,
    /// Its name.
    pub comm: Vec<u8>,
    /// The program that it executes.
    pub exe: Option<OsString>,
    /// Its working directory.
    pub cwd: Option<OsString>,
    /// Its command line.
    pub args: Option<Vec<OsString>>,
    /// Its credentials.
    pub credentials: Option<Credentials>,
    /// Its control group.
    pub cgroup: Option<String>,
    /// Whether it is in another pid namespace than the initial one: then its calls return PIDs of that
    /// namespace.
    pub is_nested: Option<bool>,
}

impl Observation {
    /// Returns when it happened, as time since boot; `None` for a loss.
    pub(crate) const fn since_boot(&self) -> Option<Duration> {
        match self {
            Self::Forked { since_boot, .. }
            | Self::Exited { since_boot, .. }
            | Self::Executed { since_boot, .. } => Some(*since_boot),
            Self::Lost { .. } => None,
        }
    }
}

impl ProcessSnapshot {
    /// Returns whether none of its threads runs.
    pub(super) const fn is_over(&self) -> bool {
        self.is_zombie && self.threads <= 1
    }
}

/// Finds nothing.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no state")]
pub struct NoInspector;

impl ProcessInspector for NoInspector {
    fn process(&mut self, _: u32) -> Lookup {
        Lookup::Unknown
    }

    fn details(&mut self, _: u32) -> Lookup {
        Lookup::Unknown
    }

    fn control_group(&mut self, _: u32) -> Option<String> {
        None
    }

    fn since_boot(&mut self) -> Option<Duration> {
        None
    }

    fn list(&mut self) -> Option<ProcessTable> {
        None
    }
}

/// Looks up through the inspector, if there is one.
impl<I: ProcessInspector> ProcessInspector for Option<I> {
    fn process(&mut self, pid: u32) -> Lookup {
        self.as_mut().map_or(Lookup::Unknown, |inspector| inspector.process(pid))
    }

    fn details(&mut self, pid: u32) -> Lookup {
        self.as_mut().map_or(Lookup::Unknown, |inspector| inspector.details(pid))
    }

    fn control_group(&mut self, pid: u32) -> Option<String> {
        self.as_mut()?.control_group(pid)
    }

    fn nests_children(&mut self, pid: u32) -> Option<bool> {
        self.as_mut()?.nests_children(pid)
    }

    fn since_boot(&mut self) -> Option<Duration> {
        self.as_mut()?.since_boot()
    }

    fn list(&mut self) -> Option<ProcessTable> {
        self.as_mut()?.list()
    }
}

/// What a process monitor observed.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auditlink::process::{Observation, Tracker, TrackerConfig};
/// use auditlink::time::Tick;
///
/// let mut tracker = Tracker::new(TrackerConfig::default().process_monitor(true));
/// let since_boot = Duration::from_secs(1_000);
/// let fork = Observation::Forked { parent: 1, task: 4711, process: 4711, since_boot };
/// tracker.observe(fork, Tick::ZERO);
/// assert!(tracker.poll().is_none()); // the record of the call may still arrive
/// tracker.finish();
/// assert!(tracker.poll().is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// A process or thread was created.
    Forked {
        /// The PID of its parent.
        parent: u32,
        /// Its PID or TID.
        task: u32,
        /// The PID of its thread group: its own, unless it is a thread.
        process: u32,
        /// When, as time since boot.
        since_boot: Duration,
    },
    /// A process or thread ended.
    Exited {
        /// Its PID or TID.
        task: u32,
        /// The PID of its thread group.
        process: u32,
        /// Its status as `wait` returns it; `None` if it is unknown.
        code: Option<i32>,
        /// When, as time since boot.
        since_boot: Duration,
        /// How it is known.
        source: Provenance,
    },
    /// A process executed a program.
    Executed {
        /// Its PID.
        process: u32,
        /// When, as time since boot.
        since_boot: Duration,
    },
    /// The monitor lost observations.
    Lost {
        /// How many; `None` if that is unknown.
        count: Option<u64>,
    },
}
