//! The `SYSCALL` record.

use super::view;
use crate::arch::Arch;
use crate::bytestr::ByteStr;
use crate::constants::{Errno, Flags, PERSONALITIES};
use crate::record::schema::{Kind, Radix};
use crate::record::{Keys, Label};

view! {
    /// A `SYSCALL` record: the process that made a system call, the call, and its result.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): arch=c000003e syscall=257 success=no exit=-13 a0=ffffff9c pid=9 uid=1000 comm="cat""#;
    /// let record = Record::parse(MessageType::SYSCALL, text)?;
    /// let call = record.as_syscall().ok_or("another type")?;
    /// assert_eq!((call.name(), call.success()), (Some("openat"), Some(false)));
    /// assert_eq!(call.errno().and_then(|errno| errno.name()), Some("EACCES"));
    /// assert_eq!((call.pid(), call.uid()), (Some(9), Some(1000)));
    /// assert_eq!(call.comm().unwrap_or_default(), "cat");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_SYSCALL")]
    Syscall, as_syscall, "a `SYSCALL` record", [SYSCALL];
    "arch" => arch -> Arch, "Returns the architecture whose system call numbers are used.";
    "syscall" => number -> u32, "Returns the number of the system call.";
    "success" => success -> bool,
        "Returns whether the call succeeded; `None` for calls that do not return.";
    "exit" => exit -> i64,
        "Returns the result of the call, or a negative errno; `None` for calls that do not return.";
    "a0": Kind::Argument(0);
    "a1": Kind::Argument(1);
    "a2": Kind::Argument(2);
    "a3": Kind::Argument(3);
    "items" => items -> u32,
        "Returns how many names the kernel collected; there can be fewer `PATH` records.";
    "pid" => pid -> u32, "Returns the process (thread-group ID).";
    "ppid" => ppid -> u32, "Returns the parent process.";
    "auid" => auid -> u32, "Returns the login user; `None` if the process has none.";
    "uid" => uid -> u32, "Returns the real user.";
    "gid" => gid -> u32, "Returns the real group.";
    "euid" => euid -> u32, "Returns the effective user.";
    "egid" => egid -> u32, "Returns the effective group.";
    "suid" => suid -> u32, "Returns the saved user.";
    "sgid" => sgid -> u32, "Returns the saved group.";
    "fsuid" => fsuid -> u32, "Returns the file system user.";
    "fsgid" => fsgid -> u32, "Returns the file system group.";
    "tty" => tty -> ByteStr<'a>,
        "Returns the controlling terminal of the process; `None` if it has none.";
    "subj" => label -> Label<'a>,
        "Returns the security label of the process; `None` if no security module gives one.";
    "per": Kind::Flags(Radix::Hex, &PERSONALITIES) => personality -> Flags,
        "Returns the personality; the kernel writes it only if it differs from `PER_LINUX`.";
    "ses" => session -> u32, "Returns the login session; `None` if the process has none.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread.";
    "exe" => exe -> ByteStr<'a>,
        "Returns the path of the executable; the path of a deleted file ends in ` (deleted)`.";
}

impl<'a> Syscall<'a> {
    /// Returns the error of a call that failed; `None` if it succeeded.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        errno(self.success(), self.exit())
    }

    /// Returns the name of the system call on its architecture; `None` if the number has none.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.arch()?.syscall_name(self.number()?)
    }

    /// Returns one of the first four arguments as the register held it; `index` is 0 to 3.
    ///
    /// The fields `a0` to `a3`.
    #[must_use]
    pub fn argument(&self, index: usize) -> Option<u64> {
        let name = ["a0", "a1", "a2", "a3"].get(index)?;
        self.record.field(name)?.hexadecimal()
    }

    /// Returns the keys of the rule that matched; empty if no rule with a key matched.
    ///
    /// The field `key`.
    #[must_use]
    pub fn keys(&self) -> Keys<'a> {
        Keys::of(self.record)
    }
}

/// Returns the error of a failed call from what it returned.
pub(super) fn errno(success: Option<bool>, exit: Option<i64>) -> Option<Errno> {
    let code = exit?.checked_neg().filter(|_| success == Some(false))?;
    u32::try_from(code).ok().filter(|code| *code <= Errno::MAX).map(Errno::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Record;

    // Linux 6.18, x86_64, getppid by `int $0x80` under a rule for i386, 2026-11.
    const B32: &[u8] = b"audit(1763830000.123:42): arch=40000003 syscall=64 success=yes exit=1 \
        a0=0 a1=1 a2=7ffd0 a3=0 items=0 ppid=1 pid=2 auid=4294967295 uid=0 gid=0 euid=0 suid=0 \
        fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"storm\" \
        exe=\"/tmp/storm\" key=6B31016B32";

    fn view(text: &'static [u8]) -> Syscall<'static> {
        let record = Record::parse(MessageType::SYSCALL, text).expect("a header");
        record.as_syscall().expect("a SYSCALL record")
    }

    #[test]
    fn the_number_needs_the_machine() {
        let call = view(B32);
        assert_eq!(call.arch(), Some(Arch::I386));
        assert_eq!(call.name(), Some("getppid"));
    }

    #[test]
    fn keys_are_split() {
        let keys: Vec<_> = view(B32).keys().collect();
        assert_eq!(keys, [&b"k1"[..], b"k2"]);
        assert_eq!(view(b"audit(1.000:2): key=\"a\"").keys().count(), 1);
        assert_eq!(view(b"audit(1.000:2): key=(null)").keys().count(), 0);
    }

    #[test]
    fn arguments_are_hex_registers() {
        assert_eq!(view(B32).argument(2), Some(0x7ffd0));
        assert_eq!(view(B32).argument(4), None);
    }

    #[test]
    fn calls_that_never_return() {
        let call = view(b"audit(1.000:2): arch=c000003e syscall=231 a0=100 items=0 pid=9");
        assert_eq!((call.success(), call.exit(), call.pid()), (None, None, Some(9)));
    }

    #[test]
    fn fields_are_found_by_name() {
        let call = view(b"audit(1.000:2): arch=c00000b7 syscall=221 per=400000 success=no exit=-2");
        assert_eq!(
            (call.success(), call.exit(), call.name()),
            (Some(false), Some(-2), Some("execve"))
        );
        assert_eq!(call.errno().and_then(Errno::name), Some("ENOENT"));
        let personality = call.personality().map(|personality| personality.to_string());
        assert_eq!(personality.as_deref(), Some("PER_LINUX|READ_IMPLIES_EXEC"));
        assert_eq!((view(B32).tty(), view(B32).errno()), (None, None));
    }

    #[test]
    fn a_kernel_thread_has_no_program() {
        assert_eq!(view(b"audit(1.000:2): exe=(null)").exe(), None);
    }

    #[test]
    fn every_truncation_is_read_without_a_panic() {
        for end in 0..B32.len() {
            if let Ok(record) = Record::parse(MessageType::SYSCALL, &B32[..end]) {
                let call = record.as_syscall().expect("a SYSCALL record");
                let _ = (call.arch(), call.name(), call.exe(), call.keys().count());
            }
        }
    }
}
