//! What the text of a rule refers to: users, groups and directories.

use crate::user_db::{NoLookup, UserDb};

/// Resolves what the text of a rule refers to.
///
/// Text can contain the names of users and groups, and `-w` watches a file or a directory; a rule in
/// the kernel contains IDs, and has different fields for files and directories.
/// [`host::UserNames`](crate::host::UserNames) resolves both on the running system, as
/// [`FromStr`](std::str::FromStr) of a rule does; [`NoLookup`] resolves no name.
///
/// # Examples
///
/// ```
/// use auditlink::rule::{Command, Lookup};
/// use auditlink::user_db::UserDb;
///
/// struct OneUser;
///
/// impl UserDb for OneUser {
///     fn user_id(&self, name: &str) -> Option<u32> {
///         (name == "alice").then_some(1000)
///     }
/// }
///
/// impl Lookup for OneUser {}
///
/// let command = Command::parse_line("-a always,exit -F auid=alice", &OneUser)?;
/// assert_eq!(command, "-a always,exit -F auid=1000".parse()?);
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
pub trait Lookup: UserDb {
    /// Returns whether a path is a directory, so that `-w` watches the whole tree below it; `None` if
    /// it is not known, which makes `-w` an error.
    ///
    /// Unless overridden, a path is a directory if it ends in `/`, and not known otherwise.
    fn is_directory(&self, path: &str) -> Option<bool> {
        path.ends_with('/').then_some(true)
    }
}

impl Lookup for NoLookup {}
