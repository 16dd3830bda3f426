//! Analysis of rule sets: coverage, lints, merging, and plans to load them.

mod coverage;
mod lint;
mod merge;
mod plan;

pub(crate) use self::coverage::print_rows;
pub use self::coverage::{CallCoverage, Coverage, CoverageRow};
pub use self::lint::Lint;
pub use self::merge::Merged;
pub use self::plan::{Ownership, Plan, Step};
