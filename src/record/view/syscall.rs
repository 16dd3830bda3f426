//! The `SYSCALL` record: who called what, and what came back.

use super::{getters, view};
use crate::arch::Arch;
use crate::bytestr::ByteStr;
use crate::constants::{Errno, Flags, PERSONALITIES};
use crate::message_type::MessageType;
use crate::record::label::label;
use crate::record::{Keys, Label, Value};

view! {
    /// A `SYSCALL` record.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    Syscall, as_syscall, "a `SYSCALL` record", record, record.message_type() == MessageType::SYSCALL
}

getters! {
    Syscall {
        arch, "arch", |value: Value<'a>| arch(value) => Arch,
            "Returns the machine whose call numbers are used.";
        number, "syscall", Value::decimal => u32, "Returns the number of the call.";
        success, "success", Value::boolean => bool,
            "Returns whether the call succeeded; absent for calls that never return.";
        exit, "exit", Value::decimal => i64,
            "Returns what the call returned, or a negative errno; absent for calls that never return.";
        items, "items", Value::decimal => u32,
            "Returns how many names the kernel collected; more than are logged as `PATH` at times.";
        pid, "pid", Value::decimal => u32, "Returns the process, as its thread-group id.";
        ppid, "ppid", Value::decimal => u32, "Returns the parent process.";
        auid, "auid", Value::id => u32, "Returns the user who logged in; `None` if nobody did.";
        uid, "uid", Value::id => u32, "Returns the real user.";
        gid, "gid", Value::id => u32, "Returns the real group.";
        euid, "euid", Value::id => u32, "Returns the effective user.";
        egid, "egid", Value::id => u32, "Returns the effective group.";
        suid, "suid", Value::id => u32, "Returns the saved user.";
        sgid, "sgid", Value::id => u32, "Returns the saved group.";
        fsuid, "fsuid", Value::id => u32, "Returns the file system user.";
        fsgid, "fsgid", Value::id => u32, "Returns the file system group.";
        tty, "tty", |value: Value<'a>| Some(value.bytes()).filter(|tty| *tty != b"(none)") => &'a [u8],
            "Returns the terminal of the process; `None` if it has none.";
        label, "subj", label => Label<'a>,
            "Returns the caller's label, where a security module gives one.";
        personality, "per",
            |value: Value<'a>| Some(Flags::new(value.hexadecimal()?, &PERSONALITIES)) => Flags,
            "Returns the execution domain, where it is not Linux's own.";
        session, "ses", Value::id => u32, "Returns the login session; `None` if there is none.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread.";
        exe, "exe", text => ByteStr<'a>,
            "Returns the path of the program; a deleted one ends in ` (deleted)`.";
    }
}

impl<'a> Syscall<'a> {
    /// Returns why the call failed; `None` if it did not.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        errno(self.success(), self.exit())
    }

    /// Returns the name of the call on its machine; `None` if it has none.
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

    /// Returns the keys of the rule that matched; none if no rule did.
    ///
    /// The field `key`, where several keys are joined by a byte 0x01.
    #[must_use]
    pub fn keys(&self) -> Keys<'a> {
        Keys::of(self.record)
    }
}

pub(in crate::record) fn arch(value: Value<'_>) -> Option<Arch> {
    value.hexadecimal().and_then(|number| u32::try_from(number).ok()).map(Arch::new)
}

/// Reads the reason of a failure out of what was returned.
pub(in crate::record) fn errno(success: Option<bool>, exit: Option<i64>) -> Option<Errno> {
    let code = exit?.checked_neg().filter(|_| success == Some(false))?;
    u32::try_from(code).ok().filter(|code| *code <= Errno::MAX).map(Errno::new)
}

pub(in crate::record) fn text(value: Value<'_>) -> Option<ByteStr<'_>> {
    value.untrusted().bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    // Linux 6.18, x86_64, getppid by `int $0x80` under a rule for i386, 2026-11.
    const B32: &[u8] = b"audit(1763830000.123:42): arch=40000003 syscall=64 success=yes exit=1 \
        a0=0 a1=1 a2=7ffd0 a3=0 items=0 ppid=1 pid=2 auid=4294967295 uid=0 gid=0 euid=0 suid=0 \
        fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"storm\" \
        exe=\"/tmp/storm\" key=6B31016B32";

    fn view(text: &'static [u8]) -> Syscall<'static> {
        let record = Record::parse(MessageType::SYSCALL, text).expect("a head");
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
