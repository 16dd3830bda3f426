//! The machine that the program runs on: its clock, `/proc`, users and groups, rules files.

mod clock;
pub mod procfs;
mod rules_dir;
mod users;

pub(crate) use self::clock::Clock;
pub use self::users::UserNames;
