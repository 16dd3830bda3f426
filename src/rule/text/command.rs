//! The commands of `auditctl`.

use crate::constants::Signal;
use crate::rule::Rule;
use crate::setting::Setting;

/// One command of `auditctl`, or one line of a rules file.
///
/// [`FromStr`](std::str::FromStr) looks up the names of users and groups, and what `-w` watches, on
/// this machine, as `auditctl` does; [`Command::parse_line`] takes any [`Lookup`](super::super::Lookup).
///
/// # Examples
///
/// ```
/// use auditlink::control::Setting;
/// use auditlink::rule::Command;
///
/// assert_eq!("-b 8192".parse(), Ok(Command::Set(vec![(Setting::BacklogLimit, 8192)])));
/// assert_eq!("-D -k mine".parse(), Ok(Command::DeleteAll { key: Some(b"mine".to_vec()) }));
/// let add: Command = "-w /etc/passwd -p wa -k id".parse()?;
/// assert!(matches!(add, Command::Add(rule) if rule.keys().eq([b"id"])));
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
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
        /// Whether values are interpreted (`-i`).
        interpreted: bool,
    },
    /// `-s`: shows the status.
    Status {
        /// Whether values are interpreted (`-i`).
        interpreted: bool,
    },
    /// `-b`, `--backlog_wait_time`, `-r`, `-f`, `-e`: changes settings, each to the kernel's number
    /// for its value, in this order.
    Set(Vec<(Setting, u32)>),
    /// `--reset-lost`: resets the counter of lost records.
    ResetLost,
    /// `--reset_backlog_wait_time_actual`: resets the counter of the time that processes waited
    /// for room in the backlog.
    ResetBacklogWaitTimeActual,
    /// `--loginuid-immutable`: makes the login user of a process immutable once it is set.
    LoginuidImmutable,
    /// `-m`: sends a user-space message.
    Message(String),
    /// `-q`: extends the watches on a mount point to a subtree.
    MakeEquivalent {
        /// The mount point that is watched.
        mount: String,
        /// The subtree.
        subtree: String,
    },
    /// `-t`: removes the watches of trees that no longer exist.
    Trim,
    /// `-c`: continues after errors in the lines that follow, but fails at the end.
    ContinueOnErrors,
    /// `-i`: ignores errors in the lines that follow.
    IgnoreErrors,
    /// `-R`: reads a rules file.
    Load(String),
    /// `--signal`: sends a signal to the audit daemon.
    Signal(Signal),
    /// `-v`: shows the version.
    Version,
    /// `-h`: shows the usage.
    Help,
}
