//! What can be wrong with a rule before the kernel sees it.

use thiserror::Error;

use super::FieldId;
use crate::arch::Arch;

/// Says why a rule cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The machine has no call of this name.
    #[error(
        "{arch} has no system call named {name:?}: correct the name, or leave it out for this arch"
    )]
    UnknownSyscall {
        /// The name.
        name: String,
        /// The machine.
        arch: Arch,
    },
    /// None of the machine's interfaces has a call of this name.
    #[error(
        "no system call is named {0:?} on this machine, neither 64-bit nor 32-bit: correct the name"
    )]
    UnknownSyscallEverywhere(String),
    /// The number cannot be reached by a rule.
    #[error("system call {0} is out of a rule's reach: the highest number is 2031")]
    SyscallOutOfReach(u32),
    /// The machine that this crate was compiled for has no name in the audit tables.
    #[error("this machine's architecture is not known: give arch= as a number")]
    UnknownMachine,
    /// The rule names its machine twice.
    #[error("the rule already names an arch: leave it out where both interfaces are wanted")]
    ArchGiven,
    /// More than 64 fields.
    #[error("a rule has at most 64 fields, this one has {0}: split it")]
    TooManyFields(usize),
    /// A field's value is not possible.
    #[error("{field} cannot be {value:?}: {expected}")]
    Value {
        /// The field.
        field: FieldId,
        /// The value as it was given.
        value: String,
        /// What would be possible.
        expected: &'static str,
    },
    /// A word that has no place in a rule.
    #[error("{word:?}: {expected}")]
    Syntax {
        /// The word.
        word: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl RuleError {
    pub(super) fn value(field: FieldId, value: &str, expected: &'static str) -> Self {
        Self::Value { field, value: value.to_owned(), expected }
    }

    pub(super) fn syntax(word: &str, expected: &'static str) -> Self {
        Self::Syntax { word: word.to_owned(), expected }
    }
}
