//! Views of system calls and operations of io_uring.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::bytestr::ByteStr;
use crate::constants::{Errno, Named, PTRACE_REQUESTS, Signal};
use crate::event::Event;
use crate::message_type::MessageType;
use crate::record::view::{ObjPid, Path, Syscall, UringOp};
use crate::record::{Record, SocketAddress};

/// A system call, or an operation of io_uring, with the other records of its event.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, log};
///
/// let text = r#"type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=87 success=no exit=-13 a0=7f00 pid=7 uid=1000 comm="rm" exe="/usr/bin/rm"
/// type=CWD msg=audit(1.000:2): cwd="/root"
/// type=PATH msg=audit(1.000:2): item=0 name="notes" nametype=DELETE
/// "#;
/// let mut events = Events::new(log::Reader::new(text.as_bytes()));
/// let Some(Ok(Delivery::Event(event))) = events.next() else { panic!("an event") };
/// let call = event.call().ok_or("a call")?;
/// assert_eq!((call.name(), call.pid(), call.success()), (Some("unlink"), Some(7), Some(false)));
/// assert_eq!(call.paths().count(), 1);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    event: &'a Event,
    opener: Opener<'a>,
}

/// The record of the call or operation.
#[derive(Clone, Copy, Debug)]
enum Opener<'a> {
    Syscall(Syscall<'a>),
    Uring(UringOp<'a>),
}

/// Evaluates an expression for either kind of record.
macro_rules! of_opener {
    ($self:ident, $view:ident => $answer:expr) => {
        match $self.opener {
            Opener::Syscall($view) => $answer,
            Opener::Uring($view) => $answer,
        }
    };
}

impl<'a> Call<'a> {
    /// Finds the call of an event. If the event is of `io_uring_enter` and has records of operations, the
    /// first of these operations is returned.
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        let mut syscall = None;
        let mut uring = None;
        for record in event.records() {
            match record.message_type() {
                MessageType::SYSCALL => syscall = syscall.or_else(|| record.as_syscall()),
                MessageType::URINGOP => uring = uring.or_else(|| record.as_uring_op()),
                _ => {}
            }
        }
        let opener = match (syscall, uring) {
            (Some(call), None) => Opener::Syscall(call),
            (Some(call), Some(_)) if call.name() != Some("io_uring_enter") => Opener::Syscall(call),
            (_, Some(operation)) => Opener::Uring(operation),
            (None, None) => return None,
        };
        Some(Self { event, opener })
    }

    /// Returns the event.
    #[must_use]
    pub const fn event(&self) -> &'a Event {
        self.event
    }

    /// Returns the record of the system call; `None` for an operation of io_uring.
    #[must_use]
    pub const fn syscall(&self) -> Option<Syscall<'a>> {
        match self.opener {
            Opener::Syscall(syscall) => Some(syscall),
            Opener::Uring(_) => None,
        }
    }

    /// Returns the record of the operation of io_uring; `None` for a system call.
    #[must_use]
    pub const fn uring_op(&self) -> Option<UringOp<'a>> {
        match self.opener {
            Opener::Syscall(_) => None,
            Opener::Uring(operation) => Some(operation),
        }
    }

    /// Returns the record of the call or operation.
    #[must_use]
    pub const fn record(&self) -> Record<'a> {
        of_opener!(self, view => view.record())
    }

    /// Returns the name of the call or operation.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        of_opener!(self, view => view.name())
    }

    /// Returns the calling process (thread-group id).
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        of_opener!(self, view => view.pid())
    }

    /// Returns whether the call succeeded; `None` for calls that do not return.
    #[must_use]
    pub fn success(&self) -> Option<bool> {
        of_opener!(self, view => view.success())
    }

    /// Returns the return value; `None` for calls that do not return.
    #[must_use]
    pub fn exit(&self) -> Option<i64> {
        of_opener!(self, view => view.exit())
    }

    /// Returns the error number; `None` if the call did not fail.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        of_opener!(self, view => view.errno())
    }

    /// Iterates over the `PATH` records, parent directories included.
    pub fn paths(&self) -> impl Iterator<Item = Path<'a>> + use<'a> {
        self.event.records().filter_map(Record::as_path)
    }

    /// Returns the socket address that was passed to the call or returned by it.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddress> {
        self.event.records().find_map(Record::as_sockaddr)?.address()
    }

    /// Iterates over the processes that the call acted on.
    pub fn targets(&self) -> impl Iterator<Item = ObjPid<'a>> + use<'a> {
        self.event.records().filter_map(Record::as_obj_pid)
    }

    fn argument(&self, index: usize) -> Option<u64> {
        self.syscall()?.argument(index)
    }
}

