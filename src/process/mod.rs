//! Processes: which ones run, since when, their parents, what they execute, and how they exit.
//!
//! [`Tracker`] is the engine, without effects: it takes events, losses and the observations of a process
//! monitor, and returns [process events](ProcessEvent). [`Processes`](crate::Processes) is the iterator that
//! most programs want. [The manual](crate::manual::processes) explains what it guarantees, and why audit
//! records alone are not enough.

mod event;
mod id;
mod inspector;
mod tracker;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

pub use self::event::{Exec, Exit, ExitStatus, Fork, LifecycleLoss, ProcessEvent};
pub use self::id::{BootId, ProcessId, Start};
pub use self::inspector::{
    Lookup, NoInspector, Observation, ProcessInspector, ProcessSnapshot, ProcessTable,
};
pub use self::tracker::{Tracker, TrackerConfig};
use crate::macros::pad;

/// How something is known.
///
/// # Examples
///
/// ```
/// use auditlink::process::Provenance;
///
/// assert_eq!(Provenance::OwnRecord.to_string(), "own_record");
/// assert_eq!(format!("{:>10}", Provenance::Procfs), "    procfs");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Provenance {
    /// By an audit record: for a fork that of the parent's call, for an exec or exit that of the
    /// process.
    Record,
    /// By a record of the new process, as that of its parent's call has not arrived.
    OwnRecord,
    /// It was seen in /proc.
    Procfs,
    /// The kernel's process connector reported it.
    Connector,
    /// A pidfd of the process reported it.
    Pidfd,
    /// The parent had it when the process was created.
    Inherited,
    /// It follows from something else, such as the reuse of the PID.
    Inferred,
}

impl Provenance {
    /// Returns the name that the JSON form uses, such as `own_record`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::OwnRecord => "own_record",
            Self::Procfs => "procfs",
            Self::Connector => "connector",
            Self::Pidfd => "pidfd",
            Self::Inherited => "inherited",
            Self::Inferred => "inferred",
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A value, and how it is known.
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::{Mix, Workload};
/// use auditlink::process::{ProcessEvent, Provenance};
/// use auditlink::Processes;
///
/// let capture = Workload::new(1).mix(Mix::Execs).generate();
/// for event in Processes::replay(capture.source()) {
///     if let ProcessEvent::Exec(exec) = event? {
///         let exe = exec.process.exe.ok_or("the record names the program")?;
///         assert_eq!(exe.source, Provenance::Record);
///         assert!(exe.value.to_str().is_some_and(|path| path.starts_with('/')));
///         break;
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// How it is known.
    pub source: Provenance,
}

/// Prints the value, and how it is known in brackets.
impl<T: fmt::Display> fmt::Display for Fact<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{} [{}]", self.value, self.source))
    }
}

impl<T> Fact<T> {
    pub(crate) const fn new(value: T, source: Provenance) -> Self {
        Self { value, source }
    }
}

impl<T: Clone> Fact<T> {
    /// Returns it as a child inherits it.
    fn inherited(&self) -> Self {
        Self { value: self.value.clone(), source: Provenance::Inherited }
    }
}

/// The parent of a process when it was created, or was first seen.
///
/// When the parent exits, its children get another one (`man 2 getppid`), which is not tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Parent {
    /// Its PID.
    pub pid: u32,
    /// Its identity, if it is known.
    pub id: Option<ProcessId>,
}

/// Prints the identity, or the PID if the identity is unknown.
impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => id.fmt(f),
            None => pad(f, format_args!("{}", self.pid)),
        }
    }
}

/// The users, groups and session of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Credentials {
    /// The login user; `None` if it is not set.
    pub auid: Option<u32>,
    /// The real user.
    pub uid: Option<u32>,
    /// The real group.
    pub gid: Option<u32>,
    /// The effective user.
    pub euid: Option<u32>,
    /// The effective group.
    pub egid: Option<u32>,
    /// The login session.
    pub session: Option<u32>,
}

