//! The anomaly records of the kernel: `ANOM_ABEND` and `ANOM_PROMISCUOUS`.

use super::view;
use crate::bytestr::ByteStr;
use crate::constants::Signal;
use crate::record::schema::Kind;

view! {
    /// An `ANOM_ABEND` record: a process was killed by a signal that dumps core.
    ///
    /// Source: `kernel/auditsc.c`, `audit_core_dumps`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): auid=1000 uid=0 gid=0 ses=1 pid=9 comm="x" exe="/x" sig=11 res=1"#;
    /// let record = Record::parse(MessageType::ANOM_ABEND, text)?;
    /// let view = record.as_anom_abend().ok_or("another type")?;
    /// assert_eq!(view.signal().and_then(|signal| signal.name()), Some("SIGSEGV"));
    /// assert_eq!(view.pid(), Some(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_ANOM_ABEND")]
    AnomAbend, as_anom_abend, "an `ANOM_ABEND` record", [ANOM_ABEND];
    "pid" => pid -> u32, "Returns the process.";
    "auid" => auid -> u32, "Returns the login user.";
    "uid" => uid -> u32, "Returns the real user.";
    "ses" => session -> u32, "Returns the login session.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread.";
    "exe" => exe -> ByteStr<'a>, "Returns the path of the executable.";
    "sig" => signal -> Signal, "Returns the signal.";
    "res" => result -> bool, "Returns the result, which the kernel always writes as success.";
}

view! {
    /// An `ANOM_PROMISCUOUS` record: a network interface entered or left promiscuous mode.
    ///
    /// Source: `net/core/dev.c`, `__dev_set_promiscuity`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): dev=eth0 prom=256 old_prom=0 auid=0 uid=0 gid=0 ses=1";
    /// let record = Record::parse(MessageType::ANOM_PROMISCUOUS, text)?;
    /// let view = record.as_anom_promiscuous().ok_or("another type")?;
    /// assert_eq!((view.device(), view.is_promiscuous()), (Some("eth0".into()), Some(true)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_ANOM_PROMISCUOUS")]
    AnomPromiscuous, as_anom_promiscuous, "an `ANOM_PROMISCUOUS` record", [ANOM_PROMISCUOUS];
    // "dev=%s": neither quoted nor hex
    "dev": Kind::Word => device -> ByteStr<'a>, "Returns the name of the interface.";
    "prom": Kind::Promiscuity => is_promiscuous -> bool,
        "Returns whether the interface is in promiscuous mode.";
    "old_prom": Kind::Promiscuity => was_promiscuous -> bool,
        "Returns whether the interface was in promiscuous mode before.";
    "auid" => auid -> u32, "Returns the login user.";
    "uid" => uid -> u32, "Returns the real user.";
    "gid" => gid -> u32, "Returns the real group.";
    "ses" => session -> u32, "Returns the login session.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    #[test]
    fn a_crash() {
        let crash = record(
            MessageType::ANOM_ABEND,
            r#"auid=4294967295 uid=0 gid=0 ses=4294967295 pid=9 comm="x" exe="/x" sig=11 res=1"#,
        );
        let view = crash.as_anom_abend().expect("a view");
        assert_eq!((view.pid(), view.auid()), (Some(9), None));
        assert_eq!(view.signal().and_then(Signal::name), Some("SIGSEGV"));
    }

    // `net/core/dev.c`, `__dev_set_promiscuity`: "dev=%s prom=%d old_prom=%d …"
    #[test]
    fn the_name_of_an_interface_is_not_hex() {
        let record = record(MessageType::ANOM_PROMISCUOUS, "dev=AB prom=256 old_prom=0");
        assert_eq!(record.interpret("dev"), Some(Interpretation::Word(b"AB")));
        assert_eq!(record.as_anom_promiscuous().and_then(|view| view.device()), Some("AB".into()));
    }

    // `net/core/dev.c`, `__dev_set_promiscuity`: the flag of the interface, 0x100
    #[test]
    fn promiscuous_mode_is_a_flag() {
        let record = record(MessageType::ANOM_PROMISCUOUS, "dev=veth0 prom=256 old_prom=0 auid=0");
        let view = record.as_anom_promiscuous().expect("a view");
        assert_eq!((view.is_promiscuous(), view.was_promiscuous()), (Some(true), Some(false)));
        assert_eq!(view.device(), Some("veth0".into()));
    }
}
