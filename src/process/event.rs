//! The events that the tracker returns.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::{Fact, Process, ProcessId, Provenance};
use crate::bytestr::print_text;
use crate::constants::Signal;
use crate::event::{Event, Loss};
use crate::macros::pad;
use crate::record::EventId;

/// A fork, exec or exit of a process, or the notice that one may be missing.
///
/// No variant will be added: a `match` that ignores losses does not compile.
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::{Mix, Workload};
/// use auditlink::process::ProcessEvent;
/// use auditlink::Processes;
///
/// let capture = Workload::new(1).mix(Mix::Execs).generate();
/// let (mut execs, mut losses) = (0, 0);
/// for event in Processes::replay(capture.source()) {
///     match event? {
///         ProcessEvent::Exec(exec) => {
///             assert!(exec.args.is_some());
///             execs += 1;
///         }
///         ProcessEvent::Loss(_) => losses += 1,
///         ProcessEvent::Fork(_) | ProcessEvent::Exit(_) => {}
///     }
/// }
/// assert!(execs > 400 && losses == 0);
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a match must name all, losses included")]
pub enum ProcessEvent {
    /// A process was created.
    Fork(Fork),
    /// A process executed a program.
    Exec(Exec),
    /// A process exited.
    Exit(Exit),
    /// Events are, or may be, missing here.
    Loss(LifecycleLoss),
}

/// A process that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The new process. What it has from its parent is [inherited](Provenance::Inherited).
    pub process: Process,
    /// How the fork is known.
    pub source: Provenance,
    /// The event of the call that created it, or its own first event.
    pub event: Option<EventId>,
    /// The process that made the call, where the new one is not its child (`CLONE_PARENT`).
    pub creator: Option<ProcessId>,
}

/// A process executed a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exec {
    /// The process after the call.
    pub process: Process,
    /// How it is known.
    pub source: Provenance,
    /// The event of the call, with [what is missing of it](Event::missing).
    pub event: Option<Event>,
    /// The arguments; for a script, those of its interpreter.
    pub args: Option<Fact<Vec<OsString>>>,
    /// The path as it was passed to the call; for a script, that of the script.
    pub path: Option<OsString>,
}

/// A process exited: all its threads are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exit {
    /// The process as it was last.
    pub process: Process,
    /// How the exit is known.
    pub source: Provenance,
    /// How it exited, and how that is known.
    pub status: Fact<ExitStatus>,
    /// The event of the call by which it exited.
    pub event: Option<EventId>,
    /// The event of its crash (`ANOM_ABEND`).
    pub abend: Option<EventId>,
}

/// How a process exited.
///
/// # Examples
///
/// ```
/// use auditlink::process::ExitStatus;
///
/// assert_eq!(ExitStatus::of_wait_status(3 << 8), ExitStatus::Exited(3));
/// assert_eq!(ExitStatus::of_wait_status(0x8B).to_string(), "SIGSEGV, core dumped");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "by itself, by a signal, or unknown")]
pub enum ExitStatus {
    /// It exited with this status.
    Exited(u8),
    /// A signal killed it.
    Signaled {
        /// The signal.
        signal: Signal,
        /// Whether it dumped core; `None` if that is unknown.
        dumped: Option<bool>,
    },
    /// It is gone, and its status is unknown.
    Unknown,
}

impl ExitStatus {
    /// Decodes a status as `wait` returns it.
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
            Self::Exited(status) => status.fmt(f),
            Self::Signaled { signal, dumped: Some(true) } => {
                pad(f, format_args!("{signal}, core dumped"))
            }
            Self::Signaled { signal, .. } => pad(f, format_args!("{signal}")),
            Self::Unknown => f.pad("not known"),
        }
    }
}

/// Events of processes that are, or may be, missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifecycleLoss {
    /// Records are missing. The tracker lists /proc and reports the differences as
    /// [`Provenance::Procfs`]; processes that were created and exited in between may be missing.
    Records(Loss),
    /// A task was created, and was gone before it was looked up: a process that made no record of its
    /// own, or a thread. The record of `clone3` does not show which.
    Unsettled {
        /// The process that created it.
        parent: Option<ProcessId>,
        /// Its PID or TID.
        task: u32,
        /// The event of the call.
        event: EventId,
    },
    /// The process monitor lost observations. Exits by a signal may be reported late, and without
    /// the signal.
    ProcessMonitor {
        /// The number of observations; `None` if it is unknown.
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
                let plural = if *count == 1 { "" } else { "s" };
                write!(f, "lost {count} observation{plural} of the process monitor")
            }
            Self::ProcessMonitor { count: None } => {
                f.write_str("lost observations of the process monitor")
            }
        }
    }
}

/// Writes one line, without the time.
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
                let args = exec.args.as_ref().map(|args| &args.value[..]);
                for arg in args.unwrap_or_default() {
                    f.write_str(" ")?;
                    print_text(arg.as_bytes(), f)?;
                }
                // without arguments, as opposed to unknown ones
                if args.is_some_and(<[_]>::is_empty) {
                    f.write_str(" []")?;
                }
                by(exec.source, f)
            }
            Self::Exit(exit) => {
                write!(f, "exit {}", exit.process.id)?;
                exe(&exit.process, f)?;
                write!(f, ": {}", exit.status.value)?;
                by(exit.source, f)
            }
            Self::Loss(loss) => write!(f, "loss {loss}"),
        }
    }
}

fn exe(process: &Process, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(exe) = &process.exe else { return Ok(()) };
    f.write_str(" ")?;
    print_text(exe.value.as_bytes(), f)
}

/// Writes how it is known, unless by its record.
fn by(source: Provenance, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match source {
        Provenance::Record => Ok(()),
        source => write!(f, " [{source}]"),
    }
}
