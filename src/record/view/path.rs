//! The records that say where: `PATH`, `CWD`, and `PROCTITLE` for who said so.

use super::security::capabilities;
use super::syscall::text;
use super::{getters, view};
use crate::bytestr::ByteStr;
use crate::constants::{CapabilitySet, Mode};
use crate::message_type::MessageType;
use crate::record::label::label;
use crate::record::{Label, Value};

view! {
    /// A `PATH` record: one file system object that a call touched.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_name`.
    Path, as_path, "a `PATH` record", record, record.message_type() == MessageType::PATH
}

getters! {
    Path {
        item, "item", Value::decimal => u32, "Returns the number of the record within its event.";
        name, "name", text => ByteStr<'a>,
            "Returns the name as the caller gave it, relative to the working directory at times.";
        inode, "inode", Value::decimal => u64, "Returns the inode number.";
        mode, "mode", mode => Mode,
            "Returns file type and permissions.";
        device, "dev", Value::device => (u32, u32), "Returns major and minor number of the file system.";
        owner, "ouid", Value::id => u32, "Returns the owner of the object.";
        group, "ogid", Value::id => u32, "Returns the group of the object.";
        node_device, "rdev", Value::device => (u32, u32),
            "Returns major and minor number of the device that the object is, 0 and 0 if none.";
        permitted, "cap_fp", capabilities => CapabilitySet, "Returns the capabilities that the file permits; `None` if unknown.";
        inheritable, "cap_fi", capabilities => CapabilitySet, "Returns the capabilities that the file lets inherit.";
        label, "obj", label => Label<'a>,
            "Returns the object's label, where a security module gives one.";
        nametype, "nametype", |value: Value<'a>| Some(value.bytes()) => &'a [u8],
            "Returns the object's part in the call: `NORMAL`, `PARENT`, `CREATE`, `DELETE`, `UNKNOWN`.";
    }
}

view! {
    /// A `CWD` record: the working directory of the caller.
    Cwd, as_cwd, "a `CWD` record", record, record.message_type() == MessageType::CWD
}

getters! {
    Cwd {
        path, "cwd", text => ByteStr<'a>, "Returns the path of the directory.";
    }
}

view! {
    /// A `PROCTITLE` record: the first 128 bytes of the process's command line.
    ///
    /// The process can rewrite it; `EXECVE` is what it was started with.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_proctitle`.
    Proctitle, as_proctitle, "a `PROCTITLE` record", record, record.message_type() == MessageType::PROCTITLE
}

getters! {
    Proctitle {
        bytes, "proctitle", text => ByteStr<'a>,
            "Returns the command line, its arguments divided by NUL bytes.";
    }
}

impl<'a> Proctitle<'a> {
    /// Returns the arguments; the last may be cut short.
    #[must_use]
    pub fn arguments(&self) -> Vec<ByteStr<'a>> {
        self.bytes().map(|bytes| bytes.split_at_each(0)).unwrap_or_default()
    }

    /// Tells whether the kernel's limit of 128 bytes was reached.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.bytes().is_some_and(|bytes| bytes.len() >= MAX_PROCTITLE)
    }
}

/// `MAX_PROCTITLE_AUDIT_LEN`.
const MAX_PROCTITLE: usize = 128;

pub(super) fn mode(value: Value<'_>) -> Option<Mode> {
    u32::try_from(value.octal()?).ok().map(Mode::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn record(message_type: MessageType, text: &'static str) -> Record<'static> {
        Record::parse(message_type, text.as_bytes()).expect("a head")
    }

    #[test]
    fn devices_and_modes() {
        let path = record(
            MessageType::PATH,
            r#"audit(1.000:2): item=1 name="/a" inode=18446744073709551615 dev=fe:00 mode=0100644 ouid=0 ogid=4294967295 rdev=00:00 nametype=NORMAL"#,
        )
        .as_path()
        .expect("a PATH record");
        assert_eq!(path.device(), Some((0xfe, 0)));
        assert_eq!(path.mode(), Some(Mode::new(0o100_644)));
        assert_eq!(path.node_device(), Some((0, 0)));
        assert_eq!(path.inode(), Some(u64::MAX));
        assert_eq!((path.item(), path.owner(), path.group()), (Some(1), Some(0), None));
        assert_eq!(path.nametype(), Some(&b"NORMAL"[..]));
    }

    #[test]
    fn the_command_line_is_divided_by_nul() {
        let title = record(MessageType::PROCTITLE, "audit(1.000:2): proctitle=7368002D63006C73")
            .as_proctitle()
            .expect("a PROCTITLE record");
        assert_eq!(title.arguments(), [&b"sh"[..], b"-c", b"ls"]);
        assert!(!title.is_truncated());
    }

    #[test]
    fn a_path_without_a_name() {
        let path = record(MessageType::PATH, "audit(1.000:2): item=0 name=(null)")
            .as_path()
            .expect("a PATH record");
        assert_eq!(path.name(), None);
    }

    #[test]
    fn a_working_directory_in_hex() {
        let cwd = record(MessageType::CWD, "audit(1.000:2): cwd=2F612062").as_cwd();
        assert_eq!(cwd.and_then(|cwd| cwd.path()).as_deref(), Some(&b"/a b"[..]));
    }
}
