//! The kernel's settings: one table of their names, options and bits.

/// Defines [`Setting`] from the table of the settings.
macro_rules! settings {
    ($(
        $(#[$doc:meta])*
        $setting:ident {
            name: $name:literal,
            option: $option:literal,
            mask: $mask:literal,
            max: $max:expr,
            change: $change:literal,
        }
    )*) => {
        /// A setting of the kernel, as auditctl(8) changes it.
        ///
        /// # Examples
        ///
        /// ```
        /// use auditlink::control::Setting;
        ///
        /// assert_eq!(Setting::RateLimit.name(), "rate_limit");
        /// assert_eq!(Setting::RateLimit.option(), "-r");
        /// assert_eq!(Setting::from_option("-r"), Some(Setting::RateLimit));
        /// ```
        ///
        /// Source: `include/uapi/linux/audit.h`, `AUDIT_STATUS_*`.
        #[doc(alias = "AUDIT_SET")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Setting {
            $($(#[$doc])* $setting,)*
        }

        impl Setting {
            /// All settings, in the order in which they are changed: limits come before auditing is
            /// enabled.
            pub const ALL: &[Self] = &[$(Self::$setting),*];

            /// Returns the name of the status field, which the JSON form uses too, such as
            /// `backlog_limit`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$setting => $name,)*
                }
            }

            /// Returns the option of auditctl(8), such as `-b`.
            #[must_use]
            pub const fn option(self) -> &'static str {
                match self {
                    $(Self::$setting => $option,)*
                }
            }

            /// Returns the greatest value that the kernel may accept.
            #[must_use]
            pub const fn max(self) -> u32 {
                match self {
                    $(Self::$setting => $max,)*
                }
            }

            /// Returns the bit that selects the setting in a request.
            pub(crate) const fn mask(self) -> u32 {
                match self {
                    $(Self::$setting => $mask,)*
                }
            }

            /// Returns what changing it is called in errors, such as `set the backlog limit`.
            pub(crate) const fn change(self) -> &'static str {
                match self {
                    $(Self::$setting => $change,)*
                }
            }
        }
    };
}

settings! {
    /// The number of records that the kernel queues for the daemon; 0 for no limit.
    #[doc(alias = "AUDIT_STATUS_BACKLOG_LIMIT")]
    BacklogLimit {
        name: "backlog_limit",
        option: "-b",
        mask: 0x10,
        max: u32::MAX,
        change: "set the backlog limit",
    }
    /// How long a process may have to wait for room in the queue, in kernel ticks (jiffies). Since
    /// kernel 3.14.
    #[doc(alias = "AUDIT_STATUS_BACKLOG_WAIT_TIME")]
    BacklogWaitTime {
        name: "backlog_wait_time",
        option: "--backlog_wait_time",
        mask: 0x20,
        max: u32::MAX,
        change: "set the backlog wait time",
    }
    /// The number of records per second that the kernel accepts; 0 for no limit.
    #[doc(alias = "AUDIT_STATUS_RATE_LIMIT")]
    RateLimit {
        name: "rate_limit",
        option: "-r",
        mask: 0x08,
        max: u32::MAX,
        change: "set the rate limit",
    }
    /// What the kernel does when it cannot record: a
    /// [`FailureMode`](crate::wire::status::FailureMode).
    #[doc(alias = "AUDIT_STATUS_FAILURE")]
    Failure {
        name: "failure",
        option: "-f",
        mask: 0x02,
        max: 2,
        change: "set the failure mode",
    }
    /// Whether auditing is on: an [`Enabled`](crate::wire::status::Enabled).
    #[doc(alias = "AUDIT_STATUS_ENABLED")]
    Enabled {
        name: "enabled",
        option: "-e",
        mask: 0x01,
        max: 2,
        change: "enable or disable auditing",
    }
}

impl Setting {
    /// Returns the setting that an option of auditctl(8) changes.
    #[must_use]
    pub fn from_option(option: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.option() == option)
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_names_and_bits_are_unique() {
        for (index, setting) in Setting::ALL.iter().enumerate() {
            assert_eq!(*setting as usize, index);
            assert_eq!(Setting::from_option(setting.option()), Some(*setting));
            for other in &Setting::ALL[..index] {
                assert_ne!(setting.name(), other.name());
                assert_eq!(setting.mask() & other.mask(), 0);
            }
        }
        assert_eq!(Setting::from_option("-x"), None);
    }
}
