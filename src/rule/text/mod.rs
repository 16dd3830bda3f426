//! Rules and commands as text, in the syntax of `auditctl`.

mod command;
mod parse;
mod print;
mod tokenize;

pub use self::command::Command;
