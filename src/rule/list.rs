//! The lists of the kernel's filter, and the actions of a rule.

use std::fmt;

use crate::macros::kernel_number;

/// Defines a newtype over the kernel's number with named constants.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident {
        $($constant:ident = $number:literal, $alias:literal, $text:literal, $what:literal;)*
    }) => {
        kernel_number! {
            $(#[$doc])*
            $name(u32)
        }

        impl $name {
            $(
                #[doc = $what]
                #[doc(alias = $alias)]
                pub const $constant: Self = Self($number);
            )*

            /// Returns the name that `auditctl` takes, or `None` for an unknown number.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }

            /// Returns the value with the name that `auditctl` takes.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$constant),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => f.pad_integral(true, "", &self.0.to_string()),
                }
            }
        }
    };
}

named! {
    /// The list that a rule is on.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FILTER_*`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::List;
    ///
    /// assert_eq!(List::from_name("exit"), Some(List::EXIT));
    /// assert_eq!(List::new(12).to_string(), "12");
    /// ```
    List {
        USER = 0, "AUDIT_FILTER_USER", "user", "Matches messages of user-space programs.";
        TASK = 1, "AUDIT_FILTER_TASK", "task", "Matches processes as they are created.";
        EXIT = 4, "AUDIT_FILTER_EXIT", "exit", "Matches system calls as they return.";
        EXCLUDE = 5, "AUDIT_FILTER_EXCLUDE", "exclude", "Drops records, with either action.";
        FILESYSTEM = 6, "AUDIT_FILTER_FS", "filesystem", "Drops path records of file systems; since Linux 4.13.";
        IO_URING = 7, "AUDIT_FILTER_URING_EXIT", "io_uring", "Matches io_uring operations; since Linux 5.16.";
    }
}

named! {
    /// What a rule does with what it matches.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_NEVER`, `AUDIT_ALWAYS`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::Action;
    ///
    /// assert_eq!(Action::from_name("never"), Some(Action::NEVER));
    /// assert_eq!(Action::ALWAYS.to_string(), "always");
    /// ```
    Action {
        NEVER = 0, "AUDIT_NEVER", "never", "Does not record.";
        POSSIBLE = 1, "AUDIT_POSSIBLE", "possible", "Refused by the kernel since 2.6.34.";
        ALWAYS = 2, "AUDIT_ALWAYS", "always", "Records.";
    }
}
