//! The normalized form of an event: subject, action, objects, outcome.

use std::fmt;

use super::{Event, EventKind};
use crate::bytestr::{ByteStr, print_text};
use crate::constants::Errno;
use crate::macros::pad_with;
use crate::message_type::{MessageType, Origin};
use crate::record::view::{Avc, Path};
use crate::record::{Interpretation, Record, SocketAddress, Value};

/// The process that acted.
///
/// In a program's message that is the process that sent it. Its `exe` and `comm` are the program's own
/// statement; all other fields are written by the kernel.
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
/// let subject = event.subject();
/// assert_eq!((subject.pid, subject.uid), (Some(7), Some(1000)));
/// assert_eq!(subject.comm.as_deref(), Some(&b"rm"[..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject<'a> {
    /// The process (thread-group id).
    pub pid: Option<u32>,
    /// The parent process.
    pub ppid: Option<u32>,
    /// The login user; `None` if no user logged in.
    pub auid: Option<u32>,
    /// The real user.
    pub uid: Option<u32>,
    /// The login session.
    pub session: Option<u32>,
    /// The path of the executable.
    pub exe: Option<ByteStr<'a>>,
    /// The name of the thread.
    pub comm: Option<ByteStr<'a>>,
}

/// What an action was performed on.
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
/// let objects = event.objects();
/// assert_eq!(objects[0].to_string(), "/root/notes");
/// assert_eq!(event.outcome().to_string(), "EACCES");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Object<'a> {
    /// A file system object by its path, absolute if the event contains the directory.
    Path(ByteStr<'a>),
    /// The address of a socket.
    Address(SocketAddress),
    /// A process.
    Process {
        /// Its PID in the initial namespace.
        pid: u32,
        /// Its name.
        comm: Option<ByteStr<'a>>,
    },
    /// A user account, by name or number as the program reported it.
    Account(ByteStr<'a>),
    /// A setting and its new value.
    Setting(ByteStr<'a>, ByteStr<'a>),
    /// The keys of a rule.
    Rule(Vec<ByteStr<'a>>),
    /// A kernel module, BPF program, table, service or other thing by its name.
    Name(ByteStr<'a>),
}

/// How an action ended.
///
/// # Examples
///
/// ```
/// use auditlink::constants::Errno;
/// use auditlink::event::Outcome;
///
/// assert_eq!(Outcome::Failure(Some(Errno::new(13))).to_string(), "EACCES");
/// assert_eq!(Outcome::Success.name(), "success");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it succeeded, it failed, or this is unknown")]
pub enum Outcome {
    /// The action succeeded, or was allowed.
    Success,
    /// The action failed, or was denied; with the error number if the event contains one.
    Failure(Option<Errno>),
    /// The event does not contain an outcome.
    Unknown,
}

impl Outcome {
    /// Returns the name that the JSON form uses: `success`, `failure` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure(_) => "failure",
            Self::Unknown => "unknown",
        }
    }

    const fn of(result: Option<bool>) -> Self {
        match result {
            Some(true) => Self::Success,
            Some(false) => Self::Failure(None),
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(Some(errno)) => fmt::Display::fmt(errno, f),
            _ => f.pad(self.name()),
        }
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |f| self.print(f))
    }
}

impl Object<'_> {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(bytes) | Self::Account(bytes) | Self::Name(bytes) => print_text(bytes, f),
            Self::Address(address) => fmt::Display::fmt(address, f),
            Self::Process { pid, comm: None } => write!(f, "{pid}"),
            Self::Process { pid, comm: Some(comm) } => {
                print_text(comm, f)?;
                write!(f, "[{pid}]")
            }
            Self::Setting(name, value) => {
                print_text(name, f)?;
                f.write_str("=")?;
                print_text(value, f)
            }
            Self::Rule(keys) => {
                f.write_str("rule")?;
                for key in keys {
                    f.write_str(" ")?;
                    print_text(key, f)?;
                }
                Ok(())
            }
        }
    }
}

