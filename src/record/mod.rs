//! One record: its type, its stamp, and its fields as bytes.
//!
//! A record is text that the kernel composed, or that a user-space program sent through the
//! kernel. It is kept as the bytes that came; fields are found when they are asked for, and a
//! field that makes no sense fails alone, never the record.

mod field;
pub(crate) mod header;
mod interpret;
mod keys;
mod label;
mod log_line;
mod scan;
mod sockaddr;
mod value;
mod view;

use std::fmt;

pub use self::field::{Field, Fields};
pub(crate) use self::header::{EventId, Header};
pub use self::interpret::{Absent, Interpretation, Interpretations, WithNames};
pub use self::keys::Keys;
pub use self::label::{Label, SelinuxLabel};
pub use self::log_line::LogLine;
pub(crate) use self::scan::Window;
pub use self::sockaddr::SocketAddress;
pub use self::value::{Untrusted, Value};
pub use self::view::{
    AnomAbend, Avc, Bpf, Capset, ConfigChange, Cwd, DeviceMapper, EventListener, Execve, Fanotify,
    FdPair, FileCapabilities, Integrity, Ipc, KernModule, Landlock, Login, MacChange, Mmap, Mq,
    NetfilterCfg, ObjPid, OpenHow, Path, Proctitle, Seccomp, SockAddr, SocketCall, Syscall,
    TimeAdj, Tty, UringOp, UserMessage,
};
use crate::decode::DecodeError;
use crate::message_type::MessageType;

/// One record, borrowed from the event or the buffer that holds its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    message_type: MessageType,
    id: EventId,
    node: Option<&'a [u8]>,
    text: &'a [u8],
    body_at: usize,
}

impl<'a> Record<'a> {
    /// Reads the head of a record's text, which starts with `audit(SECONDS.MILLIS:SERIAL):`.
    ///
    /// A prefix `node=NAME `, as in the logs of several machines, is understood.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Header`] if the text does not start so. What follows the head is not judged.
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
        // two ways to the end: joined before it, the head would go through memory
        if let Some(header) = Header::usual(text) {
            return Ok(Self::from_parts(message_type, header, text));
        }
        Header::parse_any(text).map(|header| Self::from_parts(message_type, header, text))
    }

    /// Joins a head that was read before with its text.
    #[inline]
    pub(crate) const fn from_parts(
        message_type: MessageType,
        header: Header<'a>,
        text: &'a [u8],
    ) -> Self {
        let Header { node, id, body_at } = header;
        Self { message_type, id, node, text, body_at }
    }

    /// Returns the type.
    #[inline]
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// Returns the stamp, which all records of one event share.
    #[inline]
    #[must_use]
    pub const fn id(&self) -> EventId {
        self.id
    }

    /// Returns the name of the machine that the record comes from, where a log states one.
    #[must_use]
    pub const fn node(&self) -> Option<&'a [u8]> {
        self.node
    }

    /// Returns the whole text, head included, as it came.
    #[inline]
    #[must_use]
    pub const fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Returns where the text behind the head begins.
    #[inline]
    pub(crate) const fn body_at(&self) -> usize {
        self.body_at
    }

    /// Returns the text behind the head.
    #[inline]
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.text.get(self.body_at..).unwrap_or_default()
    }

    /// Iterates over the fields in their order.
    ///
    /// The message of a user-space program is one field, `msg`, whose value is
    /// [`Value::Nested`]; see [`UserMessage`] for what is inside.
    #[inline]
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_kernel(self.text, self.body_at)
    }

    /// Iterates over what auditd added behind the fields when it wrote an enriched log: names for
    /// the numbers, in upper case, such as `UID="root"`.
    #[must_use]
    pub fn enriched(&self) -> Fields<'a> {
        Fields::of_enrichment(self.body())
    }

    /// Iterates over the fields, each with what it means.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::record::{Interpretation, Record};
    /// use auditlink::MessageType;
    ///
    /// let text = b"audit(1.000:2): arch=c000003e syscall=257 success=no exit=-2 a2=80000";
    /// let record = Record::parse(MessageType::SYSCALL, text)?;
    /// let shown: Vec<_> = record.interpretations().map(|(_, meaning)| meaning.to_string()).collect();
    /// assert_eq!(shown[1], "openat");
    /// assert_eq!(shown[3], "ENOENT(No such file or directory)");
    /// assert_eq!(shown[4], "O_RDONLY|O_CLOEXEC");
    /// assert_eq!(record.interpret("exit"), Some(Interpretation::Exit(-2)));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[must_use]
    pub fn interpretations(&self) -> Interpretations<'a> {
        Interpretations::of_kernel(*self)
    }

    /// Returns what the first field with this name means.
    #[must_use]
    pub fn interpret(&self, name: &str) -> Option<Interpretation<'a>> {
        self.interpretations()
            .find(|(field, _)| field.name == name.as_bytes())
            .map(|(_, meaning)| meaning)
    }

    /// Returns the value of the first field with this name.
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
    fn an_unknown_type_is_a_record_like_any_other() {
        let record = Record::parse(MessageType::new(1499), b"audit(1.000:2): subj_x=a:b:c:s0")
            .expect("the head is fine");
        assert_eq!(record.message_type().to_string(), "UNKNOWN[1499]");
        assert_eq!(record.field("subj_x"), Some(Value::Bare(b"a:b:c:s0")));
    }

    #[test]
    fn bytes_that_are_not_utf_8_stay() {
        let record =
            Record::parse(MessageType::USER_CMD, b"audit(1.000:2): msg='acct=\"caf\xE9\"'")
                .expect("the head is fine");
        let message = record.as_user_message().expect("a user-space type");
        assert_eq!(message.field("acct"), Some(Value::Quoted(b"caf\xE9")));
    }

    #[test]
    fn views_exist_only_for_their_type() {
        let record = Record::parse(MessageType::CWD, b"audit(1.000:2): ").expect("a head");
        assert!(record.as_cwd().is_some());
        assert!(record.as_path().is_none());
        assert!(record.as_syscall().is_none());
    }
}
