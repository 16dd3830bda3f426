//! The subject of an event: the process that acted.

use crate::bytestr::ByteStr;
use crate::event::Event;
use crate::message_type::MessageType;
use crate::record::{Record, Value};

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
    /// The terminal: of the process, or as a program reports it, such as `/dev/pts/0`.
    pub terminal: Option<ByteStr<'a>>,
    /// The address, or else the name, of the remote host that a program reports.
    pub address: Option<ByteStr<'a>>,
    /// The name of [`auid`](Self::auid), if auditd appended it.
    pub auid_name: Option<ByteStr<'a>>,
    /// The name of [`uid`](Self::uid), if auditd appended it.
    pub uid_name: Option<ByteStr<'a>>,
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
}

impl<'a> Subject<'a> {
    /// Adds the fields of a record that are not set yet.
    fn add(&mut self, record: Record<'a>) {
        let (had_auid, had_uid) = (self.auid.is_some(), self.uid.is_some());
        let login = record.as_login();
        if let Some(login) = login {
            self.auid = self.auid.or_else(|| login.auid());
            self.session = self.session.or_else(|| login.session());
        }
        for field in record.fields() {
            match field.name {
                // old kernels call both the old and the new one so
                b"auid" | b"loginuid" | b"ses" if login.is_some() => {}
                b"pid" => self.pid = self.pid.or_else(|| field.value.decimal()),
                b"ppid" => self.ppid = self.ppid.or_else(|| field.value.decimal()),
                b"auid" | b"loginuid" => self.auid = self.auid.or_else(|| field.value.id()),
                b"uid" => self.uid = self.uid.or_else(|| field.value.id()),
                b"ses" => self.session = self.session.or_else(|| field.value.id()),
                b"exe" => set(&mut self.exe, field.value.untrusted().bytes()),
                b"comm" => set(&mut self.comm, field.value.untrusted().bytes()),
                b"tty" => set(&mut self.terminal, word(field.value)),
                _ => {}
            }
        }
        if let Some(message) = record.as_user_message() {
            for field in message.fields() {
                match field.name {
                    b"exe" => set(&mut self.exe, field.value.untrusted().bytes()),
                    b"comm" => set(&mut self.comm, field.value.untrusted().bytes()),
                    b"terminal" => set(&mut self.terminal, word(field.value)),
                    _ => {}
                }
            }
            let host = |name| message.field(name).and_then(word);
            set(&mut self.address, host("addr").or_else(|| host("hostname")));
        }
        if !had_uid && self.uid.is_some() {
            self.uid_name = record.enriched_names("UID").next();
        }
        if !had_auid && self.auid.is_some() {
            self.auid_name = record.enriched_names("AUID").last();
        }
    }
}

fn set<'a>(field: &mut Option<ByteStr<'a>>, value: Option<ByteStr<'a>>) {
    if field.is_none() {
        *field = value;
    }
}

/// Returns a word; `None` where the record states that there is none.
fn word(value: Value<'_>) -> Option<ByteStr<'_>> {
    match value {
        Value::Bare(b"" | b"?" | b"(none)" | b"(null)") | Value::Quoted(b"" | b"?") => None,
        value => Some(value.bytes().into()),
    }
}
