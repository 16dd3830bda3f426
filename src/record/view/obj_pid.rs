//! The `OBJ_PID` record.

use super::view;
use crate::bytestr::ByteStr;

view! {
    /// An `OBJ_PID` record: a process that a system call acts on, such as the target of a signal.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_pid_context`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): opid=77 oauid=-1 ouid=0 oses=-1 ocomm="sleep""#;
    /// let record = Record::parse(MessageType::OBJ_PID, text)?;
    /// let view = record.as_obj_pid().ok_or("another type")?;
    /// assert_eq!((view.pid(), view.auid(), view.uid()), (Some(77), None, Some(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_OBJ_PID")]
    ObjPid, as_obj_pid, "an `OBJ_PID` record", [OBJ_PID];
    "opid" => pid -> u32, "Returns the process.";
    "oauid" => auid -> u32, "Returns the login user of the process.";
    "ouid" => uid -> u32, "Returns the real user of the process.";
    "oses" => session -> u32, "Returns the login session of the process.";
    "ocomm" => comm -> ByteStr<'a>, "Returns the name of the process.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    #[test]
    fn an_object_without_a_login_user() {
        let object =
            record(MessageType::OBJ_PID, r#"opid=77 oauid=-1 ouid=0 oses=-1 ocomm="sleep""#);
        let view = object.as_obj_pid().expect("an OBJ_PID record");
        assert_eq!((view.auid(), view.session(), view.uid()), (None, None, Some(0)));
        assert_eq!(object.interpret("oauid"), Some(Interpretation::User(None)));
        assert_eq!(object.interpret("oses"), Some(Interpretation::Session(None)));
    }
}
