//! The records of user-space programs, such as `USER_LOGIN`.

use super::view;
use crate::bytestr::ByteStr;
use crate::message_type::Origin;
use crate::record::interpret::{self, FromInterpretation};
use crate::record::schema::{Kind, message};
use crate::record::{Fields, Interpretations, Value};

view! {
    /// A record whose text a user-space program sent, such as `USER_LOGIN`.
    ///
    /// The kernel writes the fields of the sender first, and wraps the program's message in
    /// `msg='…'`. Only the former are trustworthy.
    ///
    /// Source: `kernel/audit.c`, `audit_receive_msg`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): pid=1 uid=0 auid=1000 ses=3 msg='op=login acct="ann" exe="/usr/sbin/sshd" res=success'"#;
    /// let record = Record::parse(MessageType::USER_LOGIN, text)?;
    /// let message = record.as_user_message().ok_or("another type")?;
    /// assert_eq!((message.pid(), message.auid()), (Some(1), Some(1000)));
    /// assert_eq!(message.op().unwrap_or_default(), "login");
    /// assert_eq!(message.field("acct").map(|account| account.bytes()), Some(&b"ann"[..]));
    /// assert_eq!(message.result(), Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_USER")]
    UserMessage, as_user_message, "a record that a user-space program wrote",
    (message_type => matches!(message_type.origin(), Origin::UserSpace));
    "pid" => pid -> u32, "Returns the sender, as the kernel saw it.";
    "uid" => uid -> u32, "Returns the user of the sender, as the kernel saw it.";
    "auid" => auid -> u32, "Returns the login user of the sender.";
    "ses" => session -> u32, "Returns the login session of the sender.";
    // only in `USER_TTY` records, which have no message
    "data": Kind::Keystrokes => data -> ByteStr<'a>, "Returns the terminal input of a `USER_TTY` record.";
}

impl<'a> UserMessage<'a> {
    /// Returns the whole message of the program.
    ///
    /// The field `msg`.
    #[must_use]
    pub fn message(&self) -> Option<ByteStr<'a>> {
        self.text().map(ByteStr::from)
    }

    fn text(&self) -> Option<&'a [u8]> {
        self.record.field("msg").map(Value::bytes)
    }

    /// Iterates over the fields of the message.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_message(self.text().unwrap_or_default())
    }

    /// Iterates over the fields of the message, each with its interpretation.
    #[must_use]
    pub fn interpretations(&self) -> Interpretations<'a> {
        Interpretations::of_message(self.record, self.fields())
    }

    /// Returns the value of the first field of the message with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }

    /// Returns the operation that the program reports.
    ///
    /// The field `op` of the message.
    #[must_use]
    pub fn op(&self) -> Option<ByteStr<'a>> {
        self.get("op")
    }

    /// Returns the executable that the program reports.
    ///
    /// The field `exe` of the message.
    #[must_use]
    pub fn exe(&self) -> Option<ByteStr<'a>> {
        self.get("exe")
    }

    /// Returns whether the operation succeeded, as the program reports it.
    ///
    /// The field `res` of the message; `result` in messages of Linux-PAM before 0.80, where any text
    /// except `Success` is the reason of a failure.
    #[must_use]
    pub fn result(&self) -> Option<bool> {
        if let Some(result) = self.get("res") {
            return Some(result);
        }
        let is_of_pam = self.text().is_some_and(|text| text.starts_with(b"PAM "));
        match self.field("result")?.bytes() {
            b"Success" => Some(true),
            b"" | b"?" => None,
            _ if is_of_pam => Some(false),
            _ => self.get("result"),
        }
    }

    fn get<T: FromInterpretation<'a>>(&self, name: &str) -> Option<T> {
        let kind = message::kind(self.record.message_type(), name.as_bytes());
        interpret::get(kind, self.field(name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Record;

    #[test]
    fn fields_of_the_message_are_not_fields_of_the_record() {
        let text = br#"audit(1.000:2): pid=1 uid=0 auid=4294967295 ses=1 msg='op=PAM:setcred pid=77 exe="/usr/sbin/cron" hostname=? res=success'"#;
        let record = Record::parse(MessageType::CRED_ACQ, text).expect("a header");
        let message = record.as_user_message().expect("a user-space type");
        assert_eq!((message.pid(), message.auid()), (Some(1), None));
        assert_eq!(message.field("pid"), Some(Value::Bare(b"77")));
        assert_eq!(message.op().as_deref(), Some(&b"PAM:setcred"[..]));
        assert_eq!(message.result(), Some(true));
    }

    #[test]
    fn a_forged_line_stays_text() {
        let text =
            b"audit(1.000:2): pid=1 msg='op=x\ntype=SYSCALL msg=audit(1.0:1): uid=0 res=success'";
        let record = Record::parse(MessageType::USER, text).expect("a header");
        let message = record.as_user_message().expect("a user-space type");
        assert_eq!(message.pid(), Some(1));
        assert!(message.message().is_some_and(|text| text.contains(&b'\n')));
        assert_eq!(record.field("uid"), None);
    }
}
