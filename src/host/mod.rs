//! The running system: clock, `/proc`, privileges, users and groups, rules files.

pub(crate) mod clock;
pub(crate) mod privileges;
pub mod procfs;
mod rule_text;
mod rules_dir;
mod users;

pub(crate) use self::clock::Clock;
pub use self::users::UserNames;
