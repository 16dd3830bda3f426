//! The `LOGIN` record.

use super::view;
use crate::record::interpret::{self, FromInterpretation};

view! {
    /// A `LOGIN` record: the login user of a process was set.
    ///
    /// The forms of older kernels are read too: `old auid=… new auid=…`, and
    /// `old loginuid=… new loginuid=…`.
    ///
    /// Source: `kernel/audit.c`, `audit_log_set_loginuid`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): pid=9 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1";
    /// let record = Record::parse(MessageType::LOGIN, text)?;
    /// let login = record.as_login().ok_or("another type")?;
    /// assert_eq!((login.old_auid(), login.auid()), (None, Some(1000)));
    /// assert_eq!((login.session(), login.result()), (Some(3), Some(true)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_LOGIN")]
    Login, as_login, "a `LOGIN` record", [LOGIN];
    "pid" => pid -> u32, "Returns the process.";
    "uid" => uid -> u32, "Returns the real user of the process.";
    "res" => result -> bool,
        "Returns whether the login user was set; the field is absent before Linux 3.14.";
}

impl<'a> Login<'a> {
    /// Returns the login user before; `None` if there was none.
    #[must_use]
    pub fn old_auid(&self) -> Option<u32> {
        self.change(["old-auid", "old_auid"], "old", &["auid", "loginuid"])
    }

    /// Returns the new login user; `None` if it was unset.
    #[must_use]
    pub fn auid(&self) -> Option<u32> {
        self.change(["auid", "auid"], "new", &["auid", "loginuid"])
    }

    /// Returns the login session before; `None` if there was none.
    #[must_use]
    pub fn old_session(&self) -> Option<u32> {
        self.change(["old-ses", "old_ses"], "old", &["ses"])
    }

    /// Returns the new login session.
    #[must_use]
    pub fn session(&self) -> Option<u32> {
        self.change(["ses", "ses"], "new", &["ses"])
    }

    /// Finds a field after the word `old` or `new`, as old kernels write it, or else by its name.
    fn change<T: FromInterpretation<'a>>(
        &self,
        names: [&str; 2],
        word: &str,
        names_after_word: &[&str],
    ) -> Option<T> {
        let mut before: &[u8] = b"";
        let mut plain = None;
        for field in self.record.fields() {
            let is_named = |names: &[&str]| names.iter().any(|name| name.as_bytes() == field.name);
            if before == word.as_bytes() && is_named(names_after_word) {
                plain = Some(field);
                break;
            }
            if before != b"old" && before != b"new" && is_named(&names) && plain.is_none() {
                plain = Some(field);
            }
            before = if field.name.is_empty() { field.value.bytes() } else { b"" };
        }
        let field = plain?;
        interpret::get(Self::SCHEMA.kind(field.name), field.value)
    }
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    // RHEL 5 and 6, and 7
    #[test]
    fn the_old_and_the_new_user_of_both_forms() {
        for (body, sessions) in [
            (
                "login pid=28281 uid=0 old auid=700 new auid=701 old ses=6793 new ses=12286",
                (Some(6793), Some(12286)),
            ),
            (
                "pid=28281 uid=0 subj=u:r:t:s0 old-auid=700 auid=701 tty=(none) old-ses=3 ses=4 res=1",
                (Some(3), Some(4)),
            ),
        ] {
            let login = record(MessageType::LOGIN, body).as_login().expect("a LOGIN record");
            assert_eq!((login.old_auid(), login.auid()), (Some(700), Some(701)), "{body}");
            assert_eq!((login.old_session(), login.session()), sessions, "{body}");
        }
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
}
