//! The `CWD` record.

use super::view;
use crate::bytestr::ByteStr;

view! {
    /// A `CWD` record: the working directory of the process that made the call.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): cwd="/root""#;
    /// let record = Record::parse(MessageType::CWD, text)?;
    /// let view = record.as_cwd().ok_or("another type")?;
    /// assert_eq!(view.path().unwrap_or_default(), "/root");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_CWD")]
    Cwd, as_cwd, "a `CWD` record", [CWD];
    "cwd" => path -> ByteStr<'a>, "Returns the path of the directory.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn a_working_directory_in_hex() {
        let cwd = record(MessageType::CWD, "cwd=2F612062").as_cwd();
        assert_eq!(cwd.and_then(|cwd| cwd.path()).as_deref(), Some(&b"/a b"[..]));
    }
}
