//! The `PATH` record.

use super::view;
use crate::bytestr::ByteStr;
use crate::constants::{CapabilitySet, Mode};
use crate::record::Label;
use crate::record::schema::{DECIMAL, Kind, Radix};

view! {
    /// A `PATH` record: one file system object that a system call used.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_name`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): item=0 name="/etc/shadow" inode=9 dev=fe:00 mode=0100640 ouid=0 nametype=NORMAL"#;
    /// let record = Record::parse(MessageType::PATH, text)?;
    /// let path = record.as_path().ok_or("another type")?;
    /// assert_eq!(path.name().unwrap_or_default(), "/etc/shadow");
    /// assert_eq!((path.inode(), path.device()), (Some(9), Some((0xfe, 0))));
    /// assert_eq!(path.mode().map(|mode| mode.to_string()).as_deref(), Some("file,640"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_PATH")]
    Path, as_path, "a `PATH` record", [PATH];
    "item" => item -> u32, "Returns the index of the record within its event.";
    "name" => name -> ByteStr<'a>,
        "Returns the name as the caller gave it; it can be relative to the working directory.";
    "inode" => inode -> u64, "Returns the inode number.";
    "mode": Kind::Mode(Radix::Octal) => mode -> Mode, "Returns the file type and permissions.";
    "dev": Kind::Device(Radix::Hex) => device -> (u32, u32),
        "Returns the major and minor number of the file system's device.";
    "ouid" => owner -> u32, "Returns the owner of the object.";
    "ogid" => group -> u32, "Returns the group of the object.";
    "rdev": Kind::Device(Radix::Hex) => node_device -> (u32, u32),
        "Returns the major and minor number of the device that the object is; 0 and 0 for others.";
    "cap_fp": Kind::Capabilities => permitted -> CapabilitySet,
        "Returns the file's permitted capabilities; `None` if the kernel could not read them.";
    "cap_fi": Kind::Capabilities => inheritable -> CapabilitySet,
        "Returns the file's inheritable capabilities.";
    "cap_fe": Kind::Bit => is_effective -> bool,
        "Returns the file's effective bit.";
    "cap_fver": DECIMAL; // `%x`, of versions below 10
    "cap_frootid": Kind::User;
    "obj" => label -> Label<'a>,
        "Returns the object's security label; `None` if no security module gives one.";
    "nametype": Kind::Word => nametype -> ByteStr<'a>,
        "Returns the role of the object in the call: `NORMAL`, `PARENT`, `CREATE`, `DELETE` or `UNKNOWN`.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn devices_and_modes() {
        let path = record(
            MessageType::PATH,
            r#"item=1 name="/a" inode=18446744073709551615 dev=fe:00 mode=0100644 ouid=0 ogid=4294967295 rdev=00:00 nametype=NORMAL"#,
        )
        .as_path()
        .expect("a PATH record");
        assert_eq!(path.device(), Some((0xfe, 0)));
        assert_eq!(path.mode(), Some(Mode::new(0o100_644)));
        assert_eq!(path.node_device(), Some((0, 0)));
        assert_eq!(path.inode(), Some(u64::MAX));
        assert_eq!((path.item(), path.owner(), path.group()), (Some(1), Some(0), None));
        assert_eq!(path.nametype(), Some("NORMAL".into()));
    }

    #[test]
    fn a_path_without_a_name() {
        let path =
            record(MessageType::PATH, "item=0 name=(null)").as_path().expect("a PATH record");
        assert_eq!(path.name(), None);
    }
}
