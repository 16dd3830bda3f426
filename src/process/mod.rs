//! Processes: who lives, since when, whose child it is, what it runs, and how it ended.
//!
//! [`Tracker`] is the engine, without effects: it is told events and losses, and what a second
//! source saw, and tells [changes](ProcessEvent). [`Processes`](crate::Processes) is the iterator that
//! most programs want. How far one can trust what they say, and why audit records alone are not
//! enough, is told in [the manual](crate::manual::processes).

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

/// How something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Provenance {
    /// An audit record about it: of a process that was created, that of its parent's call; of a
    /// program and of an end, that of its own.
    Record,
    /// A record of the process itself, where that of its parent's call has not come, or not yet.
    OwnRecord,
    /// It was seen in /proc.
    Procfs,
    /// The kernel's process connector told it.
    Connector,
    /// A file descriptor of the process told it.
    Pidfd,
    /// It has it from its parent, which had it when it was created.
    Inherited,
    /// It follows from something else: its number was given to another process.
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

/// Something that is known, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Fact<T> {
    /// What is known.
    pub value: T,
    /// How.
    pub source: Provenance,
}

impl<T> Fact<T> {
    pub(crate) const fn new(value: T, source: Provenance) -> Self {
        Self { value, source }
    }
}

impl<T: Clone> Fact<T> {
    /// What a child has of it.
    fn inherited(&self) -> Self {
        Self { value: self.value.clone(), source: Provenance::Inherited }
    }
}

/// The parent of a process when it was created, or was first seen.
///
/// When a parent ends, its children get another one, which is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Parent {
    /// Its number.
    pub pid: u32,
    /// Its identity, if the tracker knows it.
    pub id: Option<ProcessId>,
}

/// Who a process runs as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Credentials {
    /// The user who logged in; `None` if nobody did.
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
/// It never does of one that is older than auditing itself, unless the machine was booted with
/// `audit=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it does, it does not, or nobody knows")]
pub enum Audited {
    /// It does: there was one, or it was created since auditing began.
    Yes,
    /// It does not: the process is older than auditing.
    No,
    /// The kernel does not tell: the process was there before us.
    #[default]
    Unknown,
}

/// A process, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Who it is.
    pub id: ProcessId,
    /// When it can have been started, in clock ticks since boot; exactly if the identity has it.
    pub start_range: Option<RangeInclusive<u64>>,
    /// Its parent when it was created.
    pub parent: Option<Fact<Parent>>,
    /// Its name: that of its first thread, or of the one that made the last record.
    pub comm: Option<Fact<Arc<[u8]>>>,
    /// The program that it runs.
    pub exe: Option<Fact<Arc<OsStr>>>,
    /// Its working directory when it began to run its program.
    pub cwd: Option<Fact<Arc<OsStr>>>,
    /// Who it runs as, as of its last record.
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

    /// Returns its number, in the initial pid namespace.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.id.pid()
    }

    /// Returns the identity of the container that it is in, as far as the name of its control group
    /// hints at one: the 64 hexadecimal digits that Docker, Podman, CRI-O and containerd use.
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

    /// Takes what was seen of it; what records say is never overwritten.
    pub(crate) fn fill_from(&mut self, seen: &ProcessSnapshot) {
        fn fill<T>(place: &mut Option<Fact<T>>, value: Option<T>) {
            let stays = place.as_ref().is_some_and(|fact| fact.source != Provenance::Inherited);
            if let Some(value) = value.filter(|_| !stays) {
                *place = Some(Fact::new(value, Provenance::Procfs));
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

/// Returns the identity of a container that the name of a control group hints at.
///
/// See [`Process::container`].
#[must_use]
pub fn container_hint(cgroup: &str) -> Option<&str> {
    let mut words = cgroup.split(|character: char| !character.is_ascii_hexdigit());
    words.rfind(|word| word.len() == CONTAINER_DIGITS)
}

/// The digits of a container's identity: those of a SHA-256 sum.
const CONTAINER_DIGITS: usize = 64;
