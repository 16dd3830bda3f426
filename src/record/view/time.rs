//! The records of clock adjustments: `TIME_INJOFFSET` and `TIME_ADJNTPVAL`.

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::Kind;

view! {
    /// A `TIME_INJOFFSET` or `TIME_ADJNTPVAL` record: the clock was set, or an NTP value changed.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_time`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): op=offset old=0 new=-5";
    /// let record = Record::parse(MessageType::TIME_ADJNTPVAL, text)?;
    /// let view = record.as_time_adj().ok_or("another type")?;
    /// assert_eq!((view.old_value(), view.new_value()), (Some(0), Some(-5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_TIME_INJOFFSET")]
    #[doc(alias = "AUDIT_TIME_ADJNTPVAL")]
    TimeAdj, as_time_adj, "a `TIME_*` record", [TIME_INJOFFSET, TIME_ADJNTPVAL];
    "sec": Kind::Signed => seconds -> i64, "Returns the seconds by which the clock was set.";
    "nsec": Kind::Signed => nanoseconds -> i64,
        "Returns the nanoseconds by which the clock was set, in addition to the seconds.";
    "op" => op -> ByteStr<'a>,
        "Returns the value that changed: `offset`, `freq`, `status`, `adjust`, `tick` or `tai`.";
    "old": Kind::Signed => old_value -> i64, "Returns the old value, in the kernel's unit.";
    "new": Kind::Signed => new_value -> i64, "Returns the new value, in the kernel's unit.";
}
