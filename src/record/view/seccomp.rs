//! The `SECCOMP` record.

use super::view;
use crate::arch::Arch;
use crate::bytestr::ByteStr;
use crate::constants::{Named, Signal};
use crate::record::schema::{HEX, Kind};
use crate::record::{Interpretation, interpret};

view! {
    /// A `SECCOMP` record: a seccomp filter stopped or logged a system call.
    ///
    /// Source: `kernel/auditsc.c`, `audit_seccomp`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): pid=5 comm="x" sig=31 arch=c000003e syscall=101 compat=0 ip=0x7f01 code=0x80000000"#;
    /// let record = Record::parse(MessageType::SECCOMP, text)?;
    /// let view = record.as_seccomp().ok_or("another type")?;
    /// assert_eq!(view.name(), Some("ptrace"));
    /// assert_eq!(view.action().and_then(|action| action.name()), Some("kill_process"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_SECCOMP")]
    Seccomp, as_seccomp, "a `SECCOMP` record", [SECCOMP];
    "pid" => pid -> u32, "Returns the process.";
    "auid" => auid -> u32, "Returns the login user.";
    "uid" => uid -> u32, "Returns the real user.";
    "ses" => session -> u32, "Returns the login session.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread.";
    "exe" => exe -> ByteStr<'a>, "Returns the path of the executable.";
    "sig" => signal -> Signal, "Returns the signal that was sent; `SIG0` if none was.";
    "arch" => arch -> Arch, "Returns the architecture whose system call numbers are used.";
    "syscall" => number -> u32, "Returns the number of the system call.";
    "compat": Kind::Bit => is_compat -> bool,
        "Returns whether it is a call of a compatibility mode, such as a 32-bit call on x86-64.";
    "ip": HEX => instruction -> u64, "Returns the address of the system call instruction.";
    "code": Kind::Seccomp => code -> u64,
        "Returns the value of the filter: the action, and its data in the lower 16 bits.";
}

impl Seccomp<'_> {
    /// Returns the name of the system call on its architecture.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.arch()?.syscall_name(self.number()?)
    }

    /// Returns the action of the filter.
    #[must_use]
    pub fn action(&self) -> Option<Named> {
        self.action_and_data().map(|(action, _)| action)
    }

    /// Returns the data of the action: the errno for `errno`, a message for `trace`.
    #[must_use]
    pub fn data(&self) -> Option<u16> {
        self.action_and_data().map(|(_, data)| data)
    }

    fn action_and_data(&self) -> Option<(Named, u16)> {
        match interpret::value(Kind::Seccomp, self.record.field("code")?) {
            Interpretation::Seccomp { action, data } => Some((action, data)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn seccomp() {
        // Linux 6.18, x86_64, a filter that kills at ptrace, 2026-11
        let seccomp = record(
            MessageType::SECCOMP,
            r#"auid=0 uid=0 gid=0 ses=1 subj=x pid=5 comm="x" exe="/bin/x" sig=31 arch=c000003e syscall=101 compat=0 ip=0x7f01 code=0x80000000"#,
        );
        let view = seccomp.as_seccomp().expect("a SECCOMP record");
        assert_eq!((view.name(), view.arch()), (Some("ptrace"), Some(Arch::X86_64)));
        assert_eq!(view.signal().and_then(Signal::name), Some("SIGSYS"));
        assert_eq!(view.action().and_then(Named::name), Some("kill_process"));
        assert_eq!((view.data(), view.instruction()), (Some(0), Some(0x7f01)));
        let errno = record(MessageType::SECCOMP, "sig=0 arch=40000003 syscall=11 code=0x50001");
        let view = errno.as_seccomp().expect("a SECCOMP record");
        assert_eq!((view.name(), view.data()), (Some("execve"), Some(1)));
        assert_eq!(view.signal().and_then(Signal::name), Some("SIG0"), "it was only logged");
        assert_eq!(errno.interpret("code").map(|m| m.to_string()).as_deref(), Some("errno(1)"));
    }
}
