//! Users and groups: their names and IDs.

/// Looks up users and groups, by name and by ID.
///
/// Rules and records hold IDs only. [`host::UserNames`](crate::host::UserNames) reads the user and
/// group databases of the running system; [`NoLookup`] finds nothing. Each method returns `None`
/// unless an implementation overrides it.
///
/// # Examples
///
/// ```
/// use auditlink::record::Interpretation;
/// use auditlink::user_db::UserDb;
///
/// struct OnlyRoot;
///
/// impl UserDb for OnlyRoot {
///     fn user_name(&self, id: u32) -> Option<String> {
///         (id == 0).then(|| "root".to_owned())
///     }
/// }
///
/// assert_eq!(Interpretation::User(Some(0)).with_names(&OnlyRoot).to_string(), "root");
/// assert_eq!(Interpretation::User(Some(1)).with_names(&OnlyRoot).to_string(), "1");
/// ```
pub trait UserDb {
    /// Returns the ID of the user with this name.
    fn user_id(&self, name: &str) -> Option<u32> {
        let _ = name;
        None
    }

    /// Returns the ID of the group with this name.
    fn group_id(&self, name: &str) -> Option<u32> {
        let _ = name;
        None
    }

    /// Returns the name of the user with this ID.
    fn user_name(&self, id: u32) -> Option<String> {
        let _ = id;
        None
    }

    /// Returns the name of the group with this ID.
    fn group_name(&self, id: u32) -> Option<String> {
        let _ = id;
        None
    }
}

/// Finds no user and no group.
///
/// Use it where the text of a rule must have the same result on every machine.
///
/// # Examples
///
/// ```
/// use auditlink::user_db::{NoLookup, UserDb};
///
/// assert_eq!(NoLookup.user_id("root"), None);
/// assert_eq!(NoLookup.user_name(0), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a unit struct without state")]
pub struct NoLookup;

impl UserDb for NoLookup {}
