//! The `FD_PAIR` record.

use super::view;
use crate::record::schema::Kind;

view! {
    /// An `FD_PAIR` record: the two file descriptors of `pipe` or `socketpair`.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    #[doc(alias = "AUDIT_FD_PAIR")]
    FdPair, as_fd_pair, "an `FD_PAIR` record", [FD_PAIR];
    "fd0": Kind::Signed => first -> i32, "Returns the first descriptor.";
    "fd1": Kind::Signed => second -> i32, "Returns the second descriptor.";
}
