//! What `auditctl` can be told to do.

use crate::rule::Rule;

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
