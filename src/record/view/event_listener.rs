//! The `EVENT_LISTENER` record.

use super::view;
use crate::bytestr::ByteStr;
use crate::constants::{MULTICAST_GROUPS, Named};
use crate::record::schema::{Kind, Radix};

view! {
    /// An `EVENT_LISTENER` record: a process joined or left the kernel's multicast group of audit
    /// records.
    ///
    /// Source: `kernel/audit.c`, `audit_log_multicast`.
    ///
    /// # Kernel version
    ///
    /// Linux 5.15.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): pid=2 uid=0 auid=0 tty=pts0 ses=1 comm="x" exe="/x" nl-mcgrp=1 op=connect res=1"#;
    /// let record = Record::parse(MessageType::EVENT_LISTENER, text)?;
    /// let view = record.as_event_listener().ok_or("another type")?;
    /// assert_eq!((view.pid(), view.op()), (Some(2), Some("connect".into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_EVENT_LISTENER")]
    EventListener, as_event_listener, "an `EVENT_LISTENER` record", [EVENT_LISTENER];
    "pid" => pid -> u32, "Returns the process.";
    "auid" => auid -> u32, "Returns the login user.";
    "uid" => uid -> u32, "Returns the real user.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread.";
    "exe" => exe -> ByteStr<'a>, "Returns the path of the executable.";
    "nl-mcgrp": Kind::Name(Radix::Decimal, &MULTICAST_GROUPS) => group -> Named,
        "Returns the multicast group.";
    "op" => op -> ByteStr<'a>, "Returns the operation: `connect` or `disconnect`.";
    "res" => result -> bool, "Returns whether the operation succeeded.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn a_process_joins_the_multicast_group() {
        let listener = record(
            MessageType::EVENT_LISTENER,
            r#"pid=2 uid=0 auid=0 tty=pts0 ses=1 comm="x" exe="/x" nl-mcgrp=1 op=connect res=1"#,
        );
        let view = listener.as_event_listener().expect("a view");
        assert_eq!(
            (view.pid(), view.op(), view.result()),
            (Some(2), Some("connect".into()), Some(true))
        );
        assert_eq!(
            listener.interpret("nl-mcgrp").map(|m| m.to_string()).as_deref(),
            Some("readlog")
        );
    }
}
