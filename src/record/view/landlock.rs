//! The `LANDLOCK_ACCESS` and `LANDLOCK_DOMAIN` records.

use std::net::IpAddr;

use super::view;
use crate::bytestr::ByteStr;
use crate::record::Value;
use crate::record::schema::{DECIMAL, HEX, Kind};

view! {
    /// A `LANDLOCK_ACCESS` or `LANDLOCK_DOMAIN` record: a sandbox denied access, or was created or
    /// freed.
    ///
    /// Source: `security/landlock/audit.c`, `landlock_log_denial` and `log_domain`;
    /// `security/lsm_audit.c`, `audit_log_lsm_data`.
    ///
    /// # Kernel version
    ///
    /// Linux 6.15.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): domain=195ba459b blockers=net.connect_tcp daddr=127.0.0.1 dest=80";
    /// let record = Record::parse(MessageType::LANDLOCK_ACCESS, text)?;
    /// let view = record.as_landlock().ok_or("another type")?;
    /// assert!(view.blockers().eq(["net.connect_tcp"]));
    /// assert_eq!(view.port(), Some(80));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_LANDLOCK_ACCESS")]
    #[doc(alias = "AUDIT_LANDLOCK_DOMAIN")]
    Landlock, as_landlock, "a `LANDLOCK_*` record", [LANDLOCK_ACCESS, LANDLOCK_DOMAIN];
    "domain": HEX => domain -> u64, "Returns the ID of the sandbox.";
    "blockers": Kind::Word;
    "path" => path -> ByteStr<'a>, "Returns the file to which access was denied.";
    "dev" => device -> ByteStr<'a>, "Returns the name of the file's device.";
    "ino" => inode -> u64, "Returns the file's inode number.";
    "opid" => other_pid -> u32, "Returns the process to which access was denied.";
    // here `src` and `dest` are ports
    "saddr": Kind::Ip => local_address -> IpAddr,
        "Returns the address to which binding was denied.";
    "src": DECIMAL => local_port -> u16, "Returns the port to which binding was denied.";
    "daddr": Kind::Ip => address -> IpAddr, "Returns the address to which access was denied.";
    "dest": DECIMAL => port -> u16, "Returns the port to which access was denied.";
    "status": Kind::Word => status -> ByteStr<'a>,
        "Returns what happened to the sandbox: `allocated` or `deallocated`.";
    "mode": Kind::Word => mode -> ByteStr<'a>, "Returns the mode of the sandbox: `enforcing`.";
    "pid" => pid -> u32, "Returns the process that created the sandbox.";
    "uid" => uid -> u32, "Returns the user that created the sandbox.";
    "exe" => exe -> ByteStr<'a>, "Returns the executable that created the sandbox.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread that created the sandbox.";
    "denials": DECIMAL => denials -> u64,
        "Returns how many requests the sandbox denied, once it is deallocated.";
}

impl<'a> Landlock<'a> {
    /// Iterates over the rights that the request lacked, such as `fs.make_reg`.
    ///
    /// The field `blockers`.
    pub fn blockers(&self) -> impl Iterator<Item = ByteStr<'a>> {
        let blockers = self.record.field("blockers").map(Value::bytes).unwrap_or_default();
        let rights = blockers.split(|byte| *byte == b',').filter(|right| !right.is_empty());
        rights.map(ByteStr::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    #[test]
    fn a_sandbox_denies_access_to_a_file() {
        // the form of the kernel's own documentation, Documentation/admin-guide/LSM/landlock.rst
        let access = record(
            MessageType::LANDLOCK_ACCESS,
            r#"domain=195ba459b blockers=fs.make_reg,fs.refer path="/usr/bin" dev="vda2" ino=351"#,
        );
        let view = access.as_landlock().expect("a view");
        assert_eq!(view.domain(), Some(0x1_95ba_459b));
        assert_eq!(view.blockers().collect::<Vec<_>>(), ["fs.make_reg", "fs.refer"]);
        assert_eq!((view.path(), view.inode()), (Some("/usr/bin".into()), Some(351)));
    }

    // `security/lsm_audit.c`, `print_ipv4_addr`: "daddr=%pI4 dest=%d"
    #[test]
    fn a_sandbox_denies_access_to_a_port() {
        let access = record(
            MessageType::LANDLOCK_ACCESS,
            "domain=195ba459b blockers=net.connect_tcp daddr=127.0.0.1 dest=80",
        );
        let view = access.as_landlock().expect("a view");
        let address = IpAddr::from([127, 0, 0, 1]);
        assert_eq!((view.address(), view.port()), (Some(address), Some(80)));
        assert_eq!(access.interpret("daddr"), Some(Interpretation::Ip(address)));
        assert_eq!(access.interpret("dest"), Some(Interpretation::Number(80)));
    }
}
