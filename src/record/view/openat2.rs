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
    #[doc(alias = "AUDIT_OPENAT2")]
    OpenHow, as_open_how, "an `OPENAT2` record", [OPENAT2];
    "oflag": Kind::OpenFlags(Radix::Octal) => flags -> Flags,
        "Returns the flags, which this record writes in octal.";
    "mode": Kind::Permissions(Radix::Octal) => mode -> Mode,
        "Returns the permissions of a new file.";
    "resolve": Kind::Flags(Radix::Hex, &RESOLVE_FLAGS) => resolve -> Flags,
        "Returns the restrictions on path resolution.";
}
