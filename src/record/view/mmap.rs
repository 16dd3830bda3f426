//! The `MMAP` record.

use super::view;
use crate::constants::{Flags, MAP_FLAGS};
use crate::record::schema::{Kind, Radix};

view! {
    /// An `MMAP` record: a file was mapped into memory.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): fd=3 flags=0x2";
    /// let record = Record::parse(MessageType::MMAP, text)?;
    /// let view = record.as_mmap().ok_or("another type")?;
    /// assert_eq!(view.descriptor(), Some(3));
    /// assert!(view.flags().is_some_and(|flags| flags.contains("MAP_PRIVATE")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_MMAP")]
    Mmap, as_mmap, "an `MMAP` record", [MMAP];
    "fd": Kind::Signed => descriptor -> i32,
        "Returns the file descriptor that the caller passed, which can be negative.";
    "flags": Kind::Flags(Radix::Hex, &MAP_FLAGS) => flags -> Flags, "Returns the flags.";
}
