//! Rules and commands as text, in the language of `auditctl`.

mod parse;
mod print;
mod values;

pub use self::parse::Command;
