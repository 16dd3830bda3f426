//! What can be seen of processes beside the records: how the tracker asks, and what it is told.

use std::ffi::OsString;
use std::time::Duration;

use super::{Credentials, Provenance};

/// Looks at the processes that run.
///
/// [`ProcessMonitor`](crate::monitor::ProcessMonitor) looks into /proc; [`NoInspector`] sees nothing, as in a replay.
pub trait ProcessInspector {
    /// Looks at a process or thread, as cheaply as can be.
    fn process(&mut self, pid: u32) -> Lookup;

    /// Looks at a process with everything that is to be seen of it.
    fn details(&mut self, pid: u32) -> Lookup;

    /// Reads the control group of a process; `None` if it cannot.
    fn control_group(&mut self, pid: u32) -> Option<String>;

    /// Reads the time since boot; `None` if it cannot.
    fn since_boot(&mut self) -> Option<Duration>;

    /// Lists all processes with everything that is to be seen of them; `None` if it cannot.
    fn list(&mut self) -> Option<ProcessTable>;
}

/// All processes at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessTable {
    /// The processes, without threads of the kernel.
    pub processes: Vec<ProcessSnapshot>,
    /// When they were listed, as time since boot.
    pub since_boot: Duration,
}

/// What a look at a number showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// A process, which may be a zombie.
    Process(Box<ProcessSnapshot>),
    /// A thread that is not the first of its process.
    Thread,
    /// There is none.
    Nothing,
    /// One cannot look.
    Unknown,
}

/// A process as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessSnapshot {
    /// Its number.
    pub pid: u32,
    /// Its parent at that time.
    pub ppid: u32,
    /// When it was started, in clock ticks since boot.
    pub start_ticks: u64,
    /// How many threads it has.
    pub threads: u32,
    /// Its first thread has ended.
    pub is_zombie: bool,
    /// It is a thread of the kernel.
    pub is_kernel_thread: bool,
    /// How it ended, as `wait` would tell, if it has and one may know.
    pub code: Option<i32>,
    /// Its name.
    pub comm: Vec<u8>,
    /// The program that it runs.
    pub exe: Option<OsString>,
    /// Its working directory.
    pub cwd: Option<OsString>,
    /// Its command line.
    pub args: Option<Vec<OsString>>,
    /// Who it runs as.
    pub credentials: Option<Credentials>,
    /// Its control group.
    pub cgroup: Option<String>,
    /// It is in another pid namespace than the initial one: the children that its calls return
    /// have numbers of that namespace.
    pub is_nested: Option<bool>,
}

impl ProcessSnapshot {
    /// Tells whether nothing of the process runs any more.
    pub(super) const fn is_over(&self) -> bool {
        self.is_zombie && self.threads <= 1
    }
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to be said of it")]
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

    fn since_boot(&mut self) -> Option<Duration> {
        self.as_mut()?.since_boot()
    }

    fn list(&mut self) -> Option<ProcessTable> {
        self.as_mut()?.list()
    }
}

/// What a second source tells of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// A process or thread was created.
    Forked {
        /// The process that is its parent.
        parent: u32,
        /// Its number.
        task: u32,
        /// The process that it belongs to: itself, unless it is a thread.
        process: u32,
        /// When, as time since boot.
        since_boot: Duration,
    },
    /// A process or thread ended.
    Exited {
        /// Its number.
        task: u32,
        /// The process that it belongs to.
        process: u32,
        /// How, as `wait` would tell; `None` if one cannot know.
        code: Option<i32>,
        /// When, as time since boot.
        since_boot: Duration,
        /// Who says so.
        source: Provenance,
    },
    /// A process began to run a program.
    Executed {
        /// Its number.
        process: u32,
        /// When, as time since boot.
        since_boot: Duration,
    },
    /// The source lost observations: what happened since the last one may never be told.
    Lost {
        /// How many, as far as can be told.
        count: Option<u64>,
    },
}
