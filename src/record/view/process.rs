//! Records of processes and of who is behind them.

use super::security::word;
use super::syscall::{errno, text};
use super::{getters, view};
use crate::arch::uring;
use crate::bytestr::ByteStr;
use crate::constants::{Errno, Signal};
use crate::message_type::MessageType;
use crate::record::{Keys, Value};

view! {
    /// A `LOGIN` record: the login user of a process was set.
    ///
    /// The forms of three generations of kernels are one: `old auid=… new auid=…`, and
    /// `old loginuid=… new loginuid=…`, are understood.
    ///
    /// Source: `kernel/audit.c`, `audit_log_set_loginuid`.
    Login, as_login, "a `LOGIN` record", record, record.message_type() == MessageType::LOGIN
}

getters! {
    Login {
        pid, "pid", Value::decimal => u32, "Returns the process.";
        uid, "uid", Value::id => u32, "Returns the user of the process.";
        result, "res", Value::boolean => bool, "Returns whether it was set; absent before 3.14.";
    }
}

impl<'a> Login<'a> {
    /// Returns the login user before; `None` if there was none.
    #[must_use]
    pub fn old_auid(&self) -> Option<u32> {
        self.change(["old-auid", "old_auid"], "old", &["auid", "loginuid"]).and_then(Value::id)
    }

    /// Returns the login user from now on; `None` if it was unset.
    #[must_use]
    pub fn auid(&self) -> Option<u32> {
        self.change(["auid", "auid"], "new", &["auid", "loginuid"]).and_then(Value::id)
    }

    /// Returns the login session before; `None` if there was none.
    #[must_use]
    pub fn old_session(&self) -> Option<u32> {
        self.change(["old-ses", "old_ses"], "old", &["ses"]).and_then(Value::id)
    }

    /// Returns the login session from now on.
    #[must_use]
    pub fn session(&self) -> Option<u32> {
        self.change(["ses", "ses"], "new", &["ses"]).and_then(Value::id)
    }

    /// Finds a value behind the word `old` or `new`, or, in new records, by its own name.
    fn change(&self, names: [&str; 2], word: &str, after: &[&str]) -> Option<Value<'a>> {
        let mut before: &[u8] = b"";
        let mut plain = None;
        for field in self.record.fields() {
            let is_named = |names: &[&str]| names.iter().any(|name| name.as_bytes() == field.name);
            if before == word.as_bytes() && is_named(after) {
                return Some(field.value);
            }
            if before != b"old" && before != b"new" && is_named(&names) && plain.is_none() {
                plain = Some(field.value);
            }
            before = if field.name.is_empty() { field.value.bytes() } else { b"" };
        }
        plain
    }
}

view! {
    /// An `ANOM_ABEND` record: a process died by a signal that dumps core.
    ///
    /// Source: `kernel/auditsc.c`, `audit_core_dumps`.
    AnomAbend, as_anom_abend, "an `ANOM_ABEND` record", record,
    record.message_type() == MessageType::ANOM_ABEND
}

getters! {
    AnomAbend {
        pid, "pid", Value::decimal => u32, "Returns the process.";
        auid, "auid", Value::id => u32, "Returns the user who logged in.";
        uid, "uid", Value::id => u32, "Returns the user.";
        session, "ses", Value::id => u32, "Returns the login session.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread.";
        exe, "exe", text => ByteStr<'a>, "Returns the program.";
        signal, "sig", |value: Value<'a>| value.decimal().map(Signal::new) => Signal,
            "Returns the signal.";
        result, "res", Value::boolean => bool, "Returns the verdict, always true so far.";
    }
}

view! {
    /// An `OBJ_PID` record: a process that a call acts on, such as the target of a signal.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_pid_context`.
    ObjPid, as_obj_pid, "an `OBJ_PID` record", record,
    record.message_type() == MessageType::OBJ_PID
}

getters! {
    ObjPid {
        pid, "opid", Value::decimal => u32, "Returns the process.";
        auid, "oauid", Value::id => u32, "Returns its login user.";
        uid, "ouid", Value::id => u32, "Returns its user.";
        session, "oses", Value::id => u32, "Returns its login session.";
        comm, "ocomm", text => ByteStr<'a>, "Returns its name.";
    }
}

view! {
    /// A `TTY` record: what was typed at a terminal whose input is audited.
    ///
    /// Source: `drivers/tty/tty_audit.c`, `tty_audit_log`.
    Tty, as_tty, "a `TTY` record", record, record.message_type() == MessageType::TTY
}

getters! {
    Tty {
        pid, "pid", Value::decimal => u32, "Returns the process that read it.";
        auid, "auid", Value::id => u32, "Returns the user who logged in.";
        uid, "uid", Value::id => u32, "Returns the user.";
        session, "ses", Value::id => u32, "Returns the login session.";
        major, "major", Value::decimal => u32, "Returns the terminal's major number.";
        minor, "minor", Value::decimal => u32, "Returns the terminal's minor number.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread that read it.";
        data, "data", text => ByteStr<'a>, "Returns the bytes that were typed.";
    }
}

view! {
    /// A `URINGOP` record: an operation of io_uring (Linux 5.16).
    ///
    /// It has no machine, no login user, no terminal and no program; `exit` is what issuing the
    /// operation returned, not its result.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_uring`.
    UringOp, as_uring_op, "a `URINGOP` record", record,
    record.message_type() == MessageType::URINGOP
}

