//! Classification: the kind of an event, with the views that the kind implies.

mod call;
mod syscall_class;

use std::fmt;

pub use self::call::{Call, Exec, Exit, Fork, Kill, Ptrace};
use self::syscall_class::SyscallClass;
use super::Event;
use crate::message_type::MessageType as T;
use crate::message_type::Origin;
use crate::record::Record;
use crate::record::view::{
    Bpf, ConfigChange, EventListener, Integrity, Login, NetfilterCfg, Seccomp, UserMessage,
};

/// The kind of an event.
///
/// An event is of a kind only if it has the records that the kind's view needs. If a call led to a more
/// specific record, that record decides: an `openat` that SELinux denied is [`Mac`](Self::Mac), a
/// write that set the login user is [`Login`](Self::Login).
///
/// `Exec` and `Fork` are successful: a failed call is [`Syscall`](Self::Syscall). All other calls keep
/// their kind when they fail; see [`Event::outcome`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A program was executed: `execve` or `execveat` succeeded.
    Exec(Exec<'a>),
    /// A process or thread was created: `clone`, `clone3`, `fork` or `vfork` succeeded.
    Fork(Fork<'a>),
    /// A process or thread ended itself: `exit` or `exit_group`.
    Exit(Exit<'a>),
    /// A file was opened, or inspected by its path.
    FileOpen(Call<'a>),
    /// A file or directory was created, also by `open`.
    FileCreate(Call<'a>),
    /// A file or directory was removed.
    FileDelete(Call<'a>),
    /// A file or directory was renamed.
    FileRename(Call<'a>),
    /// A hard or symbolic link was created.
    FileLink(Call<'a>),
    /// Owner, permissions, times or extended attributes were changed.
    FileAttr(Call<'a>),
    /// Something was mounted or unmounted, or the root directory changed.
    FileMount(Call<'a>),
    /// A socket was connected.
    Connect(Call<'a>),
    /// A socket was bound to an address.
    Bind(Call<'a>),
    /// A connection was accepted.
    Accept(Call<'a>),
    /// A socket started to listen.
    Listen(Call<'a>),
    /// Data was sent through a socket.
    Send(Call<'a>),
    /// A process changed its users, groups, capabilities, session or namespaces.
    Identity(Call<'a>),
    /// A signal was sent.
    Kill(Kill<'a>),
    /// A process traced another, or accessed its memory.
    Ptrace(Ptrace<'a>),
    /// A kernel module was loaded or removed.
    Module(Call<'a>),
    /// `bpf` was called, without loading or unloading a program.
    BpfCall(Call<'a>),
    /// A BPF program was loaded or unloaded.
    Bpf(Bpf<'a>),
    /// The clock was set or adjusted.
    Time(Call<'a>),
    /// The login user of a process was set: a user logged in.
    Login(Login<'a>),
    /// A program reports the start or end of a session: `USER_LOGIN`, `USER_START`, ….
    Session(UserMessage<'a>),
    /// A program reports on authentication: `USER_AUTH`, `CRED_ACQ`, ….
    Auth(UserMessage<'a>),
    /// A program reports a change to users or groups: `ADD_USER`, `USER_MGMT`, ….
    Account(UserMessage<'a>),
    /// A service, or the machine, was started or stopped, or the audit daemon reports on itself.
    Service(Record<'a>),
    /// A setting or a rule of the audit system was changed.
    Config(ConfigChange<'a>),
    /// A process joined or left the multicast group of audit records.
    Listener(EventListener<'a>),
    /// The packet filter was changed.
    Netfilter(NetfilterCfg<'a>),
    /// Mandatory access control, Landlock, IPE or a fanotify listener decided or was changed.
    Mac(Record<'a>),
    /// IMA or EVM measured, appraised or refused something.
    Integrity(Integrity<'a>),
    /// A seccomp filter stopped or logged a call.
    Seccomp(Seccomp<'a>),
    /// An anomaly: a crash, a suspicious link, promiscuous mode, or one that a program reports.
    Anomaly(Record<'a>),
    /// Any other call, or an exec, fork or exit that failed.
    Syscall(Call<'a>),
    /// A program reports something else.
    User(UserMessage<'a>),
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
            Self::FileOpen(_) => "file_open",
            Self::FileCreate(_) => "file_create",
            Self::FileDelete(_) => "file_delete",
            Self::FileRename(_) => "file_rename",
            Self::FileLink(_) => "file_link",
            Self::FileAttr(_) => "file_attr",
            Self::FileMount(_) => "file_mount",
            Self::Connect(_) => "connect",
            Self::Bind(_) => "bind",
            Self::Accept(_) => "accept",
            Self::Listen(_) => "listen",
            Self::Send(_) => "send",
            Self::Identity(_) => "identity",
            Self::Kill(_) => "kill",
            Self::Ptrace(_) => "ptrace",
            Self::Module(_) => "module",
            Self::Bpf(_) | Self::BpfCall(_) => "bpf",
            Self::Time(_) => "time",
            Self::Login(_) => "login",
            Self::Session(_) => "session",
            Self::Auth(_) => "auth",
            Self::Account(_) => "account",
            Self::Service(_) => "service",
            Self::Config(_) => "config",
            Self::Listener(_) => "listener",
            Self::Netfilter(_) => "netfilter",
            Self::Mac(_) => "mac",
            Self::Integrity(_) => "integrity",
            Self::Seccomp(_) => "seccomp",
            Self::Anomaly(_) => "anomaly",
            Self::Syscall(_) => "syscall",
            Self::User(_) => "user",
            Self::Other(_) => "other",
        }
    }
}

/// Prints the [name](Self::name).
impl fmt::Display for EventKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Event {
    /// Returns the kind of the event.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Delivery;
    /// use auditlink::event::{Assembler, EventKind, Received};
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
    /// let args = exec.args().unwrap_or_default();
    /// assert_eq!((exec.pid(), args.len()), (Some(7), 2));
    /// assert_eq!(args[1].to_str(), Some("-l"));
    /// ```
    #[must_use]
    pub fn kind(&self) -> EventKind<'_> {
        // the kernel writes the more specific records before that of the call
        if let Some(kind) = self.records().find_map(of_record) {
            return match kind {
                // a path, which old kernels write beside the decision
                EventKind::Mac(path) if path.message_type() == T::AVC_PATH => {
                    EventKind::Mac(self.records_of(T::AVC).next().unwrap_or(path))
                }
                kind => kind,
            };
        }
        match self.call() {
            Some(call) => of_call(call),
            None => EventKind::Other(self),
        }
    }

    /// Returns the kind that the call alone implies.
    pub(crate) fn kind_of_call(&self) -> Option<EventKind<'_>> {
        self.call().map(of_call)
    }

    /// Returns the system call, or the operation of io_uring, that the event is about.
    #[must_use]
    pub fn call(&self) -> Option<Call<'_>> {
        Call::of(self)
    }
}

/// Returns the kind that a record implies, if it is more specific than a call.
fn of_record(record: Record<'_>) -> Option<EventKind<'_>> {
    let message_type = record.message_type();
    match message_type {
        T::CONFIG_CHANGE | T::FEATURE_CHANGE => record.as_config_change().map(EventKind::Config),
        T::EVENT_LISTENER => record.as_event_listener().map(EventKind::Listener),
        T::LOGIN => record.as_login().map(EventKind::Login),
        T::SECCOMP => record.as_seccomp().map(EventKind::Seccomp),
        T::NETFILTER_CFG => record.as_netfilter_cfg().map(EventKind::Netfilter),
        T::BPF => record.as_bpf().map(EventKind::Bpf),
        T::USER_AVC | T::USER_SELINUX_ERR | T::FANOTIFY | T::MAC_CHECK => {
            Some(EventKind::Mac(record))
        }
        T::SERVICE_START
        | T::SERVICE_STOP
        | T::SYSTEM_BOOT
        | T::SYSTEM_SHUTDOWN
        | T::SYSTEM_RUNLEVEL => Some(EventKind::Service(record)),
        // without their fields, these numbers are those of other records on some kernels
        T::IPE_ACCESS if record.field("ipe_op").is_none() => None,
        T::IPE_CONFIG_CHANGE if record.field("old_active_pol_name").is_none() => None,
        _ => match message_type.number() {
            1400..=1424 | 1500..=1599 | 2310 | 2312 | 2313 => Some(EventKind::Mac(record)),
            1700..=1799 | 2100..=2199 => Some(EventKind::Anomaly(record)),
            1800..=1899 => record.as_integrity().map(EventKind::Integrity),
            _ if message_type.origin() == Origin::Daemon => Some(EventKind::Service(record)),
            _ => record.as_user_message().map(of_message),
        },
    }
}

fn of_message(message: UserMessage<'_>) -> EventKind<'_> {
    match message.record().message_type() {
        T::USER_LOGIN | T::USER_LOGOUT | T::USER_START | T::USER_END => EventKind::Session(message),
        T::USER_AUTH
        | T::USER_ACCT
        | T::USER_ERR
        | T::USER_CHAUTHTOK
        | T::CRED_ACQ
        | T::CRED_DISP
        | T::CRED_REFR
        | T::GRP_AUTH => EventKind::Auth(message),
        T::USER_MGMT
        | T::ADD_USER
        | T::DEL_USER
        | T::ADD_GROUP
        | T::DEL_GROUP
        | T::GRP_MGMT
        | T::GRP_CHAUTHTOK
        | T::ACCT_LOCK
        | T::ACCT_UNLOCK
        | T::CHGRP_ID
        | T::CHUSER_ID
        | T::ROLE_ASSIGN
        | T::ROLE_REMOVE
        | T::ROLE_MODIFY
        | T::USER_ROLE_CHANGE => EventKind::Account(message),
        _ => EventKind::User(message),
    }
}

fn of_call(call: Call<'_>) -> EventKind<'_> {
    let succeeded = call.success() == Some(true);
    let class = match call.name() {
        None => SyscallClass::Other,
        Some("socketcall") => {
            let number = call.syscall().and_then(|syscall| syscall.argument(0));
            number.map_or(SyscallClass::Other, SyscallClass::of_socket_call)
        }
        Some(name) => SyscallClass::of(name),
    };
    match class {
        SyscallClass::Exec if succeeded => EventKind::Exec(Exec { call }),
        SyscallClass::Fork if succeeded => {
            match call.exit().and_then(|child| u32::try_from(child).ok()) {
                Some(child) => EventKind::Fork(Fork { call, child }),
                None => EventKind::Syscall(call),
            }
        }
        SyscallClass::Exit => EventKind::Exit(Exit { call }),
        SyscallClass::Open if creates_file(call) => EventKind::FileCreate(call),
        SyscallClass::Open => EventKind::FileOpen(call),
        SyscallClass::Create => EventKind::FileCreate(call),
        SyscallClass::Delete => EventKind::FileDelete(call),
        SyscallClass::Rename => EventKind::FileRename(call),
        SyscallClass::Link => EventKind::FileLink(call),
        SyscallClass::Attribute => EventKind::FileAttr(call),
        SyscallClass::Mount => EventKind::FileMount(call),
        SyscallClass::Connect => EventKind::Connect(call),
        SyscallClass::Bind => EventKind::Bind(call),
        SyscallClass::Accept => EventKind::Accept(call),
        SyscallClass::Listen => EventKind::Listen(call),
        SyscallClass::Send => EventKind::Send(call),
        SyscallClass::Identity => EventKind::Identity(call),
        SyscallClass::Kill => EventKind::Kill(Kill { call }),
        SyscallClass::Ptrace => EventKind::Ptrace(Ptrace { call }),
        SyscallClass::Module => EventKind::Module(call),
        SyscallClass::Bpf => EventKind::BpfCall(call),
        SyscallClass::Time => EventKind::Time(call),
        SyscallClass::Exec | SyscallClass::Fork | SyscallClass::Other => EventKind::Syscall(call),
    }
}

/// Returns whether an `open` created the file.
fn creates_file(call: Call<'_>) -> bool {
    call.paths().any(|path| path.nametype() == Some("CREATE".into()))
}

#[cfg(test)]
mod tests;
