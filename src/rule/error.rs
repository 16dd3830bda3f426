//! Errors in a rule, found before the kernel sees it.

use thiserror::Error;

use super::field::FieldSpec;
use super::{FieldId, List, Operator};
use crate::arch::Arch;

/// The error of a rule, or of the text of a command.
///
/// `Display` names the option, field or value, then the cause; what may help is separate, in
/// [`remedy`](Self::remedy).
///
/// # Examples
///
/// ```
/// use auditlink::rule::{Command, RuleError};
///
/// let error = |line: &str| line.parse::<Command>().expect_err("an error").to_string();
/// assert_eq!(error("-b"), "-b requires a number");
/// assert_eq!(error("-b many"), "invalid value 'many' for -b: expected a number");
/// assert_eq!(error("--reset-lots"), "unknown option '--reset-lots'; did you mean '--reset-lost'?");
/// assert_eq!(
///     error("-a always,exit -F path=etc"),
///     "invalid value 'etc' for path: expected an absolute path"
/// );
/// assert_eq!(RuleError::TooManyFields(65).remedy(), Some("split the rule"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The architecture has no system call of this name.
    #[error("{arch} has no system call '{}'{}", .name.escape_debug(), did_you_mean(.suggestion))]
    UnknownSyscall {
        /// The name.
        name: String,
        /// The architecture.
        arch: Arch,
        /// The nearest name that the architecture has.
        suggestion: Option<String>,
    },
    /// None of the machine's interfaces has a system call of this name.
    #[error(
        "neither the 64-bit nor the 32-bit interface of this machine has a system call '{}'{}",
        .name.escape_debug(), did_you_mean(.suggestion)
    )]
    UnknownSyscallEverywhere {
        /// The name.
        name: String,
        /// The nearest name that the machine has.
        suggestion: Option<String>,
    },
    /// io_uring has no operation of this name.
    #[error("io_uring has no operation '{}'{}", .name.escape_debug(), did_you_mean(.suggestion))]
    UnknownOperation {
        /// The name.
        name: String,
        /// The nearest name of an operation.
        suggestion: Option<String>,
    },
    /// The number of the system call is above [`SyscallMask::MAX`](super::SyscallMask::MAX).
    #[error("system call {0} cannot be matched by any rule: the highest number is 2031")]
    SyscallOutOfRange(u32),
    /// System calls are named on a list that does not match system calls.
    #[error("-S cannot be used on the {0} list")]
    NoSyscalls(List),
    /// The architecture that this crate was compiled for has no audit number.
    #[error("the architecture of this machine is unknown")]
    UnknownArch,
    /// The lookup does not know whether this watched path is a directory.
    #[error("'{}': whether it is a file or a directory must be looked up", .0.escape_debug())]
    NeedsLookup(String),
    /// The rule names its architecture already.
    #[error("arch cannot be given for a rule on both interfaces")]
    ArchGiven,
    /// More than [`Rule::MAX_FIELDS`](super::Rule::MAX_FIELDS) fields.
    #[error("a rule has at most 64 fields, this one has {0}")]
    TooManyFields(usize),
    /// The kernel does not evaluate the field on this list.
    #[error("{field} cannot be used on the {list} list{}", only_on(.field.spec()))]
    FieldNotOnList {
        /// The field.
        field: FieldId,
        /// The list.
        list: List,
    },
    /// The field does not take this operator.
    #[error("{field} does not take the operator {operator}{}", only_signs(.field.spec()))]
    OperatorNotAllowed {
        /// The field.
        field: FieldId,
        /// The operator.
        operator: Operator,
    },
    /// No field has this name.
    #[error("unknown field '{}'{}", .name.escape_debug(), did_you_mean(.suggestion))]
    UnknownField {
        /// The name.
        name: String,
        /// The nearest name of a field.
        suggestion: Option<String>,
    },
    /// The value of a field is invalid.
    #[error("invalid value '{}' for {field}: {reason}", .value.escape_debug())]
    Value {
        /// The field.
        field: FieldId,
        /// The value as it was given.
        value: String,
        /// What is wrong, or what was expected.
        reason: &'static str,
    },
    /// No command of `auditctl` has this option.
    #[error("unknown option '{}'{}", .option.escape_debug(), did_you_mean(.suggestion))]
    UnknownOption {
        /// The option.
        option: String,
        /// The nearest option.
        suggestion: Option<String>,
    },
    /// The argument of an option is missing.
    #[error("{option} requires {argument}")]
    MissingArgument {
        /// The option.
        option: String,
        /// What the option requires, such as `a number`.
        argument: &'static str,
    },
    /// The argument of an option is invalid.
    #[error("invalid value '{}' for {option}: {reason}", .value.escape_debug())]
    InvalidArgument {
        /// The option.
        option: String,
        /// The argument as it was given.
        value: String,
        /// What is wrong, or what was expected.
        reason: &'static str,
    },
    /// Text that cannot stand where it does.
    #[error("'{}': {reason}", .text.escape_debug())]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean '{name}'?"))
}

