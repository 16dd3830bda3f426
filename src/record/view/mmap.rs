//! The `MMAP` record.

use super::view;
use crate::constants::{Flags, MAP_FLAGS};
use crate::record::schema::{Kind, Radix};

view! {
    /// An `MMAP` record: a file was mapped into memory.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    #[doc(alias = "AUDIT_MMAP")]
    Mmap, as_mmap, "an `MMAP` record", [MMAP];
    "fd": Kind::Signed => descriptor -> i32,
        "Returns the file descriptor that the caller passed, which can be negative.";
    "flags": Kind::Flags(Radix::Hex, &MAP_FLAGS) => flags -> Flags, "Returns the flags.";
}
