//! The objects of an event: what the action was performed on.

use std::fmt;
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};

use crate::bytestr::{ByteStr, print_text};
use crate::event::Event;
use crate::macros::pad_with;
use crate::message_type::{MessageType, Origin};
use crate::record::view::{Path, UserMessage};
use crate::record::{Interpretation, Record, SocketAddress, Value};

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
    /// Returns what the action was performed on, in the order of the records; paths in the order of
    /// their item numbers.
    ///
    /// Relative paths are completed if the event contains their directory, and `.`, `..` and double
    /// slashes are resolved, without regard to symbolic links. The records of parent directories are
    /// skipped.
    #[must_use]
    pub fn objects(&self) -> Vec<Object<'_>> {
        let mut objects = Vec::new();
        let mut paths: Vec<_> = self.paths().collect();
        paths.sort_by_key(Path::item);
        for record in self.records() {
            if record.message_type() == MessageType::PATH {
                // all of them stand where the first one does
                for path in paths.drain(..) {
                    let is_parent = path.nametype() == Some("PARENT".into());
                    objects.extend(self.full_path(path).filter(|_| !is_parent).map(Object::Path));
                }
            } else {
                self.objects_of(record, &mut objects);
            }
        }
        objects
    }

    fn objects_of<'a>(&'a self, record: Record<'a>, objects: &mut Vec<Object<'a>>) {
        let has = |message_type| self.records_of(message_type).next().is_some();
        match record.message_type() {
            // a configuration change is sent to the kernel, so this is the kernel's own address
            MessageType::SOCKADDR if !has(MessageType::CONFIG_CHANGE) => {
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
            MessageType::MAC_STATUS => {
                let value = bare(record, "enforcing");
                objects.extend(value.map(|value| Object::Setting("enforcing".into(), value)));
            }
            MessageType::MAC_CONFIG_CHANGE => {
                let setting = bare(record, "bool").zip(bare(record, "val"));
                objects.extend(setting.map(|(name, value)| Object::Setting(name, value)));
            }
            MessageType::LOGIN => {
                let user = record.as_login().and_then(|login| login.auid());
                let name = record.enriched_names("AUID").last();
                let account = |user: u32| name.unwrap_or_else(|| user.to_string().into());
                objects.extend(user.map(|user| Object::Account(account(user))));
            }
            MessageType::TTY | MessageType::USER_TTY => {
                objects.extend(text(record, "data").map(Object::Name));
            }
            MessageType::KERN_MODULE | MessageType::ANOM_PROMISCUOUS => {
                let name = text(record, "name").or_else(|| bare(record, "dev"));
                objects.extend(name.map(Object::Name));
            }
            MessageType::BPF => objects.extend(bare(record, "prog-id").map(Object::Name)),
            MessageType::NETFILTER_CFG => {
                let table = record.as_netfilter_cfg().and_then(|cfg| cfg.table());
                objects.extend(table.map(Object::Name));
            }
            // the records of the call have the whole path
            MessageType::AVC | MessageType::AVC_PATH | MessageType::IPE_ACCESS
                if has(MessageType::PATH) => {}
            MessageType::AVC if has(MessageType::AVC_PATH) => {}
            MessageType::AVC | MessageType::USER_AVC => {
                let path = record.as_avc().and_then(|avc| avc.path());
                objects.extend(path.map(Object::Path));
            }
            MessageType::AVC_PATH | MessageType::IPE_ACCESS | MessageType::LANDLOCK_ACCESS => {
                objects.extend(text(record, "path").map(Object::Path));
            }
            MessageType::SECCOMP => {
                let call = record.as_seccomp().and_then(|seccomp| seccomp.name());
                objects.extend(call.map(|call| Object::Name(call.as_bytes().into())));
            }
            message_type if message_type.origin() == Origin::UserSpace => {
                if let Some(message) = record.as_user_message() {
                    objects_of_message(message, objects);
                }
            }
            number if matches!(number.number(), 1800..=1899) => {
                objects.extend(text(record, "name").map(Object::Path));
            }
            _ => {}
        }
    }

    /// Completes a path if it is relative to the working directory.
    fn full_path<'a>(&'a self, path: Path<'a>) -> Option<ByteStr<'a>> {
        let name = path.name()?;
        if name.starts_with(b"/") || !self.is_relative_to_cwd() {
            return Some(resolved(name));
        }
        let Some(cwd) = self.records().find_map(Record::as_cwd).and_then(|cwd| cwd.path()) else {
            return Some(name);
        };
        let separator: &[u8] = if cwd.ends_with(b"/") { b"" } else { b"/" };
        Some(resolved([&cwd, separator, &name].concat().into()))
    }

    /// Returns whether no argument of the call is a directory's descriptor.
    fn is_relative_to_cwd(&self) -> bool {
        let syscall = self.call().and_then(|call| call.syscall());
        let mut meanings =
            syscall.into_iter().flat_map(|syscall| syscall.record().interpretations());
        !meanings.any(|(_, meaning)| matches!(meaning, Interpretation::Directory(Some(_))))
    }
}

