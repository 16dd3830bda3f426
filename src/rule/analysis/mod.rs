//! Analysis of rule sets: coverage, lints, merging, narrowing, and plans to load them.

mod coverage;
mod lint;
mod matching;
mod merge;
mod narrow;
mod plan;

pub(crate) use self::coverage::print_rows;
pub use self::coverage::{CallCoverage, Coverage, CoverageRow};
pub use self::lint::Lint;
pub use self::merge::Merged;
pub use self::plan::{Ownership, Plan, Step};
