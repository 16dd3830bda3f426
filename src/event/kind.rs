//! What an event says, as a type.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::Event;
use crate::message_type::MessageType;
use crate::record::{ConfigChange, Record, Syscall, UserMessage};

/// What an event says.
///
/// A variant exists only if the event has the records that it needs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A program was started: `execve` or `execveat` succeeded.
    Exec(Exec<'a>),
    /// A process or thread was created: `clone`, `clone3`, `fork` or `vfork` succeeded.
    Fork(Fork<'a>),
    /// A process or thread ended itself: `exit` or `exit_group`.
    Exit(Exit<'a>),
    /// Any other system call, or one of these that failed.
    Syscall(Syscall<'a>),
    /// A user-space program reports something.
    User(UserMessage<'a>),
    /// A setting or a rule of the audit system was changed.
    Config(ConfigChange<'a>),
    /// Anything else.
    Other(&'a Event),
}

impl EventKind<'_> {
    /// Returns the name that the JSON form uses, such as `exec`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::Fork(_) => "fork",
            Self::Exit(_) => "exit",
            Self::Syscall(_) => "syscall",
            Self::User(_) => "user",
            Self::Config(_) => "config",
            Self::Other(_) => "other",
        }
    }
}

impl Event {
    /// Returns what the event says.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::event::{Assembler, Delivery, EventKind, Received};
    /// use auditlink::time::Tick;
    /// use auditlink::{MessageType, wire::frame};
    ///
    /// let mut assembler = Assembler::new();
    /// for (message_type, text) in [
    ///     (MessageType::SYSCALL, "audit(1.000:2): arch=c000003e syscall=59 success=yes pid=7"),
    ///     (MessageType::EXECVE, r#"audit(1.000:2): argc=2 a0="ls" a1="-l""#),
    ///     (MessageType::EOE, "audit(1.000:2): "),
    /// ] {
    ///     let bytes = &frame::message(message_type, 0, text.as_bytes());
    ///     let needed = bytes.len();
    ///     assembler.handle(Received::Datagram { bytes, needed, at: Tick::ZERO });
    /// }
    /// let Some(Delivery::Event(event)) = assembler.poll() else { panic!("one event") };
    /// let EventKind::Exec(exec) = event.kind() else { panic!("an exec") };
    /// let args = exec.args();
    /// assert_eq!((exec.pid(), args.len()), (Some(7), 2));
    /// assert_eq!(args[1].to_str(), Some("-l"));
    /// ```
    #[must_use]
    pub fn kind(&self) -> EventKind<'_> {
        let mut syscall = None;
        for record in self.records() {
            match record.message_type() {
                MessageType::CONFIG_CHANGE => {
                    if let Some(change) = record.as_config_change() {
                        return EventKind::Config(change);
                    }
                }
                MessageType::SYSCALL => syscall = syscall.or_else(|| record.as_syscall()),
                _ => {}
            }
        }
        if let Some(syscall) = syscall {
            return of_syscall(self, syscall);
        }
        match self.records().find_map(Record::as_user_message) {
            Some(message) => EventKind::User(message),
            None => EventKind::Other(self),
        }
    }
}

fn of_syscall<'a>(event: &'a Event, syscall: Syscall<'a>) -> EventKind<'a> {
    let succeeded = syscall.success() == Some(true);
    match syscall.name() {
        Some("execve" | "execveat") if succeeded => EventKind::Exec(Exec { event, syscall }),
        Some(name @ ("clone" | "clone3" | "fork" | "vfork")) if succeeded => {
            match syscall.exit().and_then(|child| u32::try_from(child).ok()) {
                Some(child) => EventKind::Fork(Fork { syscall, name, child }),
                None => EventKind::Syscall(syscall),
            }
        }
        Some(name @ ("exit" | "exit_group")) => {
            EventKind::Exit(Exit { syscall, of_group: name == "exit_group" })
        }
        _ => EventKind::Syscall(syscall),
    }
}

/// Gives the views below what they share.
macro_rules! caller {
    ($name:ident) => {
        impl<'a> $name<'a> {
            /// Returns the record of the call, with everything about the caller.
            #[must_use]
            pub const fn syscall(&self) -> Syscall<'a> {
                self.syscall
            }

            /// Returns the calling process (thread-group id).
            #[must_use]
            pub fn pid(&self) -> Option<u32> {
                self.syscall.pid()
            }
        }
    };
}

/// A program that was started.
#[derive(Clone, Copy, Debug)]
pub struct Exec<'a> {
    event: &'a Event,
    syscall: Syscall<'a>,
}

caller!(Exec);

impl<'a> Exec<'a> {
    /// Returns the path of the program that now runs.
    #[must_use]
    pub fn exe(&self) -> Option<Cow<'a, OsStr>> {
        self.syscall.exe().map(os_str)
    }

    /// Returns the arguments that arrived, in their order; [`Event::missing`] tells of others.
    #[must_use]
    pub fn args(&self) -> Vec<Cow<'a, OsStr>> {
        match self.event.execve() {
            Some(execve) => execve.into_arguments().map(os_str).collect(),
            None => Vec::new(),
        }
    }
}

/// A process or thread that was created.
#[derive(Clone, Copy, Debug)]
pub struct Fork<'a> {
    syscall: Syscall<'a>,
    name: &'static str,
    child: u32,
}

caller!(Fork);

impl Fork<'_> {
    /// Returns the child, as the caller sees it in its own pid namespace.
    #[must_use]
    pub const fn child(&self) -> u32 {
        self.child
    }

    /// Tells whether a thread was created; `None` for `clone3`, whose flags are not recorded.
    #[must_use]
    pub fn is_thread(&self) -> Option<bool> {
        const CLONE_THREAD: u64 = 0x1_0000;
        match self.name {
            "clone3" => None,
            "clone" => {
                let flags = self.syscall.argument(self.syscall.arch()?.clone_flags_index())?;
                Some(flags & CLONE_THREAD != 0)
            }
            _ => Some(false),
        }
    }
}

/// A process or thread that ended itself.
#[derive(Clone, Copy, Debug)]
pub struct Exit<'a> {
    syscall: Syscall<'a>,
    of_group: bool,
}

caller!(Exit);

impl Exit<'_> {
    /// Returns the exit status, 0 to 255.
    #[must_use]
    pub fn status(&self) -> Option<u8> {
        self.syscall.argument(0).and_then(|status| u8::try_from(status & 0xFF).ok())
    }

    /// Tells whether the whole process ended (`exit_group`); after `exit` it may live on.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        self.of_group
    }
}

fn os_str(bytes: Cow<'_, [u8]>) -> Cow<'_, OsStr> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(OsStr::from_bytes(bytes)),
        Cow::Owned(bytes) => Cow::Owned(OsString::from_vec(bytes)),
    }
}
