//! Rules, which select what the kernel records.
//!
//! A [`Rule`] is a value. A [`RuleBuilder`] builds it, [`FromStr`](std::str::FromStr) parses it from
//! text as `auditctl` takes it, and [`Control::rules`](crate::Control::rules) lists those of the kernel.
//! It prints as `auditctl -l` does.

mod analysis;
mod builder;
mod error;
mod field;
mod field_compare;
mod file;
mod lookup;
mod operator;
mod permissions;
pub(crate) mod set;
mod suggest;
mod syscalls;
mod text;
mod validate;
mod value;

use std::fmt;

pub(crate) use self::analysis::print_rows;
pub use self::analysis::{
    CallCoverage, Coverage, CoverageRow, Lint, Merged, Ownership, Plan, Step,
};
pub use self::builder::{RuleBuilder, process_lifecycle};
pub use self::error::RuleError;
pub use self::field::FieldId;
pub use self::file::{RuleFileError, RuleFileErrors, RuleFileLine, RulesFile};
pub use self::lookup::Lookup;
pub use self::operator::Operator;
pub use self::permissions::Permissions;
pub(crate) use self::set::RuleSet;
pub use self::syscalls::SyscallMask;
pub use self::text::Command;
use crate::arch::Arch;
use crate::macros::kernel_number;

/// One rule of the kernel's filter.
///
/// Unknown fields, lists and actions are kept by number, so that every rule of a listing can be
/// printed and deleted.
///
/// # Examples
///
/// ```
/// use auditlink::Rule;
/// use auditlink::arch::Arch;
///
/// let rule: Rule = "-a always,exit -F arch=aarch64 -S execve -F auid>=1000 -k run".parse()?;
/// assert_eq!(rule.arch(), Some(Arch::AARCH64));
/// assert!(rule.keys().eq([b"run"]));
/// assert_eq!(
///     rule.to_string(),
///     "-a always,exit -F arch=aarch64 -S execve -F auid>=1000 -F key=run"
/// );
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
#[doc(alias = "audit_rule_data")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rule {
    /// The list that the rule is on.
    pub list: List,
    /// What the rule does.
    pub action: Action,
    /// Whether the rule is added before the others of its list; a listing of the kernel does not
    /// contain it.
    pub prepend: bool,
    /// The system calls that the rule matches.
    pub syscalls: SyscallMask,
    /// The conditions, all of which must hold.
    pub filters: Vec<Filter>,
    /// Text after that of the known fields, which belongs to an unknown field.
    pub tail: Vec<u8>,
}

impl Rule {
    /// The maximum number of fields in a rule.
    #[doc(alias = "AUDIT_MAX_FIELDS")]
    pub const MAX_FIELDS: usize = 64;
    /// The maximum length of a rule's keys in bytes, with the separators.
    #[doc(alias = "AUDIT_MAX_KEY_LEN")]
    pub const MAX_KEY_LENGTH: usize = 256;

    /// Starts a rule on the list `exit`, which records system calls as they return.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::Rule;
    ///
    /// let rules = Rule::on_exit().syscall("connect").key("net").for_both_abis()?;
    /// assert!(rules.iter().all(|rule| rule.arch().is_some() && rule.keys().eq([b"net"])));
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub const fn on_exit() -> RuleBuilder {
        RuleBuilder::new(List::EXIT, Action::ALWAYS)
    }

    /// Starts a rule on any list.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::{Action, FieldId, List, Operator, Rule};
    ///
    /// let rule = Rule::builder(List::EXCLUDE, Action::ALWAYS)
    ///     .filter(FieldId::MSGTYPE, Operator::EQUAL, 1327)
    ///     .build()?;
    /// assert_eq!(rule.to_string(), "-a always,exclude -F msgtype=PROCTITLE");
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub const fn builder(list: List, action: Action) -> RuleBuilder {
        RuleBuilder::new(list, action)
    }

    /// Returns whether the kernel considers two rules the same.
    ///
    /// The position on the list is not compared, nor are the class bits of a rule for all system
    /// calls, which the kernel clears.
    ///
    /// Source: `kernel/auditfilter.c`, `audit_compare_rule`.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let syscalls = |rule: &Self| {
            if rule.syscalls.is_all() { SyscallMask::ALL } else { rule.syscalls }
        };
        self.list == other.list
            && self.action == other.action
            && self.filters == other.filters
            && self.tail == other.tail
            && syscalls(self) == syscalls(other)
    }

    /// Iterates over the keys, which mark the events of the rule.
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

    /// Returns the architecture that the rule is for; `None` if it is for all.
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

/// The byte between the keys of a rule, `AUDIT_KEY_SEPARATOR` of libaudit.
const KEY_SEPARATOR: u8 = 0x01;

/// One condition of a rule: a field, an operator and a value.
///
/// It prints as `auditctl -F` takes it.
///
/// # Examples
///
/// ```
/// use auditlink::rule::{FieldId, Filter, FilterValue, Operator, Rule};
///
/// let rule: Rule = "-a always,exit -S openat -F exit=-EACCES".parse()?;
/// let exit = Filter {
///     field: FieldId::EXIT,
///     operator: Operator::EQUAL,
///     value: FilterValue::Number((-13_i32).cast_unsigned()),
/// };
/// assert_eq!(rule.filters, [exit]);
/// assert_eq!(rule.filters[0].to_string(), "exit=-EACCES");
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the kernel's struct has these three arrays")]
pub struct Filter {
    /// The field that is compared.
    pub field: FieldId,
    /// How it is compared.
    pub operator: Operator,
    /// The value that it is compared with.
    pub value: FilterValue,
}

/// The value that a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the kernel has numbers and strings only")]
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

impl From<Permissions> for FilterValue {
    fn from(permissions: Permissions) -> Self {
        Self::Number(permissions.bits())
    }
}

impl From<&str> for FilterValue {
    fn from(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }
}

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
