//! Records that report on auditing itself, and those that user-space programs send.

use super::syscall::text;
use super::{getters, view};
use crate::bytestr::ByteStr;
use crate::message_type::{MessageType, Origin};
use crate::record::{Fields, Interpretations, Keys, Value};

view! {
    /// A `CONFIG_CHANGE` or `FEATURE_CHANGE` record: a setting, a rule or a feature was changed.
    ///
    /// Source: `kernel/audit.c`, `audit_log_config_change`; `kernel/auditfilter.c`,
    /// `audit_log_rule_change`.
    ConfigChange, as_config_change, "a `CONFIG_CHANGE` or `FEATURE_CHANGE` record", record,
    matches!(record.message_type(), MessageType::CONFIG_CHANGE | MessageType::FEATURE_CHANGE)
}

getters! {
    ConfigChange {
        op, "op", |value: Value<'a>| Some(value.bytes()) => &'a [u8],
            "Returns the operation, such as `set`, `add_rule`, `remove_rule`.";
        auid, "auid", Value::id => u32, "Returns the login user of who did it.";
        session, "ses", Value::id => u32, "Returns the login session of who did it.";
        list, "list", Value::decimal => u32, "Returns the number of the filter list, for a rule.";
        old, "old", Value::decimal => u32, "Returns the former value, for a setting.";
        result, "res", Value::boolean => bool, "Returns whether the change was made.";
    }
}

impl<'a> ConfigChange<'a> {
    /// Returns the setting that was changed and its new value; `None` if a rule was changed.
    ///
    /// The setting's name is the name of the field, such as `audit_backlog_limit`; that of a
    /// feature is the value of `feature`.
    #[must_use]
    pub fn setting(&self) -> Option<(&'a [u8], Value<'a>)> {
        if let Some(feature) = self.record.field("feature") {
            return Some((feature.bytes(), self.record.field("new")?));
        }
        self.record
            .fields()
            .find(|field| field.name.starts_with(b"audit_") || field.name == b"lost")
            .map(|field| (field.name, field.value))
    }

    /// Returns the keys of the rule that was changed.
    #[must_use]
    pub fn keys(&self) -> Keys<'a> {
        Keys::of(self.record)
    }
}

view! {
    /// A record whose text a user-space program sent, such as `USER_LOGIN`.
    ///
    /// The kernel writes the fields of the sender in front, and wraps what the program said in
    /// `msg='…'`. Only the former are to be trusted.
    ///
    /// Source: `kernel/audit.c`, `audit_receive_msg`.
    UserMessage, as_user_message, "a record that a user-space program wrote", record,
    record.message_type().origin() == Origin::UserSpace
}

getters! {
    UserMessage {
        pid, "pid", Value::decimal => u32, "Returns the sender, as the kernel saw it.";
        uid, "uid", Value::id => u32, "Returns the user of the sender, as the kernel saw it.";
        auid, "auid", Value::id => u32, "Returns the login user of the sender.";
        session, "ses", Value::id => u32, "Returns the login session of the sender.";
    }
}

impl<'a> UserMessage<'a> {
    /// Returns what the program said, whole.
    #[must_use]
    pub fn message(&self) -> Option<&'a [u8]> {
        self.record.field("msg").map(Value::bytes)
    }

    /// Iterates over the fields of what the program said.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_message(self.message().unwrap_or_default())
    }

    /// Iterates over the fields of what the program said, each with what it means.
    #[must_use]
    pub fn interpretations(&self) -> Interpretations<'a> {
        Interpretations::of_message(self.record, self.fields())
    }

    /// Returns the value of the first field with this name in what the program said.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }

    /// Returns the operation that the program reports, its field `op`.
    #[must_use]
    pub fn op(&self) -> Option<ByteStr<'a>> {
        self.field("op").map(|value| value.bytes().into())
    }

    /// Returns the program as it names itself, its field `exe`.
    #[must_use]
    pub fn exe(&self) -> Option<ByteStr<'a>> {
        self.field("exe").and_then(text)
    }

    /// Returns whether what the program reports succeeded, its field `res`.
    #[must_use]
    pub fn result(&self) -> Option<bool> {
        self.field("res").and_then(Value::boolean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn change(body: &str) -> ConfigChange<'static> {
        let text: &'static str = format!("audit(1.000:2): {body}").leak();
        let record = Record::parse(MessageType::CONFIG_CHANGE, text.as_bytes()).expect("a head");
        record.as_config_change().expect("a CONFIG_CHANGE record")
    }

    #[test]
    fn settings_and_rules() {
        let set = change("op=set audit_backlog_limit=8192 old=64 auid=0 ses=1 subj=u:r:t:s0 res=1");
        let limit = (&b"audit_backlog_limit"[..], Value::Bare(b"8192"));
        assert_eq!(set.setting(), Some(limit));
        assert_eq!((set.old(), set.result()), (Some(64), Some(true)));
        let old = change("audit_pid=241 old=133 auid=0 res=1");
        assert_eq!(old.setting().map(|(name, _)| name), Some(&b"audit_pid"[..]));
        let rule = change(r#"auid=0 ses=1 op=add_rule key="k" list=4 res=1"#);
        assert_eq!((rule.op(), rule.list()), (Some(&b"add_rule"[..]), Some(4)));
        assert_eq!(rule.setting(), None);
        assert_eq!(rule.keys().next().as_deref(), Some(&b"k"[..]));
    }

    #[test]
    fn what_a_program_says_stays_inside() {
        let text = br#"audit(1.000:2): pid=1 uid=0 auid=4294967295 ses=1 msg='op=PAM:setcred pid=77 exe="/usr/sbin/cron" hostname=? res=success'"#;
        let record = Record::parse(MessageType::CRED_ACQ, text).expect("a head");
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
        let record = Record::parse(MessageType::USER, text).expect("a head");
        let message = record.as_user_message().expect("a user-space type");
        assert_eq!(message.pid(), Some(1));
        assert!(message.message().is_some_and(|text| text.contains(&b'\n')));
        assert_eq!(record.field("uid"), None);
    }
}
