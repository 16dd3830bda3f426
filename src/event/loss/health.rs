//! Faults of the audit system, which a watchdog finds.

use std::fmt;

use bitflags::bitflags;

bitflags! {
    /// Faults of the audit system: reasons why events may not be recorded, or not reach this
    /// process.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::event::HealthFaults;
    ///
    /// let faults = HealthFaults::DISABLED | HealthFaults::RULES;
    /// assert_eq!(faults.names().collect::<Vec<_>>(), ["disabled", "rules"]);
    /// assert_eq!(faults.to_string(), "auditing is off; the loaded rules have changed");
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct HealthFaults: u32 {
        /// This process has lost its registration as the audit daemon.
        const REGISTRATION = 0x01;
        /// Auditing is off.
        const DISABLED = 0x02;
        /// Expected rules are not loaded, or a new one suppresses records of them.
        const RULES = 0x04;
        /// A heartbeat did not return in time.
        const HEARTBEAT = 0x08;
        /// The kernel does not answer requests, so its state is not known.
        const REQUESTS = 0x10;
        /// A file or directory that a rule names was replaced: what is done with the former one may not
        /// be recorded any more, nor what was done with the new one before it was noticed.
        const FILES = 0x20;
    }
}

/// The faults with their names in JSON and their meanings.
const NAMES: [(HealthFaults, &str, &str); 6] = [
    (
        HealthFaults::REGISTRATION,
        "registration",
        "this process has lost its registration as the audit daemon",
    ),
    (HealthFaults::DISABLED, "disabled", "auditing is off"),
    (HealthFaults::RULES, "rules", "the loaded rules have changed"),
    (HealthFaults::HEARTBEAT, "heartbeat", "a heartbeat did not return in time"),
    (HealthFaults::REQUESTS, "requests", "the kernel does not answer requests"),
    (HealthFaults::FILES, "files", "a file or directory that a rule names was replaced"),
];

impl HealthFaults {
    /// Iterates over the names that the JSON form uses, such as `registration`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(fault, ..)| self.contains(*fault)).map(|(_, name, _)| name)
    }
}

/// Prints the meanings of the faults, separated by semicolons.
impl fmt::Display for HealthFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meanings = NAMES.iter().filter(|(fault, ..)| self.contains(*fault));
        let meanings: Vec<_> = meanings.map(|(_, _, meaning)| *meaning).collect();
        f.pad(&meanings.join("; "))
    }
}
