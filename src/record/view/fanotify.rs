//! The `FANOTIFY` record.

use super::view;
use crate::constants::{FANOTIFY_INFO_TYPES, FANOTIFY_RESPONSES, Named, TRUST};
use crate::record::schema::{HEX, Kind, Radix};

view! {
    /// A `FANOTIFY` record: a fanotify listener allowed or denied an access.
    ///
    /// Source: `kernel/auditsc.c`, `__audit_fanotify`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): resp=2 fan_type=1 fan_info=3137 subj_trust=2 obj_trust=0";
    /// let record = Record::parse(MessageType::FANOTIFY, text)?;
    /// let view = record.as_fanotify().ok_or("another type")?;
    /// assert_eq!(view.response().and_then(|response| response.name()), Some("deny"));
    /// assert_eq!(view.rule(), Some(0x3137));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_FANOTIFY")]
    Fanotify, as_fanotify, "a `FANOTIFY` record", [FANOTIFY];
    "resp": Kind::Name(Radix::Decimal, &FANOTIFY_RESPONSES) => response -> Named,
        "Returns the decision: `allow` or `deny`.";
    "fan_type": Kind::Name(Radix::Decimal, &FANOTIFY_INFO_TYPES) => info_type -> Named,
        "Returns the type of the additional information (Linux 6.3).";
    "fan_info": HEX => rule -> u64, "Returns the number of the listener's rule (Linux 6.3).";
    "subj_trust": Kind::Name(Radix::Decimal, &TRUST) => subject_trust -> Named,
        "Returns whether the listener trusts the process (Linux 6.3).";
    "obj_trust": Kind::Name(Radix::Decimal, &TRUST) => object_trust -> Named,
        "Returns whether the listener trusts the file (Linux 6.3).";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn a_listener_denies() {
        let fanotify = record(
            MessageType::FANOTIFY,
            "resp=2 fan_type=1 fan_info=3137 subj_trust=2 obj_trust=0",
        );
        let view = fanotify.as_fanotify().expect("a view");
        assert_eq!(view.response().and_then(Named::name), Some("deny"));
        assert_eq!(
            (view.rule(), view.subject_trust().and_then(Named::name)),
            (Some(0x3137), Some("unknown"))
        );
    }
}
