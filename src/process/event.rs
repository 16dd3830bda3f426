//! What the tracker tells.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::{Fact, Process, ProcessId, Provenance};
use crate::bytestr::print_text;
use crate::constants::Signal;
use crate::event::{Event, Loss};
use crate::record::EventId;

/// A change in the life of a process, or the notice that one may be missing.
///
/// There will never be a fifth: code that ignores losses does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a match must name all, losses included")]
pub enum ProcessEvent {
    /// A process was created.
    Fork(Fork),
    /// A process began to run a program.
    Exec(Exec),
    /// A process ended.
    Exit(Exit),
    /// Something is, or may be, missing here.
    Loss(LifecycleLoss),
}

/// A process that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The new process. What it has of its parent is marked as inherited.
    pub process: Process,
    /// How its birth is known.
    pub source: Provenance,
    /// The event of the call that created it, or its own first one.
    pub event: Option<EventId>,
    /// The process that made the call, where the new one is not its child (`CLONE_PARENT`).
    pub creator: Option<ProcessId>,
}

/// A program that a process began to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exec {
    /// The process, as it is now.
    pub process: Process,
    /// How it is known.
    pub source: Provenance,
    /// The event of the call. It tells everything else, and [what is
    /// missing](Event::missing).
    pub event: Option<Event>,
    /// Its arguments. Of a script, they are those of its interpreter.
    pub args: Option<Fact<Vec<OsString>>>,
    /// The path that was called, absolute if it was; of a script, the script's.
    pub path: Option<OsString>,
}

/// A process that ended: all its threads are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exit {
    /// The process, as it was last.
    pub process: Process,
    /// How it is known that it ended.
    pub source: Provenance,
    /// How it ended, and how that is known.
    pub ending: Fact<ExitStatus>,
    /// The event of the call with which it ended itself.
    pub event: Option<EventId>,
    /// The event that tells of its crash (`ANOM_ABEND`).
    pub abend: Option<EventId>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "by itself, by a signal, or nobody knows")]
pub enum ExitStatus {
    /// It ended itself with this status.
    Exited(u8),
    /// A signal ended it.
    Signaled {
        /// Which.
        signal: Signal,
        /// Whether it left a core dump; `None` if that is not known.
        dumped: Option<bool>,
    },
    /// It is gone, and nobody knows how.
    Unknown,
}

impl ExitStatus {
    /// Reads a status as `wait` gives it.
    #[must_use]
    pub fn of_wait_status(status: i32) -> Self {
        let [_, _, code, low] = status.to_be_bytes();
        match u32::from(low & 0x7F) {
            0 => Self::Exited(code),
            signal => Self::Signaled { signal: Signal::new(signal), dumped: Some(low & 0x80 != 0) },
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "{status}"),
            Self::Signaled { signal, dumped: Some(true) } => write!(f, "{signal}, core dumped"),
            Self::Signaled { signal, .. } => write!(f, "{signal}"),
            Self::Unknown => f.write_str("not known"),
        }
    }
}

/// Something that is, or may be, missing from the story.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifecycleLoss {
    /// Records are missing. The tracker looks at /proc, and tells what it finds as such; what was
    /// created and ended in between may be missing.
    Records(Loss),
    /// A task was created and was gone before anybody could look: a process that made no record of
    /// its own, or a thread. `clone3` does not say which.
    Unsettled {
        /// The process that created it.
        parent: Option<ProcessId>,
        /// Its number.
        task: u32,
        /// The event of the call.
        event: EventId,
    },
    /// The second source lost what it had to tell. Deaths by signal may be told late, and without
    /// their reason.
    ProcessMonitor {
        /// How many observations, as far as can be told.
        count: Option<u64>,
    },
}

impl LifecycleLoss {
    /// Returns the name that the JSON form uses, such as `unsettled`; that of the cause for records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Records(loss) => loss.cause().name(),
            Self::Unsettled { .. } => "unsettled",
            Self::ProcessMonitor { .. } => "process_monitor",
        }
    }
}

impl fmt::Display for LifecycleLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(loss) => loss.fmt(f),
            Self::Unsettled { parent: Some(parent), task, event } => {
                write!(f, "task {task} of {parent} ({event}) was gone before it was seen: ")?;
                f.write_str("it was a thread, or a process that left no record")
            }
            Self::Unsettled { parent: None, task, event } => {
                write!(f, "task {task} ({event}) was gone before it was seen: ")?;
                f.write_str("it was a thread, or a process that left no record")
            }
            Self::ProcessMonitor { count: Some(count) } => {
                write!(f, "lost {count} observations of the second source")
            }
            Self::ProcessMonitor { count: None } => {
                f.write_str("lost observations of the second source")
            }
        }
    }
}

/// A line for people, without the time.
impl fmt::Display for ProcessEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork(fork) => {
                match fork.process.parent.map(|parent| parent.value) {
                    Some(parent) => match parent.id {
                        Some(id) => write!(f, "fork {id}")?,
                        None => write!(f, "fork {}", parent.pid)?,
                    },
                    None => f.write_str("fork ?")?,
                }
                write!(f, " -> {}", fork.process.id)?;
                exe(&fork.process, f)?;
                by(fork.source, f)
            }
            Self::Exec(exec) => {
                write!(f, "exec {}", exec.process.id)?;
                exe(&exec.process, f)?;
                for arg in exec.args.iter().flat_map(|args| &args.value) {
                    f.write_str(" ")?;
                    print_text(arg.as_bytes(), f)?;
                }
                by(exec.source, f)
            }
            Self::Exit(exit) => {
                write!(f, "exit {}", exit.process.id)?;
                exe(&exit.process, f)?;
                write!(f, ": {}", exit.ending.value)?;
                by(exit.source, f)
            }
            Self::Loss(gap) => write!(f, "loss {gap}"),
        }
    }
}

fn exe(process: &Process, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(exe) = &process.exe else { return Ok(()) };
    f.write_str(" ")?;
    print_text(exe.value.as_bytes(), f)
}

/// Says how it is known, where that is not the usual way.
fn by(source: Provenance, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match source {
        Provenance::Record => Ok(()),
        source => write!(f, " [{source}]"),
    }
}