/// Defines the methods that the views below share.
macro_rules! of_call {
    ($name:ident) => {
        impl<'a> $name<'a> {
            /// Returns the call, with the details of the caller.
            #[must_use]
            pub const fn call(&self) -> Call<'a> {
                self.call
            }

            /// Returns the calling process (thread-group id).
            #[must_use]
            pub fn pid(&self) -> Option<u32> {
                self.call.pid()
            }
        }
    };
}

/// A program that was executed.
#[derive(Clone, Copy, Debug)]
pub struct Exec<'a> {
    pub(super) call: Call<'a>,
}

of_call!(Exec);

impl<'a> Exec<'a> {
    /// Returns the path of the new program.
    #[must_use]
    pub fn exe(&self) -> Option<Cow<'a, OsStr>> {
        self.call.syscall()?.exe().map(os_str)
    }

    /// Returns the working directory.
    #[must_use]
    pub fn cwd(&self) -> Option<Cow<'a, OsStr>> {
        self.call.event.records().find_map(Record::as_cwd)?.path().map(os_str)
    }

    /// Returns the received arguments in order; [`Event::missing`] reports missing ones.
    ///
    /// `None` if no `EXECVE` record was received. A program can be given an empty list.
    #[must_use]
    pub fn args(&self) -> Option<Vec<Cow<'a, OsStr>>> {
        Some(self.call.event.execve()?.into_arguments().map(os_str).collect())
    }
}

/// A process or thread that was created.
#[derive(Clone, Copy, Debug)]
pub struct Fork<'a> {
    pub(super) call: Call<'a>,
    pub(super) child: u32,
}

of_call!(Fork);

impl Fork<'_> {
    /// Returns the PID of the child in the caller's PID namespace.
    #[must_use]
    pub const fn child(&self) -> u32 {
        self.child
    }

    /// Returns the flags of `clone`, or those that `fork` and `vfork` imply; `None` for
    /// `clone3`, whose flags are not recorded.
    ///
    /// Source: `include/uapi/linux/sched.h`; `kernel/fork.c`.
    #[must_use]
    pub fn flags(&self) -> Option<u64> {
        match self.call.name()? {
            "clone3" => None,
            "clone" | "clone2" => {
                let index = self.call.syscall()?.arch()?.clone_flags_index();
                self.call.argument(index)
            }
            "vfork" => Some(CLONE_VM | CLONE_VFORK),
            _ => Some(0),
        }
    }

    /// Returns whether a thread was created; `None` for `clone3`, whose flags are not recorded.
    #[must_use]
    pub fn is_thread(&self) -> Option<bool> {
        Some(self.flags()? & CLONE_THREAD != 0)
    }

    /// Returns whether the child's parent is the caller's parent (`CLONE_PARENT`); `None` for `clone3`.
    #[must_use]
    pub fn is_sibling(&self) -> Option<bool> {
        Some(self.flags()? & CLONE_PARENT != 0)
    }
}

const CLONE_VM: u64 = 0x100;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_THREAD: u64 = 0x1_0000;

/// A process or thread that exited.
#[derive(Clone, Copy, Debug)]
pub struct Exit<'a> {
    pub(super) call: Call<'a>,
}

of_call!(Exit);

impl Exit<'_> {
    /// Returns the exit status, 0 to 255.
    #[must_use]
    pub fn status(&self) -> Option<u8> {
        self.call.argument(0).and_then(|status| u8::try_from(status & 0xFF).ok())
    }

    /// Returns whether the whole process exited (`exit_group`); after `exit` other threads may continue.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.call.name() == Some("exit_group")
    }
}

/// A signal that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Kill<'a> {
    pub(super) call: Call<'a>,
}

of_call!(Kill);

impl Kill<'_> {
    /// Returns the signal; `SIG0` only checks that the target exists.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        let index = usize::from(matches!(self.call.name()?, "tgkill" | "rt_tgsigqueueinfo")) + 1;
        let number = self.call.argument(index)?;
        u32::try_from(number & 0xFFFF_FFFF).ok().map(Signal::new)
    }
}

/// A process that traces another, or accesses its memory.
#[derive(Clone, Copy, Debug)]
pub struct Ptrace<'a> {
    pub(super) call: Call<'a>,
}

of_call!(Ptrace);

impl Ptrace<'_> {
    /// Returns the request of `ptrace`; `None` for `process_vm_readv` and `process_vm_writev`.
    #[must_use]
    pub fn request(&self) -> Option<Named> {
        let is_ptrace = self.call.name() == Some("ptrace");
        self.call
            .argument(0)
            .filter(|_| is_ptrace)
            .map(|number| Named::new(number, &PTRACE_REQUESTS))
    }
}

fn os_str(bytes: ByteStr<'_>) -> Cow<'_, OsStr> {
    match bytes.into() {
        Cow::Borrowed(bytes) => Cow::Borrowed(OsStr::from_bytes(bytes)),
        Cow::Owned(bytes) => Cow::Owned(OsString::from_vec(bytes)),
    }
}
