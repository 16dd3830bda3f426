//! What the text of a rule refers to: users, groups and directories.

use crate::user_db::{NoLookup, UserDb};

/// Resolves what the text of a rule refers to.
///
/// Rules in the kernel hold the IDs of users and groups, and one field for a file and another one
/// for a directory; `auditctl` takes names, and one option `-w` for both.
/// [`host::UserNames`](crate::host::UserNames) looks at the running system; [`NoLookup`] at nothing.
pub trait Lookup: UserDb {
    /// Returns whether a path is a directory, so that `-w` watches the whole tree below it.
    ///
    /// Unless overridden, a path is a directory if it ends in `/`.
    fn is_directory(&self, path: &str) -> bool {
        path.ends_with('/')
    }
}

impl Lookup for NoLookup {}
