//! Records: their types, event IDs and fields.
//!
//! A record is text that the kernel wrote, or that a user-space program sent through the kernel.
//! [`Record`] borrows the text as it came. Fields are parsed on access; a malformed field affects
//! neither the other fields nor the record.
//!
//! A field can be read in three ways: [`Record::field`] returns its value as bytes,
//! [`Record::interpret`] its value as a type, and the views in [`view`] have a getter for it.

mod field;
pub(crate) mod header;
mod interpret;
mod keys;
mod label;
mod log_line;
mod scan;
mod schema;
mod sockaddr;
mod value;
pub mod view;

use std::fmt;

pub use self::field::{Field, Fields};
pub(crate) use self::header::{EventId, Header};
pub use self::interpret::{Absent, Interpretation, Interpretations, WithNames};
pub use self::keys::Keys;
pub use self::label::{Label, SelinuxLabel};
pub use self::log_line::LogLine;
pub(crate) use self::scan::ByteScanner;
pub use self::sockaddr::SocketAddress;
pub use self::value::{Untrusted, Value};
use crate::decode::DecodeError;
use crate::message_type::MessageType;

/// One record, borrowed from an event or a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    message_type: MessageType,
    id: EventId,
    node: Option<&'a [u8]>,
    text: &'a [u8],
    body_at: usize,
}

impl<'a> Record<'a> {
    /// Reads the header of a record's text, `audit(SECONDS.MILLIS:SERIAL):`.
    ///
    /// The header can have the prefix `node=NAME `, as in logs of several machines.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Header`] if the text does not start with a header. The rest is not validated.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, record::Record};
    ///
    /// let record = Record::parse(MessageType::CWD, br#"audit(1700000000.123:30): cwd="/root""#)?;
    /// assert_eq!(record.id().serial(), 30);
    /// assert_eq!(record.field("cwd").map(|value| value.bytes()), Some(&b"/root"[..]));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[inline(always)]
    pub fn parse(message_type: MessageType, text: &'a [u8]) -> Result<Self, DecodeError> {
        // two returns, so that the usual header stays in registers
        if let Some(header) = Header::usual(text) {
            return Ok(Self::from_parts(message_type, header, text));
        }
        Header::parse_any(text).map(|header| Self::from_parts(message_type, header, text))
    }

    /// Creates a record from a header that was read before, and its text.
    #[inline]
    pub(crate) const fn from_parts(
        message_type: MessageType,
        header: Header<'a>,
        text: &'a [u8],
    ) -> Self {
        let Header { node, id, body_at } = header;
        Self { message_type, id, node, text, body_at }
    }

    /// Returns the type of the record.
    #[inline]
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// Returns the event ID, which all records of one event share.
    #[inline]
    #[must_use]
    pub const fn id(&self) -> EventId {
        self.id
    }

    /// Returns the name of the machine that wrote the record, if a log has it.
    #[must_use]
    pub const fn node(&self) -> Option<&'a [u8]> {
        self.node
    }

    /// Returns the whole text, including the header, as it came.
    #[inline]
    #[must_use]
    pub const fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Returns the position of the body.
    #[inline]
    pub(crate) const fn body_at(&self) -> usize {
        self.body_at
    }

    /// Returns the text after the header.
    #[inline]
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.text.get(self.body_at..).unwrap_or_default()
    }

    /// Iterates over the fields.
    ///
    /// The message of a user-space program is one field, `msg`, whose value is
    /// [`Value::Nested`]; see [`UserMessage`](view::UserMessage) for what is inside.
    #[inline]
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_kernel(self.text, self.body_at)
    }

    /// Iterates over the fields that auditd appended in an enriched log: names in upper case for the
    /// numbers of the record, such as `UID="root"`.
    #[must_use]
    pub fn enriched(&self) -> Fields<'a> {
        Fields::of_enrichment(self.body())
    }

    /// Iterates over the fields, each with its interpretation.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::record::{Interpretation, Record};
    /// use auditlink::MessageType;
    ///
    /// let text = b"audit(1.000:2): arch=c000003e syscall=257 success=no exit=-2 a2=80000";
    /// let record = Record::parse(MessageType::SYSCALL, text)?;
    /// let printed: Vec<_> = record.interpretations().map(|(_, it)| it.to_string()).collect();
    /// assert_eq!(printed[1], "openat");
    /// assert_eq!(printed[3], "ENOENT(No such file or directory)");
    /// assert_eq!(printed[4], "O_RDONLY|O_CLOEXEC");
    /// assert_eq!(record.interpret("exit"), Some(Interpretation::Exit(-2)));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[must_use]
    pub fn interpretations(&self) -> Interpretations<'a> {
        Interpretations::of_kernel(*self, view::schema(self.message_type))
    }

    /// Returns the interpretation of the first field with this name.
    #[doc(alias = "auparse_interpret_field")]
    #[must_use]
    pub fn interpret(&self, name: &str) -> Option<Interpretation<'a>> {
        self.interpretations()
            .find(|(field, _)| field.name == name.as_bytes())
            .map(|(_, interpretation)| interpretation)
    }

    /// Returns the value of the first field with this name.
    #[doc(alias = "auparse_find_field")]
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type={} msg={}", self.message_type, self.text.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_unknown_type_has_fields() {
        let record = Record::parse(MessageType::new(1499), b"audit(1.000:2): subj_x=a:b:c:s0")
            .expect("a header");
        assert_eq!(record.message_type().to_string(), "UNKNOWN[1499]");
        assert_eq!(record.field("subj_x"), Some(Value::Bare(b"a:b:c:s0")));
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_kept() {
        let record =
            Record::parse(MessageType::USER_CMD, b"audit(1.000:2): msg='acct=\"caf\xE9\"'")
                .expect("a header");
        let message = record.as_user_message().expect("a user-space type");
        assert_eq!(message.field("acct"), Some(Value::Quoted(b"caf\xE9")));
    }

    #[test]
    fn views_exist_only_for_their_types() {
        let record = Record::parse(MessageType::CWD, b"audit(1.000:2): ").expect("a header");
        assert!(record.as_cwd().is_some());
        assert!(record.as_path().is_none());
        assert!(record.as_syscall().is_none());
    }
}
