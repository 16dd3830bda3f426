//! The `CONFIG_CHANGE` and `FEATURE_CHANGE` records: changes of auditing itself.

use super::view;
use crate::bytestr::ByteStr;
use crate::constants::AUDIT_LISTS;
use crate::record::schema::{DECIMAL, Kind, Radix};
use crate::record::{Keys, Value};

view! {
    /// A `CONFIG_CHANGE` or `FEATURE_CHANGE` record: a setting, a rule or a feature was changed.
    ///
    /// Source: `kernel/audit.c`, `audit_log_config_change` and `audit_log_feature_change`;
    /// `kernel/auditfilter.c`, `audit_log_rule_change`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): op=set audit_enabled=0 old=1 auid=1000 ses=1 res=1";
    /// let record = Record::parse(MessageType::CONFIG_CHANGE, text)?;
    /// let change = record.as_config_change().ok_or("another type")?;
    /// let (name, value) = change.setting().ok_or("a rule")?;
    /// assert_eq!((name, value.bytes()), (&b"audit_enabled"[..], &b"0"[..]));
    /// assert_eq!((change.old(), change.result()), (Some(1), Some(true)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_CONFIG_CHANGE")]
    #[doc(alias = "AUDIT_FEATURE_CHANGE")]
    ConfigChange, as_config_change, "a `CONFIG_CHANGE` or `FEATURE_CHANGE` record",
    [CONFIG_CHANGE, FEATURE_CHANGE];
    "op" => op -> ByteStr<'a>, "Returns the operation, such as `set`, `add_rule`, `remove_rule`.";
    "auid" => auid -> u32, "Returns the login user that made the change.";
    "ses" => session -> u32, "Returns the login session that made the change.";
    "list": Kind::Name(Radix::Decimal, &AUDIT_LISTS) => list -> u32,
        "Returns the number of the filter list of a rule.";
    "old": DECIMAL => old -> u32, "Returns the old value of a setting.";
    "new": DECIMAL => new_value -> u32, "Returns the new value of a feature.";
    "res" => result -> bool, "Returns whether the change was made.";
}

impl<'a> ConfigChange<'a> {
    /// Returns the setting that was changed and its new value; `None` if a rule was changed.
    ///
    /// The name of a setting is the name of a field, such as `audit_backlog_limit`; that of a
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
    ///
    /// The field `key`.
    #[must_use]
    pub fn keys(&self) -> Keys<'a> {
        Keys::of(self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::{Interpretation, Record};

    fn change(body: &str) -> ConfigChange<'static> {
        let text: &'static str = format!("audit(1.000:2): {body}").leak();
        let record = Record::parse(MessageType::CONFIG_CHANGE, text.as_bytes()).expect("a header");
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
        assert_eq!((rule.op(), rule.list()), (Some("add_rule".into()), Some(4)));
        assert_eq!(rule.setting(), None);
        assert_eq!(rule.keys().next().as_deref(), Some(&b"k"[..]));
    }

    // `kernel/audit.c`, `audit_log_config_change`: "op=set %s=%u old=%u"
    #[test]
    fn the_old_value_is_a_number() {
        let set = change("op=set audit_enabled=1 old=0 res=1");
        assert_eq!(set.old(), Some(0));
        assert_eq!(set.record().interpret("old"), Some(Interpretation::Number(0)));
    }
}
