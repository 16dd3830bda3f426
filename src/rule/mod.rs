//! Rules, which select what the kernel records.
//!
//! A [`Rule`] is a value. A [`RuleBuilder`] builds it, [`FromStr`](std::str::FromStr) parses it from
//! text as `auditctl` takes it, and [`Control::rules`](crate::Control::rules) lists those of the kernel.
//! It prints as `auditctl -l` does.

mod analysis;
mod builder;
#[cfg(test)]
mod builder_tests;
mod code_loading;
mod error;
mod field;
mod field_compare;
mod file;
mod filter_value;
mod list;
mod lookup;
mod operator;
mod permission_calls;
mod permissions;
pub(crate) mod rule;
pub(crate) mod set;
mod suggest;
mod syscalls;
mod text;
mod validate;
mod value;

pub(crate) use self::analysis::print_rows;
pub use self::analysis::{
    CallCoverage, Coverage, CoverageRow, Lint, Merged, Ownership, Plan, Step,
};
pub use self::builder::{RuleBuilder, process_lifecycle};
pub use self::code_loading::code_loading;
pub use self::error::RuleError;
pub use self::field::FieldId;
pub use self::file::{RuleFileError, RuleFileErrors, RuleFileLine, RulesFile};
pub use self::filter_value::FilterValue;
pub use self::list::{Action, List};
pub use self::lookup::Lookup;
pub use self::operator::Operator;
pub use self::permissions::Permissions;
pub use self::rule::Filter;
pub(crate) use self::rule::Rule;
pub(crate) use self::set::RuleSet;
pub use self::syscalls::SyscallMask;
pub use self::text::Command;
