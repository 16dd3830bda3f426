//! What can be wrong with the service that the kernel does.

use std::fmt;

use bitflags::bitflags;

bitflags! {
    /// What is wrong with the service: reasons why events may not be made, or not come here.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ServiceFaults: u32 {
        /// This process is not the audit daemon any more.
        const SLOT = 0x01;
        /// Auditing is off.
        const DISABLED = 0x02;
        /// The loaded rules are not those that were loaded when the watch began.
        const RULES = 0x04;
        /// A canary did not come back in time.
        const CANARY = 0x08;
        /// The kernel does not answer requests, so nobody knows.
        const REQUESTS = 0x10;
    }
}

/// The faults, what they are called in JSON, and what they mean.
const NAMES: [(ServiceFaults, &str, &str); 5] = [
    (ServiceFaults::SLOT, "slot", "this process is not the audit daemon any more"),
    (ServiceFaults::DISABLED, "disabled", "auditing is off"),
    (ServiceFaults::RULES, "rules", "the loaded rules have changed"),
    (ServiceFaults::CANARY, "canary", "a canary did not come back in time"),
    (ServiceFaults::REQUESTS, "requests", "the kernel does not answer requests"),
];

impl ServiceFaults {
    /// Iterates over the names that the JSON form uses, such as `slot`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(fault, ..)| self.contains(*fault)).map(|(_, name, _)| name)
    }
}

impl fmt::Display for ServiceFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (fault, _, meaning) in NAMES {
            if self.contains(fault) {
                write!(f, "{separator}{meaning}")?;
                separator = "; ";
            }
        }
        Ok(())
    }
}
