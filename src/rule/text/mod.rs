//! Rules and commands as text, in the language of `auditctl`.

mod command;
mod parse;
mod print;
mod values;
mod words;

pub use self::command::Command;