impl Event {
    /// Returns the process that acted.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        let opener = self.call().map(|call| call.record());
        let mut subject = Subject::default();
        // other records may contain what that of the call lacks, such as the program for io_uring
        for record in opener.into_iter().chain(self.records()) {
            let is_about_another = matches!(
                record.message_type(),
                MessageType::OBJ_PID
                    | MessageType::EXECVE
                    | MessageType::PATH
                    | MessageType::CAPSET
            );
            if !is_about_another {
                subject.add(record);
            }
        }
        subject
    }

    /// Returns what was done, as the record names it: the system call, the operation that a program
    /// reports, or an access decision.
    #[must_use]
    pub fn action(&self) -> ByteStr<'_> {
        let word = |word: &'static str| ByteStr::from(word);
        let kind = self.kind();
        match kind {
            EventKind::Mac(record) => match record.as_avc() {
                Some(avc) => action_of_avc(avc),
                None => op(record).unwrap_or_else(|| type_name(record)),
            },
            EventKind::Seccomp(seccomp) => {
                match seccomp.action().and_then(|action| action.name()) {
                    Some(action) => word(action),
                    None => type_name(seccomp.record()),
                }
            }
            EventKind::Login(_) => word("login"),
            EventKind::Config(change) => {
                op(change.record()).unwrap_or_else(|| type_name(change.record()))
            }
            EventKind::Session(message)
            | EventKind::Auth(message)
            | EventKind::Account(message)
            | EventKind::User(message) => {
                message.op().unwrap_or_else(|| type_name(message.record()))
            }
            EventKind::Anomaly(record) | EventKind::Service(record) => type_name(record),
            _ => {
                let record = self.records().find_map(op);
                let call = self.call().and_then(|call| match call.name() {
                    Some(name) => Some(word(name)),
                    None => Some(call.syscall()?.number()?.to_string().into()),
                });
                let first = || self.records().next().map(type_name);
                match kind {
                    EventKind::Bpf(_)
                    | EventKind::Netfilter(_)
                    | EventKind::Listener(_)
                    | EventKind::Integrity(_) => record.or(call).or_else(first),
                    _ => call.or(record).or_else(first),
                }
                .unwrap_or_default()
            }
        }
    }

    /// Returns what the action was performed on, in the order of the records.
    ///
    /// Relative paths are completed if the event contains their directory. The records of parent
    /// directories are skipped.
    #[must_use]
    pub fn objects(&self) -> Vec<Object<'_>> {
        let mut objects = Vec::new();
        for record in self.records() {
            self.objects_of(record, &mut objects);
        }
        objects
    }

    fn objects_of<'a>(&'a self, record: Record<'a>, objects: &mut Vec<Object<'a>>) {
        let name = |field| record.field(field).and_then(|value| value.untrusted().bytes());
        match record.message_type() {
            MessageType::PATH => {
                let path = record.as_path().filter(|path| path.nametype() != Some("PARENT".into()));
                objects.extend(path.and_then(|path| self.full_path(path)).map(Object::Path));
            }
            // a configuration change is sent to the kernel, so this is the kernel's own address
            MessageType::SOCKADDR
                if self.records_of(MessageType::CONFIG_CHANGE).next().is_none() =>
            {
                let address = record.as_sockaddr().and_then(|address| address.address());
                objects.extend(address.map(Object::Address));
            }
            MessageType::OBJ_PID => {
                let Some(object) = record.as_obj_pid() else { return };
                let Some(pid) = object.pid() else { return };
                objects.push(Object::Process { pid, comm: object.comm() });
            }
            MessageType::CONFIG_CHANGE | MessageType::FEATURE_CHANGE => {
                let Some(change) = record.as_config_change() else { return };
                match change.setting() {
                    Some((name, value)) => {
                        objects.push(Object::Setting(name.into(), value.bytes().into()));
                    }
                    None => objects.push(Object::Rule(change.keys().collect())),
                }
            }
            MessageType::KERN_MODULE | MessageType::ANOM_PROMISCUOUS => {
                objects.extend(name("name").or_else(|| bare(record, "dev")).map(Object::Name));
            }
            MessageType::BPF => objects.extend(bare(record, "prog-id").map(Object::Name)),
            MessageType::NETFILTER_CFG => {
                let table = record.as_netfilter_cfg().and_then(|cfg| cfg.table());
                objects.extend(table.map(Object::Name));
            }
            MessageType::AVC | MessageType::USER_AVC => {
                let Some(avc) = record.as_avc() else { return };
                let path =
                    avc.path().filter(|_| self.records_of(MessageType::PATH).next().is_none());
                objects.extend(path.map(Object::Path));
            }
            MessageType::LANDLOCK_ACCESS => objects.extend(name("path").map(Object::Path)),
            MessageType::SECCOMP => {
                let call = record.as_seccomp().and_then(|seccomp| seccomp.name());
                objects.extend(call.map(|call| Object::Name(call.as_bytes().into())));
            }
            message_type if message_type.origin() == Origin::UserSpace => {
                let Some(message) = record.as_user_message() else { return };
                let text = |field| message.field(field).and_then(|value| value.untrusted().bytes());
                objects.extend(text("acct").map(Object::Account));
                let id = message.field("id").filter(|_| message.field("acct").is_none());
                objects.extend(id.map(|id| Object::Account(id.bytes().into())));
                for field in ["unit", "cmd", "vm", "sw", "grp"] {
                    objects.extend(text(field).map(Object::Name));
                }
            }
            number if matches!(number.number(), 1800..=1899) => {
                objects.extend(name("name").map(Object::Path));
            }
            _ => {}
        }
    }

    /// Completes a path if it is relative to the working directory.
    fn full_path<'a>(&'a self, path: Path<'a>) -> Option<ByteStr<'a>> {
        let name = path.name()?;
        if name.starts_with(b"/") || !self.is_relative_to_cwd() {
            return Some(name);
        }
        let Some(cwd) = self.records().find_map(Record::as_cwd).and_then(|cwd| cwd.path()) else {
            return Some(name);
        };
        let separator: &[u8] = if cwd.ends_with(b"/") { b"" } else { b"/" };
        Some([&cwd, separator, &name].concat().into())
    }

    /// Returns whether no argument of the call is a directory's descriptor.
    fn is_relative_to_cwd(&self) -> bool {
        let syscall = self.call().and_then(|call| call.syscall());
        let mut meanings =
            syscall.into_iter().flat_map(|syscall| syscall.record().interpretations());
        !meanings.any(|(_, meaning)| matches!(meaning, Interpretation::Directory(Some(_))))
    }

    /// Returns how the action ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.kind() {
            EventKind::Exit(_) => Outcome::Success,
            EventKind::Mac(record) => {
                let decision = record.as_avc().map(|avc| (avc.is_granted(), avc.is_permissive()));
                match (decision, record.message_type()) {
                    (Some((Some(false), Some(true))), _) => Outcome::Success,
                    (Some((allowed, _)), _) => Outcome::of(allowed),
                    (None, MessageType::LANDLOCK_ACCESS | MessageType::IPE_ACCESS) => {
                        Outcome::Failure(None)
                    }
                    (None, MessageType::FANOTIFY) => {
                        let response = record.as_fanotify().and_then(|view| view.response());
                        Outcome::of(response.map(|response| response.name() == Some("allow")))
                    }
                    (None, _) => outcome_by_field(record),
                }
            }
            EventKind::Seccomp(seccomp) => {
                match seccomp.action().and_then(|action| action.name()) {
                    Some("log" | "allow") => Outcome::Success,
                    Some("errno") => {
                        Outcome::Failure(seccomp.data().map(|code| Errno::new(u32::from(code))))
                    }
                    Some(_) => Outcome::Failure(None),
                    None => Outcome::Unknown,
                }
            }
            EventKind::Session(message)
            | EventKind::Auth(message)
            | EventKind::Account(message)
            | EventKind::User(message) => Outcome::of(message.result()),
            EventKind::Login(login) => Outcome::of(login.result()),
            EventKind::Config(change) => Outcome::of(change.result()),
            EventKind::Listener(listener) => Outcome::of(listener.result()),
            EventKind::Integrity(integrity) => Outcome::of(integrity.result()),
            EventKind::Anomaly(record) | EventKind::Service(record) => outcome_by_field(record),
            _ => match self.call() {
                Some(call) => match Outcome::of(call.success()) {
                    Outcome::Failure(_) => Outcome::Failure(call.errno()),
                    other => other,
                },
                None => Outcome::Unknown,
            },
        }
    }
}

