//! What `auditctl` can be told to do.

use std::str::FromStr;

use super::parse;
use super::words::split;
use crate::rule::{Lookup, Nothing, Rule, RuleError};

/// One command of `auditctl`, or one line of a rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `-a`, `-A`, `-w`: adds a rule.
    Add(Rule),
    /// `-d`, `-W`: deletes a rule.
    Delete(Rule),
    /// `-D`: deletes all rules, or those with a key (`-k`).
    DeleteAll {
        /// The key, if one was given.
        key: Option<Vec<u8>>,
    },
    /// `-l`: lists all rules, or those with a key (`-k`).
    List {
        /// The key, if one was given.
        key: Option<Vec<u8>>,
    },
    /// `-s`: shows the status.
    Status,
    /// `-e`: turns auditing off (0) or on (1), or locks it (2).
    Enabled(u32),
    /// `-f`: sets the failure mode.
    Failure(u32),
    /// `-b`: sets the backlog limit.
    BacklogLimit(u32),
    /// `-r`: sets the rate limit.
    RateLimit(u32),
    /// `--backlog_wait_time`: sets the backlog wait time.
    BacklogWaitTime(u32),
    /// `--reset-lost`: resets the counter of lost records.
    ResetLost,
    /// `--reset_backlog_wait_time_actual`: resets the time that processes waited.
    ResetBacklogWaitTimeActual,
    /// `--loginuid-immutable`: no process may change its login user once it is set.
    LoginuidImmutable,
    /// `-m`: sends a user-space message.
    Message(String),
    /// `-q`: makes a subtree part of the watches on a mount point.
    MakeEquivalent {
        /// The mount point that is watched.
        mount: String,
        /// The subtree.
        subtree: String,
    },
    /// `-t`: drops watches of trees that are gone.
    Trim,
    /// `-c`: goes on after errors in the lines that follow, but fails at the end.
    ContinueOnErrors,
    /// `-i`: goes on after errors in the lines that follow.
    IgnoreErrors,
    /// `-R`: reads a file of rules.
    Load(String),
    /// `-v`: shows the version.
    Version,
}

impl Command {
    /// Reads the words of a command line, without the program's name.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the word that has no place, and what was expected.
    pub fn parse<S: AsRef<str>>(words: &[S], lookup: &dyn Lookup) -> Result<Self, RuleError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        parse::command(&words, lookup)
    }

    /// Reads a line of a rules file.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_line(line: &str, lookup: &dyn Lookup) -> Result<Self, RuleError> {
        let words: Vec<String> = split(line)?.into_iter().map(|word| word.text).collect();
        Self::parse(&words, lookup)
    }
}

impl FromStr for Command {
    type Err = RuleError;

    /// Reads a line, without users and groups by name; a path that `-w` watches is a directory if
    /// it ends in `/`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse_line(line, &Nothing)
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads a line that adds a rule: `-a`, `-A` or `-w`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        match line.parse()? {
            Command::Add(rule) => Ok(rule),
            _ => Err(RuleError::syntax(line, "a rule starts with -a, -A or -w")),
        }
    }
}
