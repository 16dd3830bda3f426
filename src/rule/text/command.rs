//! What `auditctl` can be told to do.

use crate::rule::Rule;
use crate::setting::Setting;

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
    /// `-b`, `--backlog_wait_time`, `-r`, `-f`, `-e`: changes a setting.
    Set {
        /// The setting.
        setting: Setting,
        /// The kernel's number for its value.
        value: u32,
    },
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
