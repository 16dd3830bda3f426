//! What a set of rules does: coverage, lints, merging, and plans to load it.

mod coverage;
mod lint;
mod merge;
mod plan;

pub(crate) use self::coverage::print_rows;
pub use self::coverage::{Coverage, CoverageRow, Watch};
pub use self::lint::Lint;
pub use self::merge::Merged;
pub use self::plan::{Ownership, Plan, Step};
