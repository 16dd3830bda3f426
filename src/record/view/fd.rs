//! The `FD_PAIR` record.

use super::view;
use crate::record::schema::Kind;

view! {
    /// An `FD_PAIR` record: the two file descriptors of `pipe` or `socketpair`.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): fd0=3 fd1=4";
    /// let record = Record::parse(MessageType::FD_PAIR, text)?;
    /// let view = record.as_fd_pair().ok_or("another type")?;
    /// assert_eq!((view.first(), view.second()), (Some(3), Some(4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_FD_PAIR")]
    FdPair, as_fd_pair, "an `FD_PAIR` record", [FD_PAIR];
    "fd0": Kind::Signed => first -> i32, "Returns the first descriptor.";
    "fd1": Kind::Signed => second -> i32, "Returns the second descriptor.";
}
