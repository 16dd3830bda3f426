//! The `AVC` and `USER_AVC` records: decisions of SELinux and AppArmor.

use super::view;
use crate::bytestr::ByteStr;
use crate::constants::Capability;
use crate::message_type::MessageType;
use crate::record::interpret::{self, FromInterpretation};
use crate::record::schema::{DECIMAL, Kind, message};
use crate::record::{Fields, Label, Value};

view! {
    /// An access decision of SELinux or AppArmor: an `AVC` record, or the `USER_AVC` record of a
    /// program that asks SELinux for decisions.
    ///
    /// SELinux and AppArmor use the same record type with different fields;
    /// [`is_granted`](Self::is_granted) reads both.
    ///
    /// Source: `security/selinux/avc.c`, `security/lsm_audit.c`, `security/apparmor/audit.c`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): avc:  denied  { read } for  pid=5 comm="x" name="shadow" scontext=u:r:t:s0 tcontext=u:r:shadow_t:s0 tclass=file permissive=0"#;
    /// let record = Record::parse(MessageType::AVC, text)?;
    /// let avc = record.as_avc().ok_or("another type")?;
    /// assert_eq!((avc.is_granted(), avc.is_permissive()), (Some(false), Some(false)));
    /// assert!(avc.permissions().eq(["read"]));
    /// assert_eq!(avc.class().unwrap_or_default(), "file");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_AVC")]
    #[doc(alias = "AUDIT_USER_AVC")]
    Avc, as_avc, "an `AVC` or `USER_AVC` record", [AVC, USER_AVC];
    // `security/lsm_audit.c`, `dump_common_audit_data`: here `src` and `dest` are ports
    "saddr": Kind::Ip;
    "src": DECIMAL;
    "daddr": Kind::Ip;
    "dest": DECIMAL;
    "laddr": Kind::Ip;
    "lport": DECIMAL;
    "faddr": Kind::Ip;
    "fport": DECIMAL;
    "key": Kind::Signed; // the key of a System V IPC object, not of a rule
    "ipc_key": Kind::Signed;
    "key_serial": DECIMAL;
    "key_desc": Kind::Text;
    "kmod": Kind::Text;
    "srawcon": Kind::Text;
    "trawcon": Kind::Text;
}