fn only_on(spec: Option<&FieldSpec>) -> String {
    spec.map_or_else(String::new, |spec| format!(", only on: {}", spec.lists))
}

fn only_signs(spec: Option<&FieldSpec>) -> String {
    spec.map_or_else(String::new, |spec| format!(", only {}", spec.operators.signs()))
}

impl RuleError {
    /// Returns what may help, where something general does.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NoSyscalls(_) => Some("remove the system calls"),
            Self::UnknownArch => Some("give arch as a number"),
            Self::ArchGiven => Some("remove arch, or build a rule for this interface only"),
            Self::TooManyFields(_) => Some("split the rule"),
            Self::UnknownSyscall { .. } => {
                Some("use the name that this architecture has for the call, or remove it")
            }
            Self::NeedsLookup(_) => Some(
                "parse it with host::UserNames, end the path of a directory in /, or use -F path= or -F dir=",
            ),
            Self::Value { field, .. } if field.names_ids() => {
                Some("use a number, or a Lookup that finds the name, such as host::UserNames")
            }
            Self::UnknownSyscallEverywhere { .. }
            | Self::UnknownOperation { .. }
            | Self::SyscallOutOfRange(_)
            | Self::FieldNotOnList { .. }
            | Self::OperatorNotAllowed { .. }
            | Self::UnknownField { .. }
            | Self::Value { .. }
            | Self::UnknownOption { .. }
            | Self::MissingArgument { .. }
            | Self::InvalidArgument { .. }
            | Self::Syntax { .. } => None,
        }
    }

    pub(super) fn value(field: FieldId, value: &str, reason: &'static str) -> Self {
        Self::Value { field, value: value.to_owned(), reason }
    }

    pub(super) fn missing(option: &str, argument: &'static str) -> Self {
        Self::MissingArgument { option: option.to_owned(), argument }
    }

    pub(super) fn argument(option: &str, value: &str, reason: &'static str) -> Self {
        Self::InvalidArgument { option: option.to_owned(), value: value.to_owned(), reason }
    }

    pub(super) fn syntax(text: &str, reason: &'static str) -> Self {
        Self::Syntax { text: text.to_owned(), reason }
    }

    /// Returns the text in the line that is wrong; empty if it is the line itself.
    pub(super) fn wrong_text(&self) -> String {
        match self {
            Self::UnknownSyscall { name, .. }
            | Self::UnknownSyscallEverywhere { name, .. }
            | Self::UnknownOperation { name, .. }
            | Self::UnknownField { name, .. } => name.clone(),
            Self::SyscallOutOfRange(number) => number.to_string(),
            Self::FieldNotOnList { field, .. }
            | Self::OperatorNotAllowed { field, .. }
            | Self::Value { field, .. } => field.to_string(),
            Self::UnknownOption { option, .. } | Self::MissingArgument { option, .. } => {
                option.clone()
            }
            Self::InvalidArgument { value, .. } => value.clone(),
            Self::Syntax { text, .. } | Self::NeedsLookup(text) => text.clone(),
            Self::NoSyscalls(_) => "-S".to_owned(),
            Self::UnknownArch | Self::ArchGiven | Self::TooManyFields(_) => String::new(),
        }
    }
}
