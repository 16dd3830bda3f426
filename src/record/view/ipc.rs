//! The `IPC` and `IPC_SET_PERM` records.

use super::view;
use crate::constants::Mode;
use crate::record::schema::{HEX, Kind, Radix};

view! {
    /// An `IPC` or `IPC_SET_PERM` record: the owner and permissions of a System V IPC object, or
    /// those that it is given.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): ouid=0 ogid=0 mode=0600";
    /// let record = Record::parse(MessageType::IPC, text)?;
    /// let view = record.as_ipc().ok_or("another type")?;
    /// assert_eq!(view.owner(), Some(0));
    /// assert_eq!(view.mode().map(|mode| mode.permissions()), Some(0o600));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_IPC")]
    #[doc(alias = "AUDIT_IPC_SET_PERM")]
    Ipc, as_ipc, "an `IPC` or `IPC_SET_PERM` record", [IPC, IPC_SET_PERM];
    "ouid" => owner -> u32, "Returns the owner.";
    "ogid" => group -> u32, "Returns the group.";
    "mode": Kind::Permissions(Radix::Octal) => mode -> Mode, "Returns the permissions.";
    "qbytes": HEX => queue_bytes -> u64,
        "Returns the limit of a message queue in bytes; only in `IPC_SET_PERM` records.";
}
