//! The `URINGOP` record.

use super::syscall::errno;
use super::view;
use crate::arch::uring;
use crate::constants::Errno;
use crate::record::Keys;
use crate::record::schema::Kind;

view! {
    /// A `URINGOP` record: an io_uring operation.
    ///
    /// It has no architecture, login user, terminal or executable. Its `exit` is the result of
    /// issuing the operation, not of the operation.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_uring`.
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
    /// let text = b"audit(1700000000.123:30): uring_op=18 success=yes exit=5 items=1 ppid=1 pid=2 uid=0";
    /// let record = Record::parse(MessageType::URINGOP, text)?;
    /// let view = record.as_uring_op().ok_or("another type")?;
    /// assert_eq!((view.name(), view.exit()), (Some("openat"), Some(5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_URINGOP")]
    UringOp, as_uring_op, "a `URINGOP` record", [URINGOP];
    "uring_op": Kind::Operation => operation -> u32, "Returns the number of the operation.";
    "success" => success -> bool, "Returns whether issuing the operation succeeded.";
    "exit" => exit -> i64, "Returns the result of issuing the operation.";
    "pid" => pid -> u32, "Returns the process.";
    "ppid" => ppid -> u32, "Returns the parent process.";
    "uid" => uid -> u32, "Returns the real user.";
    "gid" => gid -> u32, "Returns the real group.";
    "euid" => euid -> u32, "Returns the effective user.";
    "egid" => egid -> u32, "Returns the effective group.";
}

impl<'a> UringOp<'a> {
    /// Returns the error if issuing the operation failed.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        errno(self.success(), self.exit())
    }

    /// Returns the name of the operation, such as `openat`.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        uring::operation_name(self.operation()?)
    }

    /// Returns the keys of the rule that matched.
    ///
    /// The field `key`.
    #[must_use]
    pub fn keys(&self) -> Keys<'a> {
        Keys::of(self.record)
    }
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn an_operation_of_io_uring_is_complete_as_it_is() {
        // Linux 6.18, x86_64, an openat by a ring, 2026-11
        let uring = record(
            MessageType::URINGOP,
            r#"uring_op=18 success=yes exit=5 items=1 ppid=1 pid=2 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 key="k""#,
        );
        let view = uring.as_uring_op().expect("a URINGOP record");
        assert_eq!(
            (view.name(), view.success(), view.exit()),
            (Some("openat"), Some(true), Some(5))
        );
        assert_eq!(view.keys().next().as_deref(), Some(&b"k"[..]));
        assert_eq!((view.pid(), view.ppid(), view.uid()), (Some(2), Some(1), Some(0)));
    }
}
