//! The `TTY` record.

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::{DECIMAL, Kind};

view! {
    /// A `TTY` record: what was typed at a terminal whose input is audited.
    ///
    /// Source: `drivers/tty/tty_audit.c`, `tty_audit_log`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): tty pid=9 uid=0 auid=1000 ses=3 major=136 minor=2 comm="bash" data=6C730D"#;
    /// let record = Record::parse(MessageType::TTY, text)?;
    /// let view = record.as_tty().ok_or("another type")?;
    /// assert_eq!(view.data().unwrap_or_default(), "ls\r");
    /// assert_eq!((view.auid(), view.major()), (Some(1000), Some(136)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_TTY")]
    Tty, as_tty, "a `TTY` record", [TTY];
    "pid" => pid -> u32, "Returns the process that read the input.";
    "auid" => auid -> u32, "Returns the login user.";
    "uid" => uid -> u32, "Returns the real user.";
    "ses" => session -> u32, "Returns the login session.";
    "major": DECIMAL => major -> u32, "Returns the major number of the terminal.";
    "minor": DECIMAL => minor -> u32, "Returns the minor number of the terminal.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread that read the input.";
    "data": Kind::Keystrokes => data -> ByteStr<'a>, "Returns the bytes that were typed.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

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
        assert_eq!(user.interpret("data"), Some(Interpretation::Keystrokes("ls -l".into())));
    }
}
