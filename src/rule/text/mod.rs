//! Rules and commands as text, in the language of `auditctl`.

mod command;
mod parse;
mod print;
mod tokenize;
mod values;

pub use self::command::Command;
