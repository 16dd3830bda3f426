//! A rule and its parts.

use super::field::FieldId;
use super::filter_value::{FilterValue, MAX_KEY_LENGTH};
use super::list::{Action, List};
use super::operator::Operator;
use super::syscalls::SyscallMask;
use crate::arch::Arch;

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
    pub const MAX_KEY_LENGTH: usize = MAX_KEY_LENGTH;

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

    /// Returns the architecture whose names of system calls the text of a rule has.
    pub(super) fn last_arch(filters: &[Filter]) -> Option<Arch> {
        filters.iter().rev().find_map(|filter| match filter {
            Filter { field: FieldId::ARCH, value: FilterValue::Number(number), .. } => {
                Some(Arch::new(*number))
            }
            _ => None,
        })
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
pub(super) const KEY_SEPARATOR: u8 = 0x01;

/// One condition of a rule: a field, an operator and a value.
///
/// It prints as `auditctl -F` takes it.
///
/// # Examples
///
/// ```
/// use auditlink::Rule;
/// use auditlink::rule::{FieldId, Filter, FilterValue, Operator};
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