/// Adds the objects of a program's message.
fn objects_of_message<'a>(message: UserMessage<'a>, objects: &mut Vec<Object<'a>>) {
    let record = message.record();
    let text = |field: &str| {
        let value = message.field(field)?;
        if value == Value::Bare(b"?") { None } else { value.untrusted().bytes() }
    };
    // `user` and `uid` are the account in messages of Linux-PAM and login of RHEL 4 and 5
    let account = text("acct").or_else(|| account_by_id(message, "id")).or_else(|| text("user"));
    let is_about_uid =
        matches!(record.message_type().number(), 1103..=1106 | 1112 | 1113 | 2100..=2121);
    let account = account.or_else(|| account_by_id(message, "uid").filter(|_| is_about_uid));
    objects.extend(account.map(Object::Account));
    let names: &[&str] = match record.message_type().number() {
        2300 => &["selected-context", "new-context", "new-role"],
        2400..=2409 => &["fp", "conn-name"],
        _ => &["unit", "cmd", "vm", "sw", "grp"],
    };
    objects.extend(names.iter().filter_map(|name| text(name)).map(Object::Name));
    if matches!(record.message_type().number(), 2400..=2409) && text("fp").is_none() {
        objects.extend(other_end(message));
    }
}

/// Returns the account that a message states by its number: its name, if auditd appended it.
fn account_by_id<'a>(message: UserMessage<'a>, field: &str) -> Option<ByteStr<'a>> {
    let id = message.field(field)?;
    let own = message.record().fields().filter(|own| own.name == field.as_bytes()).count();
    let name = message.record().enriched_names(&field.to_ascii_uppercase()).nth(own);
    let known = name.filter(|name| *name != "unset" && !name.starts_with(b"unknown("));
    Some(known.unwrap_or_else(|| id.bytes().into()))
}

/// Returns the other end of an encrypted session: an address, with its port if that is known.
fn other_end(message: UserMessage<'_>) -> Option<Object<'_>> {
    let address = |field| message.field(field).and_then(|value| value.decimal::<IpAddr>());
    let address = address("raddr").or_else(|| address("addr"))?;
    let Some(port) = message.field("rport").and_then(Value::decimal) else {
        return Some(Object::Name(address.to_string().into()));
    };
    Some(Object::Address(match address {
        IpAddr::V4(address) => SocketAddress::Inet(SocketAddrV4::new(address, port)),
        IpAddr::V6(address) => SocketAddress::Inet6(SocketAddrV6::new(address, port, 0, 0)),
    }))
}

/// Resolves `.`, `..` and double slashes of an absolute path.
fn resolved(path: ByteStr<'_>) -> ByteStr<'_> {
    let parts = || path.split(|byte| *byte == b'/').skip(1);
    let count = parts().count();
    let is_plain = |(index, part): (usize, &[u8])| {
        !matches!(part, b"." | b"..") && (!part.is_empty() || index + 1 == count)
    };
    if !path.starts_with(b"/") || parts().enumerate().all(is_plain) {
        return path;
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in parts() {
        match part {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    [&b"/"[..], &kept.join(&b'/')].concat().into()
}

fn text<'a>(record: Record<'a>, field: &str) -> Option<ByteStr<'a>> {
    record.field(field).and_then(|value| value.untrusted().bytes())
}

fn bare<'a>(record: Record<'a>, field: &str) -> Option<ByteStr<'a>> {
    record.field(field).map(|value| value.bytes().into())
}