impl<'a> Subject<'a> {
    /// Adds the fields of a record that are not set yet.
    fn add(&mut self, record: Record<'a>) {
        for field in record.fields() {
            match field.name {
                b"pid" => self.pid = self.pid.or_else(|| field.value.decimal()),
                b"ppid" => self.ppid = self.ppid.or_else(|| field.value.decimal()),
                b"auid" => self.auid = self.auid.or_else(|| field.value.id()),
                b"uid" => self.uid = self.uid.or_else(|| field.value.id()),
                b"ses" => self.session = self.session.or_else(|| field.value.id()),
                b"exe" => set(&mut self.exe, field.value),
                b"comm" => set(&mut self.comm, field.value),
                _ => {}
            }
        }
        if let Some(message) = record.as_user_message() {
            for field in message.fields() {
                match field.name {
                    b"exe" => set(&mut self.exe, field.value),
                    b"comm" => set(&mut self.comm, field.value),
                    _ => {}
                }
            }
        }
    }
}

/// Reads the result from the field of a record, or of the program's message in it.
fn outcome_by_field(record: Record<'_>) -> Outcome {
    let result = match record.as_user_message() {
        Some(message) => message.result(),
        None => record.field("res").and_then(Value::boolean),
    };
    Outcome::of(result)
}

fn set<'a>(field: &mut Option<ByteStr<'a>>, value: Value<'a>) {
    if field.is_none() {
        *field = value.untrusted().bytes();
    }
}

fn action_of_avc(avc: Avc<'_>) -> ByteStr<'_> {
    let decision: &[u8] = match avc.is_granted() {
        Some(true) => b"granted",
        Some(false) => b"denied",
        None => return avc.text().unwrap_or_else(|| "avc".into()),
    };
    let mut action = decision.to_vec();
    for permission in avc.permissions() {
        action.push(b' ');
        action.extend_from_slice(&permission);
    }
    action.into()
}

fn op(record: Record<'_>) -> Option<ByteStr<'_>> {
    bare(record, "op")
}

fn bare<'a>(record: Record<'a>, field: &str) -> Option<ByteStr<'a>> {
    record.field(field).map(|value| value.bytes().into())
}

fn type_name(record: Record<'_>) -> ByteStr<'_> {
    match record.message_type().name() {
        Some(name) => name.into(),
        None => record.message_type().to_string().into(),
    }
}