getters! {
    UringOp {
        operation, "uring_op", Value::decimal => u32, "Returns the number of the operation.";
        success, "success", Value::boolean => bool, "Returns whether issuing it succeeded.";
        exit, "exit", Value::decimal => i64, "Returns what issuing it returned.";
        pid, "pid", Value::decimal => u32, "Returns the process.";
        ppid, "ppid", Value::decimal => u32, "Returns the parent process.";
        uid, "uid", Value::id => u32, "Returns the real user.";
        gid, "gid", Value::id => u32, "Returns the real group.";
        euid, "euid", Value::id => u32, "Returns the effective user.";
        egid, "egid", Value::id => u32, "Returns the effective group.";
    }
}

impl<'a> UringOp<'a> {
    /// Returns why issuing the operation failed; `None` if it did not.
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
    #[must_use]
    pub fn keys(&self) -> Keys<'a> {
        Keys::of(self.record)
    }
}

view! {
    /// An `EVENT_LISTENER` record: somebody began or ceased to read along (Linux 5.15).
    ///
    /// Source: `kernel/audit.c`, `audit_log_multicast`.
    EventListener, as_event_listener, "an `EVENT_LISTENER` record", record,
    record.message_type() == MessageType::EVENT_LISTENER
}

getters! {
    EventListener {
        pid, "pid", Value::decimal => u32, "Returns the process.";
        auid, "auid", Value::id => u32, "Returns the user who logged in.";
        uid, "uid", Value::id => u32, "Returns the user.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread.";
        exe, "exe", text => ByteStr<'a>, "Returns the program.";
        op, "op", word => &'a [u8], "Returns what happened: `connect` or `disconnect`.";
        result, "res", Value::boolean => bool, "Returns whether it succeeded.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Interpretation, Record};

    fn record(message_type: MessageType, body: &str) -> Record<'static> {
        let text: &'static str = format!("audit(1.000:2): {body}").leak();
        Record::parse(message_type, text.as_bytes()).expect("a head")
    }

    #[test]
    fn login_through_the_years() {
        for (body, old_session) in [
            (
                "pid=9 uid=0 subj=x old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1",
                None,
            ),
            (
                "login pid=9 uid=0 old auid=4294967295 new auid=1000 old ses=4294967295 new ses=3",
                None,
            ),
            ("pid=9 uid=0 old-auid=4294967295 auid=1000 old-ses=2 ses=3 res=1", Some(2)),
        ] {
            let login = record(MessageType::LOGIN, body).as_login().expect("a LOGIN record");
            assert_eq!((login.pid(), login.uid()), (Some(9), Some(0)), "{body}");
            assert_eq!((login.old_auid(), login.auid()), (None, Some(1000)), "{body}");
            assert_eq!((login.old_session(), login.session()), (old_session, Some(3)), "{body}");
        }
        let oldest = "login pid=9 uid=0 old loginuid=4294967295 new loginuid=1000";
        let oldest = record(MessageType::LOGIN, oldest).as_login().expect("a LOGIN record");
        assert_eq!((oldest.old_auid(), oldest.auid()), (None, Some(1000)));
        assert_eq!((oldest.session(), oldest.result()), (None, None));
    }

    #[test]
    fn keystrokes_are_bytes() {
        let tty = record(
            MessageType::TTY,
            r#"tty pid=9 uid=0 auid=1000 ses=3 major=136 minor=2 comm="bash" data=6C730D"#,
        );
        let view = tty.as_tty().expect("a TTY record");
        assert_eq!(view.data().as_deref(), Some(&b"ls\r"[..]));
        assert_eq!((view.major(), view.minor()), (Some(136), Some(2)));
        let user = record(MessageType::USER_TTY, r#"pid=1 uid=0 auid=0 ses=1 data="ls -l""#);
        assert_eq!(user.interpret("data"), Some(Interpretation::Keystrokes(b"ls -l".into())));
    }

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

    #[test]
    fn an_object_without_a_login_user() {
        let object =
            record(MessageType::OBJ_PID, r#"opid=77 oauid=-1 ouid=0 oses=-1 ocomm="sleep""#);
        let view = object.as_obj_pid().expect("an OBJ_PID record");
        assert_eq!((view.auid(), view.session(), view.uid()), (None, None, Some(0)));
        assert_eq!(object.interpret("oauid"), Some(Interpretation::User(None)));
        assert_eq!(object.interpret("oses"), Some(Interpretation::Session(None)));
    }

    #[test]
    fn a_crash() {
        let crash = record(
            MessageType::ANOM_ABEND,
            r#"auid=4294967295 uid=0 gid=0 ses=4294967295 pid=9 comm="x" exe="/x" sig=11 res=1"#,
        );
        let view = crash.as_anom_abend().expect("a view");
        assert_eq!((view.pid(), view.auid()), (Some(9), None));
        assert_eq!(view.signal().and_then(Signal::name), Some("SIGSEGV"));
    }

    #[test]
    fn somebody_reads_along() {
        let listener = record(
            MessageType::EVENT_LISTENER,
            r#"pid=2 uid=0 auid=0 tty=pts0 ses=1 comm="x" exe="/x" nl-mcgrp=1 op=connect res=1"#,
        );
        let view = listener.as_event_listener().expect("a view");
        assert_eq!(
            (view.pid(), view.op(), view.result()),
            (Some(2), Some(&b"connect"[..]), Some(true))
        );
        assert_eq!(
            listener.interpret("nl-mcgrp").map(|m| m.to_string()).as_deref(),
            Some("readlog")
        );
    }
}
