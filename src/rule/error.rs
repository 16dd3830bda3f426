//! What can be wrong with a rule before the kernel sees it.

use thiserror::Error;

use super::{FieldId, List};
use crate::arch::Arch;

/// Says why a rule cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The machine has no call of this name.
    #[error("{arch} has no system call named {name:?}{}", meant(.guess.as_deref()))]
    UnknownSyscall {
        /// The name.
        name: String,
        /// The machine.
        arch: Arch,
        /// The nearest name that the machine has.
        guess: Option<String>,
    },
    /// None of the machine's interfaces has a call of this name.
    #[error(
        "neither the 64-bit nor the 32-bit interface of this machine has a system call named \
         {name:?}{}",
        meant(.guess.as_deref())
    )]
    UnknownSyscallEverywhere {
        /// The name.
        name: String,
        /// The nearest name that the machine has.
        guess: Option<String>,
    },
    /// io_uring has no operation of this name.
    #[error("io_uring has no operation named {name:?}{}", meant(.guess.as_deref()))]
    UnknownOperation {
        /// The name.
        name: String,
        /// The nearest name that there is.
        guess: Option<String>,
    },
    /// The number cannot be reached by a rule.
    #[error("system call {0} is out of a rule's reach: the highest number is 2031")]
    SyscallOutOfReach(u32),
    /// System calls are named on a list that knows none.
    #[error("the {0} list knows no system calls: leave -S out")]
    NoSyscalls(List),
    /// The machine that this crate was compiled for has no name in the audit tables.
    #[error("this machine's architecture is not known: give arch= as a number")]
    UnknownMachine,
    /// The rule names its machine twice.
    #[error("the rule already names an arch: leave it out where both interfaces are wanted")]
    ArchGiven,
    /// More than 64 fields.
    #[error("a rule has at most 64 fields, this one has {0}: split it")]
    TooManyFields(usize),
    /// A field or operator has no place on this list.
    #[error("{field}: {expected}")]
    Place {
        /// The field.
        field: FieldId,
        /// What would be possible.
        expected: &'static str,
    },
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
    #[error("{word:?}: {expected}{}", meant(.guess.as_deref()))]
    Syntax {
        /// The word.
        word: String,
        /// What was expected.
        expected: &'static str,
        /// The nearest name that would be right.
        guess: Option<String>,
    },
}

/// Words a guess.
fn meant(guess: Option<&str>) -> String {
    guess.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl RuleError {
    pub(super) fn value(field: FieldId, value: &str, expected: &'static str) -> Self {
        Self::Value { field, value: value.to_owned(), expected }
    }

    pub(super) fn syntax(word: &str, expected: &'static str) -> Self {
        Self::Syntax { word: word.to_owned(), expected, guess: None }
    }

    /// Adds the nearest name that would be right.
    pub(super) fn guess(mut self, nearest: Option<&str>) -> Self {
        if let Self::Syntax { guess, .. }
        | Self::UnknownSyscall { guess, .. }
        | Self::UnknownSyscallEverywhere { guess, .. }
        | Self::UnknownOperation { guess, .. } = &mut self
        {
            *guess = nearest.map(str::to_owned);
        }
        self
    }

    /// Returns the text that is wrong, as it stands in the line; empty if it is the line itself.
    pub(super) fn wrong(&self) -> String {
        match self {
            Self::UnknownSyscall { name, .. }
            | Self::UnknownSyscallEverywhere { name, .. }
            | Self::UnknownOperation { name, .. } => name.clone(),
            Self::SyscallOutOfReach(number) => number.to_string(),
            Self::Place { field, .. } => field.to_string(),
            Self::Value { field, .. } => field.to_string(),
            Self::Syntax { word, .. } => word.clone(),
            Self::NoSyscalls(_) => "-S".to_owned(),
            Self::UnknownMachine | Self::ArchGiven | Self::TooManyFields(_) => String::new(),
        }
    }
}