impl<'a> Avc<'a> {
    /// Iterates over the fields of the decision; in a `USER_AVC` record, those of the message.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        match self.record.as_user_message() {
            Some(message) => message.fields(),
            None => self.record.fields(),
        }
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }

    fn get<T: FromInterpretation<'a>>(&self, name: &str) -> Option<T> {
        let kind = if self.record.message_type() == MessageType::USER_AVC {
            message::kind(MessageType::USER_AVC, name.as_bytes())
        } else {
            Self::SCHEMA.kind(name.as_bytes())
        };
        interpret::get(kind, self.field(name)?)
    }

    /// Returns the words before the fields, such as `avc:  denied  { read } for`.
    #[must_use]
    pub fn text(&self) -> Option<ByteStr<'a>> {
        self.words().map(ByteStr::from)
    }

    fn words(&self) -> Option<&'a [u8]> {
        self.fields().next().filter(|field| field.name.is_empty()).map(|field| field.value.bytes())
    }

    /// Returns whether access was granted; `None` if the record is a notice, not a decision.
    ///
    /// AppArmor's `DENIED` and `KILLED` are denials, `ALLOWED` and `AUDIT` are not.
    #[must_use]
    pub fn is_granted(&self) -> Option<bool> {
        if let Some(word) = self.field("apparmor") {
            return match word.bytes() {
                b"DENIED" | b"KILLED" => Some(false),
                b"ALLOWED" | b"AUDIT" => Some(true),
                _ => None,
            };
        }
        let mut words = self.words()?.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        words.find_map(|word| match word {
            b"granted" => Some(true),
            b"denied" => Some(false),
            _ => None,
        })
    }

    /// Iterates over the permissions in question: those in braces, or AppArmor's mask as one word.
    pub fn permissions(&self) -> impl Iterator<Item = ByteStr<'a>> {
        let inside = self.words().and_then(|text| {
            let start = memchr::memchr(b'{', text)? + 1;
            let end = memchr::memrchr(b'}', text)?;
            text.get(start..end)
        });
        let mask = self.field("requested_mask").map(Value::bytes);
        let permissions = inside.or(mask).unwrap_or_default().split(|byte| *byte == b' ');
        permissions.filter(|permission| !permission.is_empty()).map(ByteStr::from)
    }

    /// Returns whether a denial was only logged, since the policy is permissive.
    ///
    /// The field `permissive`.
    #[must_use]
    pub fn is_permissive(&self) -> Option<bool> {
        self.get("permissive")
    }

    /// Returns the security label of the subject.
    ///
    /// The field `scontext`.
    #[must_use]
    pub fn subject(&self) -> Option<Label<'a>> {
        self.get("scontext")
    }

    /// Returns the security label of the object.
    ///
    /// The field `tcontext`.
    #[must_use]
    pub fn target(&self) -> Option<Label<'a>> {
        self.get("tcontext")
    }

    /// Returns the class of the object, such as `file`.
    ///
    /// The field `tclass`, or AppArmor's `class`.
    #[must_use]
    pub fn class(&self) -> Option<ByteStr<'a>> {
        self.get("tclass").or_else(|| self.get("class"))
    }

    /// Returns the process that requested access.
    ///
    /// The field `pid`.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.get("pid")
    }

    /// Returns the name of the thread that requested access.
    ///
    /// The field `comm`.
    #[must_use]
    pub fn comm(&self) -> Option<ByteStr<'a>> {
        self.get("comm")
    }

    /// Returns the path or name of the object.
    ///
    /// The field `path` or `name`.
    #[must_use]
    pub fn path(&self) -> Option<ByteStr<'a>> {
        self.get("path").or_else(|| self.get("name"))
    }

    /// Returns AppArmor's profile of the subject.
    ///
    /// The field `profile`.
    #[must_use]
    pub fn profile(&self) -> Option<ByteStr<'a>> {
        self.get("profile")
    }

    /// Returns the capability that was requested.
    ///
    /// The field `capability`.
    #[must_use]
    pub fn capability(&self) -> Option<Capability> {
        self.get("capability")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    #[test]
    fn avc_braces() {
        let avc = record(
            MessageType::AVC,
            r#"avc:  denied  { read write } for  pid=5 comm="x" name="a b" dev="vda3" ino=7 scontext=u:r:t:s0-s0:c0.c1023 tcontext=u:r:t:s0:c1,c5 tclass=file permissive=0"#,
        );
        let view = avc.as_avc().expect("an AVC record");
        assert_eq!(view.is_granted(), Some(false));
        assert_eq!(view.permissions().collect::<Vec<_>>(), ["read", "write"]);
        assert_eq!((view.pid(), view.class()), (Some(5), Some("file".into())));
        assert_eq!(view.path().as_deref(), Some(&b"a b"[..]));
        assert_eq!(view.is_permissive(), Some(false));
        let range = view.target().and_then(Label::selinux).and_then(|label| label.range);
        assert_eq!(range, Some(&b"s0:c1,c5"[..]));
        assert_eq!(
            avc.interpret("dev"),
            Some(Interpretation::Text("vda3".into())),
            "a name, not a number"
        );
    }

    #[test]
    fn other_texts_of_avc() {
        let granted = record(MessageType::AVC, "avc:  granted  { setsecparam } for  pid=5");
        assert_eq!(granted.as_avc().and_then(|avc| avc.is_granted()), Some(true));
        let notice = record(
            MessageType::USER_AVC,
            r#"pid=1 uid=0 auid=0 ses=1 msg='avc:  received policyload notice (seqno=2)  exe="/usr/lib/systemd/systemd" sauid=0 hostname=? addr=? terminal=?'"#,
        );
        let notice = notice.as_avc().expect("a USER_AVC record");
        assert_eq!(notice.is_granted(), None);
        assert_eq!(notice.text(), Some("avc:  received policyload notice (seqno=2)".into()));
        assert!(notice.fields().all(|field| field.name != b"(seqno"));
    }

    // RHEL 5 and 6: `audit_log_user_avc_message`
    #[test]
    fn punctuation_around_the_values_of_a_program() {
        let avc = record(
            MessageType::USER_AVC,
            r#"user pid=1937 uid=81 auid=4294967295 msg='avc:  denied  { send_msg } for msgtype=method_call dest=org.x spid=1 tpid=2 scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=dbus : exe="/bin/dbus-daemon" (sauid=81, hostname=?, addr=?, terminal=?)'"#,
        );
        let view = avc.as_avc().expect("a USER_AVC record");
        assert_eq!((view.is_granted(), view.class()), (Some(false), Some("dbus".into())));
        assert_eq!(view.target().map(Label::as_bytes), Some(&b"a:b:d:s0"[..]));
        let message = avc.as_user_message().expect("a message");
        assert_eq!(message.exe(), Some("/bin/dbus-daemon".into()));
        let user = message.interpretations().find(|(field, _)| field.name == b"sauid");
        assert_eq!(user.map(|(_, user)| user), Some(Interpretation::User(Some(81))));
    }

    #[test]
    fn apparmor_under_the_same_type() {
        let avc = record(
            MessageType::AVC,
            r#"apparmor="DENIED" operation="open" profile="my app" name="/x" pid=7 requested_mask="r" denied_mask="r""#,
        );
        let view = avc.as_avc().expect("an AVC record");
        assert_eq!(view.is_granted(), Some(false));
        assert_eq!(view.permissions().collect::<Vec<_>>(), ["r"]);
        assert_eq!(view.profile().as_deref(), Some(&b"my app"[..]));
        assert_eq!(view.subject(), None);
    }

    // `security/lsm_audit.c`, `dump_common_audit_data`: "saddr=%pI4 src=%d daddr=%pI4 dest=%d"
    #[test]
    fn addresses_and_ports_of_a_packet() {
        let body =
            "avc:  denied  { send } for  saddr=10.0.0.1 src=1024 daddr=::1 dest=80 tclass=packet";
        let avc = record(MessageType::AVC, body);
        let source = Interpretation::Ip([10, 0, 0, 1].into());
        assert_eq!(avc.interpret("saddr"), Some(source));
        assert_eq!(avc.interpret("src"), Some(Interpretation::Number(1024)));
        assert_eq!(avc.interpret("daddr").map(|it| it.to_string()).as_deref(), Some("::1"));
        assert_eq!(avc.interpret("dest"), Some(Interpretation::Number(80)));
    }

    // `security/lsm_audit.c`, `dump_common_audit_data`: "key=%d", since Linux 6.0 "ipc_key=%d"
    #[test]
    fn the_key_of_an_ipc_object_is_not_the_key_of_a_rule() {
        let avc = record(MessageType::AVC, "avc:  denied  { read } for  pid=5 comm=\"x\" key=1234");
        assert_eq!(avc.interpret("key"), Some(Interpretation::Signed(1234)));
        let private = record(MessageType::AVC, "avc:  denied  { read } for  pid=5 key=-1");
        assert_eq!(private.interpret("key"), Some(Interpretation::Signed(-1)));
        let named = record(MessageType::AVC, "avc:  denied  { read } for  pid=5 ipc_key=4142");
        assert_eq!(named.interpret("ipc_key"), Some(Interpretation::Signed(4142)), "not in hex");
    }
}
