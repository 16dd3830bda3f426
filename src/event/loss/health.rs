//! What can be wrong with the service that the kernel does.

use std::fmt;

use bitflags::bitflags;

bitflags! {
    /// What is wrong with the service: reasons why events may not be made, or not come here.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct HealthFaults: u32 {
        /// This process is not the audit daemon any more.
        const REGISTRATION = 0x01;
        /// Auditing is off.
        const DISABLED = 0x02;
        /// The loaded rules are not those that were loaded when the watch began.
        const RULES = 0x04;
        /// A heartbeat did not come back in time.
        const HEARTBEAT = 0x08;
        /// The kernel does not answer requests, so nobody knows.
        const REQUESTS = 0x10;
    }
}

/// The faults, what they are called in JSON, and what they mean.
const NAMES: [(HealthFaults, &str, &str); 5] = [
    (HealthFaults::REGISTRATION, "registration", "this process is not the audit daemon any more"),
    (HealthFaults::DISABLED, "disabled", "auditing is off"),
    (HealthFaults::RULES, "rules", "the loaded rules have changed"),
    (HealthFaults::HEARTBEAT, "heartbeat", "a heartbeat did not come back in time"),
    (HealthFaults::REQUESTS, "requests", "the kernel does not answer requests"),
];

impl HealthFaults {
    /// Iterates over the names that the JSON form uses, such as `registration`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(fault, ..)| self.contains(*fault)).map(|(_, name, _)| name)
    }
}

impl fmt::Display for HealthFaults {
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
