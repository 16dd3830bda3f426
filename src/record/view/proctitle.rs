//! The `PROCTITLE` record.

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::Kind;

view! {
    /// A `PROCTITLE` record: the first 128 bytes of the process's command line.
    ///
    /// The process can rewrite its command line; [`Execve`](super::Execve) has the arguments that
    /// the program was started with.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_proctitle`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): proctitle=6C73002D6C";
    /// let record = Record::parse(MessageType::PROCTITLE, text)?;
    /// let title = record.as_proctitle().ok_or("another type")?;
    /// assert_eq!(title.arguments(), ["ls", "-l"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_PROCTITLE")]
    Proctitle, as_proctitle, "a `PROCTITLE` record", [PROCTITLE];
    "proctitle": Kind::Arguments;
}

impl<'a> Proctitle<'a> {
    /// Returns the command line, its arguments separated by NUL bytes.
    ///
    /// The field `proctitle`.
    #[must_use]
    pub fn bytes(&self) -> Option<ByteStr<'a>> {
        self.record.field("proctitle")?.untrusted().bytes()
    }

    /// Returns the arguments; the last can be cut short.
    #[must_use]
    pub fn arguments(&self) -> Vec<ByteStr<'a>> {
        self.bytes().map(|bytes| bytes.split_at_each(0)).unwrap_or_default()
    }

    /// Returns whether the command line has the 128 bytes at which the kernel cuts it.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.bytes().is_some_and(|bytes| bytes.len() >= MAX_PROCTITLE)
    }
}

/// `MAX_PROCTITLE_AUDIT_LEN`.
const MAX_PROCTITLE: usize = 128;

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn the_command_line_is_divided_by_nul() {
        let title = record(MessageType::PROCTITLE, "proctitle=7368002D63006C73")
            .as_proctitle()
            .expect("a PROCTITLE record");
        assert_eq!(title.arguments(), ["sh", "-c", "ls"]);
        assert!(!title.is_truncated());
    }
}
