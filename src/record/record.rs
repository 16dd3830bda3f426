//! A record with its header and fields.

use std::fmt;

use super::field::{Field, Fields};
use super::header::{EventId, Header};
use super::value::Value;
use crate::bytestr::ByteStr;
use crate::decode::DecodeError;
use crate::message_type::{MessageType, Origin};

/// One record, borrowed from an event or a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The type as it was received; see [`message_type`](Self::message_type).
    received_type: MessageType,
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
        Self { received_type: message_type, id, node, text, body_at }
    }

    /// Returns the type of the record.
    ///
    /// The numbers 1420 to 1426 have other meanings on kernels with patches for several security modules
    /// (Ubuntu 22.04 and later) than in Linux, so the body decides between these types:
    /// `subj_apparmor=unconfined` is `MAC_TASK_CONTEXTS`, whatever its number.
    /// [`type_number`](Self::type_number) returns the number.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1.000:2): subj_apparmor=unconfined";
    /// let record = Record::parse(MessageType::new(1420), text)?;
    /// assert_eq!(record.message_type(), MessageType::MAC_TASK_CONTEXTS);
    /// assert_eq!(record.type_number(), 1420);
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn message_type(&self) -> MessageType {
        match self.received_type.number() {
            1420..=1426 => self.type_by_body(),
            _ => self.received_type,
        }
    }

    /// Returns the number of the type, as it was received.
    #[inline]
    #[must_use]
    pub const fn type_number(&self) -> u16 {
        self.received_type.number()
    }

    /// Returns the type of the number as it was received: to compare it with types whose numbers no other
    /// type has, without looking at the body.
    #[inline]
    pub(crate) const fn received_type(&self) -> MessageType {
        self.received_type
    }

    /// Decides between the types whose numbers are not the same on all kernels.
    ///
    /// Source: `include/uapi/linux/audit.h`, `security/ipe/audit.c`, `security/landlock/audit.c`,
    /// `kernel/audit.c`, `audit_log_subj_ctx` and `audit_log_obj_ctx`; Ubuntu's `AUDIT_MAC_TASK_CONTEXTS`
    /// is 1420, and `AUDIT_MAC_OBJ_CONTEXTS` 1421.
    #[cold]
    fn type_by_body(&self) -> MessageType {
        let first = self.fields().find(|field| !field.name.is_empty());
        match first.map(|field| field.name) {
            Some([b's', b'u', b'b', b'j', b'_', ..]) => MessageType::MAC_TASK_CONTEXTS,
            Some([b'o', b'b', b'j', b'_', ..]) => MessageType::MAC_OBJ_CONTEXTS,
            Some(b"ipe_op") => MessageType::IPE_ACCESS,
            Some(b"old_active_pol_name") => MessageType::IPE_CONFIG_CHANGE,
            Some(b"policy_name") => MessageType::IPE_POLICY_LOAD,
            Some(b"domain") if self.field("blockers").is_some() => MessageType::LANDLOCK_ACCESS,
            Some(b"domain") if self.field("status").is_some() => MessageType::LANDLOCK_DOMAIN,
            _ => self.received_type,
        }
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
        match self.received_type.origin() {
            Origin::Daemon => Fields::of_daemon(self.text, self.body_at),
            Origin::Kernel | Origin::UserSpace => Fields::of_kernel(self.text, self.body_at),
        }
    }

    /// Iterates over the fields that auditd appended in an enriched log: names in upper case for the
    /// numbers of the record, such as `UID="root"`.
    #[must_use]
    pub fn enriched(&self) -> Fields<'a> {
        Fields::of_enrichment(self.body())
    }

    /// Iterates over the values of the fields with this name that auditd appended, decoded.
    ///
    /// There is one for each field of the record and of the program's message that has this name in
    /// lower case, in their order.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1.000:2): uid=0 gid=9\x1DUID=\"root\" GID=646F6D61696E207573657273";
    /// let record = Record::parse(MessageType::SYSCALL, text)?;
    /// assert!(record.enriched_names("UID").eq(["root"]));
    /// assert!(record.enriched_names("GID").eq(["domain users"]));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    pub fn enriched_names<'n>(
        &self,
        name: &'n str,
    ) -> impl Iterator<Item = ByteStr<'a>> + use<'a, 'n> {
        let of_name = move |field: &Field<'_>| field.name == name.as_bytes();
        self.enriched().filter(of_name).map(enriched_text)
    }

    /// Returns the value of the first field with this name.
    #[doc(alias = "auparse_find_field")]
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }
}

/// Decodes the value of a field that auditd appended: a name in quotes or in hex.
pub(crate) fn enriched_text(field: Field<'_>) -> ByteStr<'_> {
    match field.name {
        b"ARCH" | b"SYSCALL" | b"SADDR" => field.value.bytes().into(),
        _ => field.value.untrusted().bytes().unwrap_or_else(|| field.value.bytes().into()),
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type={} msg={}", self.message_type(), self.text.escape_ascii())
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
    fn the_body_decides_between_types_that_share_a_number() {
        for (body, expected) in [
            ("subj_apparmor=unconfined", MessageType::MAC_TASK_CONTEXTS),
            (" subj_selinux=u:r:t:s0 subj_smack=_", MessageType::MAC_TASK_CONTEXTS),
            ("obj_selinux=u:object_r:t:s0", MessageType::MAC_OBJ_CONTEXTS),
            ("ipe_op=EXECUTE ipe_hook=MMAP enforcing=1 pid=2", MessageType::IPE_ACCESS),
            ("old_active_pol_name=\"a\" auid=0", MessageType::IPE_CONFIG_CHANGE),
            ("old_active_pol_name=? auid=0", MessageType::IPE_CONFIG_CHANGE),
            ("policy_name=\"a\" policy_version=0.0.0", MessageType::IPE_POLICY_LOAD),
            ("domain=1 blockers=fs.refer", MessageType::LANDLOCK_ACCESS),
            ("domain=1 status=allocated mode=enforcing", MessageType::LANDLOCK_DOMAIN),
        ] {
            let text = format!("audit(1.000:2): {body}");
            for number in 1420..=1426 {
                let record = Record::parse(MessageType::new(number), text.as_bytes());
                let record = record.expect("a header");
                assert_eq!(record.message_type(), expected, "{number}: {body}");
                assert_eq!(record.type_number(), number);
            }
            let other = Record::parse(MessageType::AVC, text.as_bytes()).expect("a header");
            assert_eq!(other.message_type(), MessageType::AVC, "no other number is shared");
        }
        let unknown = Record::parse(MessageType::new(1420), b"audit(1.000:2): x=1");
        assert_eq!(unknown.expect("a header").message_type().number(), 1420);
    }

    #[test]
    fn views_exist_only_for_their_types() {
        let record = Record::parse(MessageType::CWD, b"audit(1.000:2): ").expect("a header");
        assert!(record.as_cwd().is_some());
        assert!(record.as_path().is_none());
        assert!(record.as_syscall().is_none());
    }
}
