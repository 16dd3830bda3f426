//! Names of users and groups, looked up once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use nix::unistd::{Gid, Group, Uid, User};

use super::Clock;
use crate::record::Ids;
use crate::time::Tick;

/// Looks up the names of users and groups in the machine's databases, and remembers them.
///
/// A look-up can take long where the databases are on the network, so it is no business of the
/// thread that receives. What was found, or not found, holds for five minutes; at most 4,096
/// names are kept. The names are those of this machine, now: for events of another machine, or
/// another time, numbers are the better answer.
///
/// # Examples
///
/// ```
/// use auditlink::host::UserNames;
/// use auditlink::record::{Ids, Interpretation};
///
/// let names = UserNames::new();
/// assert_eq!(Interpretation::User(Some(0)).with_names(&names).to_string(), "root");
/// assert_eq!(names.user(4_000_000_123), None);
/// ```
#[derive(Debug)]
pub struct UserNames {
    clock: Clock,
    known: RefCell<HashMap<Id, (Option<String>, Tick)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Id {
    User(u32),
    Group(u32),
}

impl Default for UserNames {
    fn default() -> Self {
        Self::new()
    }
}

impl UserNames {
    const KEPT_FOR: Duration = Duration::from_secs(300);
    const MAX_KEPT: usize = 4096;

    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: Clock::start(), known: RefCell::default() }
    }

    fn name(&self, id: Id) -> Option<String> {
        let now = self.clock.now();
        if let Some((name, until)) = self.known.borrow().get(&id)
            && now < *until
        {
            return name.clone();
        }
        let name = match id {
            Id::User(id) => User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name),
            Id::Group(id) => {
                Group::from_gid(Gid::from_raw(id)).ok().flatten().map(|group| group.name)
            }
        };
        let mut known = self.known.borrow_mut();
        if known.len() >= Self::MAX_KEPT {
            known.clear();
        }
        known.insert(id, (name.clone(), now.saturating_add(Self::KEPT_FOR)));
        name
    }
}

impl Ids for UserNames {
    fn user(&self, id: u32) -> Option<String> {
        self.name(Id::User(id))
    }

    fn group(&self, id: u32) -> Option<String> {
        self.name(Id::Group(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_remembered_and_their_number_is_bounded() {
        let names = UserNames::new();
        for id in 0..5000 {
            let _ = names.user(4_000_000_000 + id);
        }
        assert!(names.known.borrow().len() <= UserNames::MAX_KEPT);
        assert_eq!(names.user(0).as_deref(), Some("root"));
        assert_eq!(names.group(0).as_deref(), Some("root"));
        assert!(names.known.borrow().contains_key(&Id::User(0)));
    }
}