/// Whether the kernel makes records of a process.
///
/// It makes none of a process that is older than auditing, unless the machine was booted with `audit=1`.
///
/// Source: `kernel/auditsc.c`, `audit_alloc`: a process without an audit context makes no records.
///
/// # Examples
///
/// ```
/// use auditlink::process::Audited;
///
/// assert_eq!(Audited::default().to_string(), "unknown");
/// assert_eq!(Audited::Yes.to_string(), "yes");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it does, it does not, or that is unknown")]
pub enum Audited {
    /// It does: a record has arrived, or the process is younger than auditing.
    Yes,
    /// It does not: the process is older than auditing.
    No,
    /// Unknown: the process is older than the tracker, and the kernel does not report it.
    #[default]
    Unknown,
}

impl fmt::Display for Audited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        })
    }
}

/// A process, as far as it is known.
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::{Mix, Workload};
/// use auditlink::process::Audited;
/// use auditlink::Processes;
///
/// let capture = Workload::new(1).mix(Mix::Execs).generate();
/// let mut processes = Processes::replay(capture.source());
/// processes.next().transpose()?;
/// let process = processes.tracker().processes().next().ok_or("it executed a program")?;
/// assert_eq!(process.pid(), process.id.pid());
/// assert_eq!(process.audited, Audited::Yes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its identity.
    pub id: ProcessId,
    /// The possible start times, in clock ticks since boot: one if the identity has it.
    pub start_range: Option<RangeInclusive<u64>>,
    /// Its parent when it was created.
    pub parent: Option<Fact<Parent>>,
    /// Its name: that of its thread-group leader, or of the thread that made the last record.
    pub comm: Option<Fact<Arc<[u8]>>>,
    /// The program that it executes.
    pub exe: Option<Fact<Arc<OsStr>>>,
    /// Its working directory when it executed its program.
    pub cwd: Option<Fact<Arc<OsStr>>>,
    /// Its credentials as of its last record.
    pub credentials: Option<Fact<Credentials>>,
    /// Its control group.
    pub cgroup: Option<Fact<Arc<str>>>,
    /// Whether the kernel makes records of it.
    pub audited: Audited,
}

impl Process {
    pub(crate) const fn new(id: ProcessId) -> Self {
        Self {
            id,
            start_range: match id.start() {
                Start::Ticks(ticks) => Some(ticks..=ticks),
                Start::SinceBoot(_) | Start::Event(_) => None,
            },
            parent: None,
            comm: None,
            exe: None,
            cwd: None,
            credentials: None,
            cgroup: None,
            audited: Audited::Unknown,
        }
    }

    /// Returns its PID in the initial pid namespace.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.id.pid()
    }

    /// Returns the ID of its container, as far as the name of its control group contains one: the 64
    /// hexadecimal digits that Docker, Podman, CRI-O and containerd use.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::process::container_hint;
    ///
    /// let id = "0123456789abcdef".repeat(4);
    /// assert_eq!(container_hint(&format!("/system.slice/docker-{id}.scope")), Some(&*id));
    /// assert_eq!(container_hint("/user.slice/session-1.scope"), None);
    /// ```
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        container_hint(&self.cgroup.as_ref()?.value)
    }

    /// Fills in what was seen of it, except where a record or an earlier look did.
    pub(crate) fn fill_from(&mut self, seen: &ProcessSnapshot) {
        fn fill<T>(field: &mut Option<Fact<T>>, value: Option<T>) {
            let stays = field.as_ref().is_some_and(|fact| fact.source != Provenance::Inherited);
            if let Some(value) = value.filter(|_| !stays) {
                *field = Some(Fact::new(value, Provenance::Procfs));
            }
        }
        let shared = |text: &OsString| Arc::from(text.as_os_str());
        fill(&mut self.comm, Some(&*seen.comm).filter(|comm| !comm.is_empty()).map(Arc::from));
        fill(&mut self.exe, seen.exe.as_ref().map(shared));
        fill(&mut self.cwd, seen.cwd.as_ref().map(shared));
        fill(&mut self.credentials, seen.credentials);
        fill(&mut self.cgroup, seen.cgroup.as_deref().map(Arc::from));
    }
}

/// Returns the ID of a container that the name of a control group contains.
///
/// See [`Process::container`].
#[must_use]
pub fn container_hint(cgroup: &str) -> Option<&str> {
    let mut words = cgroup.split(|character: char| !character.is_ascii_hexdigit());
    words.rfind(|word| word.len() == CONTAINER_DIGITS)
}

/// The number of digits of a container's ID: those of a SHA-256 sum.
const CONTAINER_DIGITS: usize = 64;
