//! What the text of a rule refers to outside of itself.

/// Answers what the text of a rule refers to: users, groups, and whether a path is a directory.
///
/// The kernel's rules know numbers only. [`link::System`](crate::host::SystemLookup) asks the machine;
/// [`NoLookup`] knows nothing.
pub trait HostLookup {
    /// Returns the number of a named user.
    fn user(&self, name: &str) -> Option<u32>;

    /// Returns the number of a named group.
    fn group(&self, name: &str) -> Option<u32>;

    /// Tells whether a path is a directory, whose whole tree `-w` shall watch.
    fn is_directory(&self, path: &str) -> bool;
}

/// Knows no user and no group; a path is a directory if it ends in `/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to know about it")]
pub struct NoLookup;

impl HostLookup for NoLookup {
    fn user(&self, _name: &str) -> Option<u32> {
        None
    }

    fn group(&self, _name: &str) -> Option<u32> {
        None
    }

    fn is_directory(&self, path: &str) -> bool {
        path.ends_with('/')
    }
}
