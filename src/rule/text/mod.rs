//! Rules and commands as text, in the syntax of `auditctl`.

mod command;
mod options;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod tokenize;

pub use self::command::Command;
