//! The `INTEGRITY_*` records of IMA and EVM.

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::Kind;

view! {
    /// An `INTEGRITY_*` record: IMA or EVM measured, appraised or refused a file.
    ///
    /// Source: `security/integrity/integrity_audit.c`, `integrity_audit_message`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): pid=1 uid=0 auid=0 ses=1 op=appraise_data cause=missing-hash comm="sh" name="/bin/x" dev="vda1" ino=7 res=0 errno=0"#;
    /// let record = Record::parse(MessageType::INTEGRITY_DATA, text)?;
    /// let view = record.as_integrity().ok_or("another type")?;
    /// assert_eq!(view.cause().unwrap_or_default(), "missing-hash");
    /// assert_eq!((view.name(), view.result()), (Some("/bin/x".into()), Some(false)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_INTEGRITY_DATA")]
    #[doc(alias = "AUDIT_INTEGRITY_METADATA")]
    #[doc(alias = "AUDIT_INTEGRITY_STATUS")]
    #[doc(alias = "AUDIT_INTEGRITY_HASH")]
    #[doc(alias = "AUDIT_INTEGRITY_PCR")]
    #[doc(alias = "AUDIT_INTEGRITY_RULE")]
    #[doc(alias = "AUDIT_INTEGRITY_EVM_XATTR")]
    #[doc(alias = "AUDIT_INTEGRITY_POLICY_RULE")]
    Integrity, as_integrity, "an `INTEGRITY_*` record",
    (message_type => matches!(message_type.number(), 1800..=1899));
    "pid" => pid -> u32, "Returns the process.";
    "uid" => uid -> u32, "Returns the real user.";
    "auid" => auid -> u32, "Returns the login user.";
    "op" => op -> ByteStr<'a>, "Returns the operation, such as `appraise_data`.";
    "cause": Kind::Word => cause -> ByteStr<'a>, "Returns the reason, such as `missing-hash`.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread.";
    "name" => name -> ByteStr<'a>, "Returns the path of the file.";
    "dev" => device -> ByteStr<'a>, "Returns the name of the file system's device.";
    "ino" => inode -> u64, "Returns the inode number.";
    "res" => result -> bool, "Returns whether the check succeeded.";
}
