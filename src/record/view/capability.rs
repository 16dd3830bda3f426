//! The records of capabilities: `CAPSET` and `BPRM_FCAPS`.

use super::view;
use crate::constants::CapabilitySet;
use crate::record::interpret;
use crate::record::schema::{DECIMAL, Kind};

view! {
    /// A `CAPSET` record: a process set its capabilities.
    ///
    /// In Linux 6.18.2 and 6.19, `cap_pi` is a copy of the effective set.
    ///
    /// Source: `kernel/auditsc.c`, `__audit_log_capset`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): pid=5 cap_pi=0 cap_pp=3 cap_pe=1 cap_pa=0";
    /// let record = Record::parse(MessageType::CAPSET, text)?;
    /// let view = record.as_capset().ok_or("another type")?;
    /// let permitted = view.permitted().map(|set| set.to_string());
    /// assert_eq!(permitted.as_deref(), Some("chown,dac_override"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_CAPSET")]
    Capset, as_capset, "a `CAPSET` record", [CAPSET];
    "pid" => pid -> u32, "Returns the process.";
    "cap_pi": Kind::Capabilities => inheritable -> CapabilitySet, "Returns the inheritable set.";
    "cap_pp": Kind::Capabilities => permitted -> CapabilitySet, "Returns the permitted set.";
    "cap_pe": Kind::Capabilities => effective -> CapabilitySet, "Returns the effective set.";
    "cap_pa": Kind::Capabilities => ambient -> CapabilitySet, "Returns the ambient set.";
}

view! {
    /// A `BPRM_FCAPS` record: a program whose file has capabilities was executed.
    ///
    /// Source: `kernel/auditsc.c`, `__audit_log_bprm_fcaps` and `show_special`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): fver=2 fp=400 fi=0 fe=1 old_pp=0 old_pi=0 old_pe=0 old_pa=0 pp=400 pi=0 pe=400 pa=0 frootid=0";
    /// let record = Record::parse(MessageType::BPRM_FCAPS, text)?;
    /// let view = record.as_file_capabilities().ok_or("another type")?;
    /// assert_eq!(view.file_effective(), Some(true));
    /// assert_eq!(view.permitted(), view.file_permitted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_BPRM_FCAPS")]
    FileCapabilities, as_file_capabilities, "a `BPRM_FCAPS` record", [BPRM_FCAPS];
    "fver": DECIMAL; // `%x`, of versions below 10
    "fp": Kind::Capabilities => file_permitted -> CapabilitySet,
        "Returns the file's permitted set.";
    "fi": Kind::Capabilities => file_inheritable -> CapabilitySet,
        "Returns the file's inheritable set.";
    "fe": Kind::Bit => file_effective -> bool, "Returns the file's effective bit.";
    "old_pp": Kind::Capabilities => old_permitted -> CapabilitySet,
        "Returns the permitted set before.";
    "old_pi": Kind::Capabilities => old_inheritable -> CapabilitySet,
        "Returns the inheritable set before.";
    "old_pe": Kind::Capabilities => old_effective -> CapabilitySet,
        "Returns the effective set before.";
    "old_pa": Kind::Capabilities => old_ambient -> CapabilitySet,
        "Returns the ambient set before.";
    "pp": Kind::Capabilities;
    "pi": Kind::Capabilities;
    "pe": Kind::Capabilities;
    // their names before Linux 4.15
    "new_pp": Kind::Capabilities;
    "new_pi": Kind::Capabilities;
    "new_pe": Kind::Capabilities;
    "pa": Kind::Capabilities => ambient -> CapabilitySet, "Returns the ambient set after.";
    "frootid": Kind::User => root -> u32, "Returns the root user of the file's capabilities.";
}

impl FileCapabilities<'_> {
    /// Returns the permitted set after.
    ///
    /// The field `pp`; `new_pp` before Linux 4.15.
    #[must_use]
    pub fn permitted(&self) -> Option<CapabilitySet> {
        self.set("pp", "new_pp")
    }

    /// Returns the inheritable set after.
    ///
    /// The field `pi`; `new_pi` before Linux 4.15.
    #[must_use]
    pub fn inheritable(&self) -> Option<CapabilitySet> {
        self.set("pi", "new_pi")
    }

    /// Returns the effective set after.
    ///
    /// The field `pe`; `new_pe` before Linux 4.15.
    #[must_use]
    pub fn effective(&self) -> Option<CapabilitySet> {
        self.set("pe", "new_pe")
    }

    fn set(&self, name: &str, former: &str) -> Option<CapabilitySet> {
        let value = self.record.field(name).or_else(|| self.record.field(former))?;
        interpret::get(Kind::Capabilities, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::Capability;
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    #[test]
    fn capabilities_of_a_process_and_of_a_file() {
        let capset = record(MessageType::CAPSET, "pid=5 cap_pi=0 cap_pp=3 cap_pe=1 cap_pa=0");
        let view = capset.as_capset().expect("a view");
        assert_eq!(
            view.permitted().map(|set| set.to_string()).as_deref(),
            Some("chown,dac_override")
        );
        assert_eq!(view.inheritable(), Some(CapabilitySet::new(0)));
        let file =
            record(MessageType::BPRM_FCAPS, "fver=2 fp=400 fi=0 fe=1 old_pp=0 pp=400 pe=400");
        let view = file.as_file_capabilities().expect("a view");
        let port = Capability::new(10);
        assert!(view.permitted().is_some_and(|set| set.contains(port)));
        assert_eq!(view.file_effective(), Some(true));
    }

    // RHEL 6 and 7, Debian 9: "new_pp=%016llx new_pi=%016llx new_pe=%016llx"
    #[test]
    fn capability_sets_under_their_former_names() {
        let body =
            "fver=2 fp=400 fi=0 fe=1 old_pp=0 old_pi=0 old_pe=0 new_pp=400 new_pi=1 new_pe=401";
        let record = record(MessageType::BPRM_FCAPS, body);
        let view = record.as_file_capabilities().expect("a view");
        let set = |bits| Some(CapabilitySet::new(bits));
        assert_eq!((view.permitted(), view.inheritable()), (set(0x400), set(1)));
        assert_eq!(view.effective(), set(0x401));
        assert_eq!(record.interpret("new_pi").map(|it| it.to_string()).as_deref(), Some("chown"));
    }

    // `kernel/auditsc.c`, `show_special`: "fe=%d" of `audit_cap_data.fE`, which is 0 or 1
    #[test]
    fn the_effective_bit_of_a_file_is_a_bit() {
        let record = record(MessageType::BPRM_FCAPS, "fver=2 fp=1 fi=0 fe=1 old_pp=0");
        assert_eq!(record.as_file_capabilities().and_then(|it| it.file_effective()), Some(true));
        assert_eq!(record.interpret("fe"), Some(Interpretation::Bit(true)));
        assert_eq!(record.interpret("fe").map(|it| it.to_string()).as_deref(), Some("1"));
    }
}
