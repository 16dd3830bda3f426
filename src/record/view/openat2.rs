//! The `OPENAT2` record.

use super::view;
use crate::constants::{Flags, Mode, RESOLVE_FLAGS};
use crate::record::schema::{Kind, Radix};

view! {
    /// An `OPENAT2` record: the `struct open_how` of the call.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    ///
    /// # Kernel version
    ///
    /// Linux 5.16.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): oflag=0100102 mode=0600 resolve=0x8";
    /// let record = Record::parse(MessageType::OPENAT2, text)?;
    /// let view = record.as_open_how().ok_or("another type")?;
    /// assert!(view.flags().is_some_and(|flags| flags.contains("O_CREAT")));
    /// assert!(view.resolve().is_some_and(|flags| flags.contains("RESOLVE_BENEATH")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_OPENAT2")]
    OpenHow, as_open_how, "an `OPENAT2` record", [OPENAT2];
    "oflag": Kind::OpenFlags(Radix::Octal) => flags -> Flags,
        "Returns the flags, which this record writes in octal.";
    "mode": Kind::Permissions(Radix::Octal) => mode -> Mode,
        "Returns the permissions of a new file.";
    "resolve": Kind::Flags(Radix::Hex, &RESOLVE_FLAGS) => resolve -> Flags,
        "Returns the restrictions on path resolution.";
}
