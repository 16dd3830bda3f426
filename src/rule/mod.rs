//! Rules: what the kernel shall record.
//!
//! A [`Rule`] is a value. It is made by a [`RuleBuilder`], read from text as `auditctl` takes it,
//! or read from the kernel's listing; it prints as `auditctl -l` prints.

mod analysis;
mod builder;
mod error;
mod field;
mod field_compare;
mod file;
mod lookup;
mod set;
mod suggest;
mod syscalls;
mod text;
mod validate;

use std::fmt;

pub(crate) use self::analysis::print_rows;
pub use self::analysis::{Coverage, CoverageRow, Lint, Merged, Ownership, Plan, Step, Watch};
pub use self::builder::{RuleBuilder, process_lifecycle};
pub use self::error::RuleError;
pub use self::field::{FieldId, Operator};
pub use self::file::{Line, RuleFileError, RuleFileErrors, RulesFile};
pub use self::lookup::Lookup;
pub use self::set::RuleSet;
pub use self::syscalls::SyscallMask;
pub use self::text::Command;
use crate::arch::Arch;
use crate::macros::kernel_number;

/// One rule of the kernel's filter.
///
/// Fields, lists and actions that have no name here are kept, so that every rule of a listing can
/// be printed and deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rule {
    /// The list that the rule is on.
    pub list: List,
    /// What the rule does.
    pub action: Action,
    /// Puts the rule before the others of its list; the kernel does not show it in a listing.
    pub prepend: bool,
    /// The calls that the rule applies to.
    pub syscalls: SyscallMask,
    /// What must hold, all of it, in this order.
    pub filters: Vec<Filter>,
    /// Text behind that of the known fields, which belongs to a field that is not known.
    pub tail: Vec<u8>,
}

impl Rule {
    /// The highest number of fields in a rule.
    #[doc(alias = "AUDIT_MAX_FIELDS")]
    pub const MAX_FIELDS: usize = 64;
    /// The greatest length in bytes of a rule's keys, joined.
    #[doc(alias = "AUDIT_MAX_KEY_LEN")]
    pub const MAX_KEY_LENGTH: usize = 256;

    /// Starts a rule that records calls as they return, the usual list.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::Rule;
    ///
    /// let rules = Rule::on_exit().syscall("connect").key("net").for_both_abis()?;
    /// assert_eq!(rules.iter().count(), if cfg!(target_arch = "x86_64") { 2 } else { rules.len() });
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub const fn on_exit() -> RuleBuilder {
        RuleBuilder::new(List::EXIT, Action::ALWAYS)
    }

    /// Starts a rule on any list.
    pub const fn on(list: List, action: Action) -> RuleBuilder {
        RuleBuilder::new(list, action)
    }

    /// Tells whether the kernel takes two rules for the same one.
    ///
    /// Where a rule stands on its list is not part of it, nor are the class bits of a rule for all
    /// calls, which the kernel clears.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let calls = |rule: &Self| {
            if rule.syscalls.is_all() { SyscallMask::ALL } else { rule.syscalls }
        };
        self.list == other.list
            && self.action == other.action
            && self.filters == other.filters
            && self.tail == other.tail
            && calls(self) == calls(other)
    }

    /// Iterates over the keys.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.filters
            .iter()
            .filter(|filter| filter.field == FieldId::KEY)
            .filter_map(|filter| match &filter.value {
                FilterValue::Text(text) => Some(text.split(|byte| *byte == KEY_SEPARATOR)),
                FilterValue::Number(_) => None,
            })
            .flatten()
    }

    /// Returns the machine that the rule is for; `None` if it is for all.
    #[must_use]
    pub fn arch(&self) -> Option<Arch> {
        self.filters.iter().find_map(|filter| match filter {
            Filter { field: FieldId::ARCH, operator: Operator::EQUAL, value } => match value {
                FilterValue::Number(number) => Some(Arch::new(*number)),
                FilterValue::Text(_) => None,
            },
            _ => None,
        })
    }
}

/// The byte between the keys of a rule that has several.
const KEY_SEPARATOR: u8 = 0x01;

/// One comparison of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the kernel's struct has these three arrays")]
pub struct Filter {
    /// What is compared.
    pub field: FieldId,
    /// How.
    pub operator: Operator,
    /// With what.
    pub value: FilterValue,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the kernel knows numbers and strings only")]
pub enum FilterValue {
    /// A number.
    Number(u32),
    /// Text, as bytes.
    Text(Vec<u8>),
}

impl From<u32> for FilterValue {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for FilterValue {
    fn from(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }
}

/// Defines a newtype over the kernel's number with named constants.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($constant:ident = $number:literal, $text:literal, $what:literal;)* }) => {
        kernel_number! {
            $(#[$doc])*
            $name(u32)
        }

        impl $name {
            $(
                #[doc = $what]
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

            /// Finds the value by the name that `auditctl` takes.
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
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

named! {
    /// The list that a rule is on.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_FILTER_*`.
    List {
        USER = 0, "user", "Looks at messages of user-space programs.";
        TASK = 1, "task", "Looks at processes as they are created.";
        EXIT = 4, "exit", "Looks at system calls as they return.";
        EXCLUDE = 5, "exclude", "Drops records, whatever the action says.";
        FILESYSTEM = 6, "filesystem", "Drops path records of whole file systems; since 4.13.";
        IO_URING = 7, "io_uring", "Looks at io_uring operations; since 5.16.";
    }
}

named! {
    /// What a rule does with what it matches.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_NEVER`, `AUDIT_ALWAYS`.
    Action {
        NEVER = 0, "never", "Does not record.";
        POSSIBLE = 1, "possible", "Refused by every kernel since 2.6.34.";
        ALWAYS = 2, "always", "Records.";
    }
}
