//! A record with its header and fields.

use std::fmt;

use super::field::Fields;
use super::header::{EventId, Header};
use super::value::Value;
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
    /// use auditlink::{MessageType, Record};
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
    /// [`Value::Nested`]; see [`UserMessage`](super::view::UserMessage) for what is inside.
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
