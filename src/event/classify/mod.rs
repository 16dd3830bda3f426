//! What an event says, as a type.

mod call;
mod syscall_class;

pub use self::call::{Call, Exec, Exit, Fork, Kill, Ptrace};
use self::syscall_class::Family;
use super::Event;
use crate::message_type::MessageType as T;
use crate::message_type::Origin;
use crate::record::Record;
use crate::record::view::{
    Bpf, ConfigChange, EventListener, Integrity, Login, NetfilterCfg, Seccomp, UserMessage,
};

/// What an event says.
///
/// A variant exists only if the event has the records that it needs. Where a call made another
/// record that says more, that record decides: an `openat` that SELinux denied is [`Mac`](Self::Mac),
/// a write that set a login user is [`Login`](Self::Login).
///
/// `Exec`, `Fork` and `Exit` are facts: a call that failed is [`Syscall`](Self::Syscall). All
/// other calls keep their kind when they fail; [`Event::outcome`] tells.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A program was started: `execve` or `execveat` succeeded.
    Exec(Exec<'a>),
    /// A process or thread was created: `clone`, `clone3`, `fork` or `vfork` succeeded.
    Fork(Fork<'a>),
    /// A process or thread ended itself: `exit` or `exit_group`.
    Exit(Exit<'a>),
    /// A file was opened, or looked at by its path.
    FileOpen(Call<'a>),
    /// A file or directory was made, also by `open`.
    FileCreate(Call<'a>),
    /// A file or directory was removed.
    FileDelete(Call<'a>),
    /// A file or directory was renamed.
    FileRename(Call<'a>),
    /// A hard or symbolic link was made.
    FileLink(Call<'a>),
    /// Owner, permissions, times or extended attributes were changed.
    FileAttr(Call<'a>),
    /// Something was mounted or unmounted, or the root directory changed.
    FileMount(Call<'a>),
    /// A socket was connected.
    Connect(Call<'a>),
    /// A socket was given an address.
    Bind(Call<'a>),
    /// A connection was accepted.
    Accept(Call<'a>),
    /// A socket began to listen.
    Listen(Call<'a>),
    /// Something was sent through a socket.
    Send(Call<'a>),
    /// A process changed who it is: users, groups, capabilities, session, namespaces.
    Identity(Call<'a>),
    /// A signal was sent.
    Kill(Kill<'a>),
    /// A process looked into another.
    Ptrace(Ptrace<'a>),
    /// A kernel module was loaded or removed.
    Module(Call<'a>),
    /// The call `bpf`, without a program being loaded or removed.
    BpfCall(Call<'a>),
    /// A BPF program was loaded, or is gone.
    Bpf(Bpf<'a>),
    /// The clock was set, or its course changed.
    Time(Call<'a>),
    /// The login user of a process was set: somebody logged in.
    Login(Login<'a>),
    /// A program reports the beginning or end of a session: `USER_LOGIN`, `USER_START`, ….
    Session(UserMessage<'a>),
    /// A program reports on authentication: `USER_AUTH`, `CRED_ACQ`, ….
    Auth(UserMessage<'a>),
    /// A program reports a change to users or groups: `ADD_USER`, `USER_MGMT`, ….
    Account(UserMessage<'a>),
    /// A service, or the machine, was started or stopped, or the audit daemon reports on itself.
    Service(Record<'a>),
    /// A setting or a rule of the audit system was changed.
    Config(ConfigChange<'a>),
    /// Somebody began or ceased to read along.
    Listener(EventListener<'a>),
    /// The packet filter was changed.
    Netfilter(NetfilterCfg<'a>),
    /// Mandatory access control, Landlock, IPE or a fanotify listener decided or was changed.
    Mac(Record<'a>),
    /// IMA or EVM measured, appraised or refused something.
    Integrity(Integrity<'a>),
    /// A seccomp filter stopped or logged a call.
    Seccomp(Seccomp<'a>),
    /// Something unusual: a crash, a suspicious link, promiscuous mode, what a program noticed.
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

impl Event {
    /// Returns what the event says.
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
    /// let args = exec.args();
    /// assert_eq!((exec.pid(), args.len()), (Some(7), 2));
    /// assert_eq!(args[1].to_str(), Some("-l"));
    /// ```
    #[must_use]
    pub fn kind(&self) -> EventKind<'_> {
        // the kernel writes what says more before the call
        if let Some(kind) = self.records().find_map(of_record) {
            return kind;
        }
        match self.call() {
            Some(call) => of_call(call),
            None => EventKind::Other(self),
        }
    }

    /// Returns what the call did, whatever other records came with it.
    pub(crate) fn kind_of_call(&self) -> Option<EventKind<'_>> {
        self.call().map(of_call)
    }

    /// Returns the system call, or the operation of io_uring, that the event is about.
    #[must_use]
    pub fn call(&self) -> Option<Call<'_>> {
        Call::of(self)
    }
}

/// Returns what a record says that is more than the call it came with.
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
    let family = match call.name() {
        None => Family::Other,
        Some("socketcall") => {
            let number = call.syscall().and_then(|syscall| syscall.argument(0));
            number.map_or(Family::Other, Family::of_socket_call)
        }
        Some(name) => Family::of(name),
    };
    match family {
        Family::Exec if succeeded => EventKind::Exec(Exec { call }),
        Family::Fork if succeeded => {
            match call.exit().and_then(|child| u32::try_from(child).ok()) {
                Some(child) => EventKind::Fork(Fork { call, child }),
                None => EventKind::Syscall(call),
            }
        }
        Family::Exit => EventKind::Exit(Exit { call }),
        Family::Open if makes_a_file(call) => EventKind::FileCreate(call),
        Family::Open => EventKind::FileOpen(call),
        Family::Create => EventKind::FileCreate(call),
        Family::Delete => EventKind::FileDelete(call),
        Family::Rename => EventKind::FileRename(call),
        Family::Link => EventKind::FileLink(call),
        Family::Attribute => EventKind::FileAttr(call),
        Family::Mount => EventKind::FileMount(call),
        Family::Connect => EventKind::Connect(call),
        Family::Bind => EventKind::Bind(call),
        Family::Accept => EventKind::Accept(call),
        Family::Listen => EventKind::Listen(call),
        Family::Send => EventKind::Send(call),
        Family::Identity => EventKind::Identity(call),
        Family::Kill => EventKind::Kill(Kill { call }),
        Family::Ptrace => EventKind::Ptrace(Ptrace { call }),
        Family::Module => EventKind::Module(call),
        Family::Bpf => EventKind::BpfCall(call),
        Family::Time => EventKind::Time(call),
        Family::Exec | Family::Fork | Family::Other => EventKind::Syscall(call),
    }
}

/// Tells whether an `open` made the file that it opened.
fn makes_a_file(call: Call<'_>) -> bool {
    call.paths().any(|path| path.nametype() == Some("CREATE".into()))
}

#[cfg(test)]
mod tests;
