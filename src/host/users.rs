//! The user and group databases of the running system, with a cache.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;
use std::time::Duration;

use nix::unistd::{Gid, Group, Uid, User};

use super::Clock;
use crate::rule::Lookup;
use crate::time::Tick;
use crate::user_db::UserDb;

/// The users and groups of the running system.
///
/// A lookup can take long where the databases are on the network, so do not call it from the
/// thread that receives records. Results, also negative ones, are cached for five minutes; the
/// cache holds at most 4,096 entries for each direction. The names are those of this machine at
/// the time of the call: for events of another machine, or of another time, print the IDs.
///
/// For the text of rules, [`Lookup::is_directory`] looks at the file system.
///
/// # Examples
///
/// ```
/// use auditlink::host::UserNames;
/// use auditlink::record::Interpretation;
/// use auditlink::user_db::UserDb;
///
/// let users = UserNames::new();
/// assert_eq!(users.user_id("root"), Some(0));
/// assert_eq!(users.user_name(4_000_000_123), None);
/// assert_eq!(Interpretation::User(Some(0)).with_names(&users).to_string(), "root");
/// ```
#[derive(Debug)]
pub struct UserNames {
    clock: Clock,
    names: Cache<Id, String>,
    ids: Cache<Name, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Id {
    User(u32),
    Group(u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    User(String),
    Group(String),
}

impl UserNames {
    /// Starts with an empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: Clock::start(), names: Cache::default(), ids: Cache::default() }
    }
}

impl Default for UserNames {
    fn default() -> Self {
        Self::new()
    }
}

impl UserDb for UserNames {
    fn user_id(&self, name: &str) -> Option<u32> {
        self.ids.get(Name::User(name.to_owned()), self.clock.now(), || {
            User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
        })
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        self.ids.get(Name::Group(name.to_owned()), self.clock.now(), || {
            Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
        })
    }

    fn user_name(&self, id: u32) -> Option<String> {
        self.names.get(Id::User(id), self.clock.now(), || {
            User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name)
        })
    }

    fn group_name(&self, id: u32) -> Option<String> {
        self.names.get(Id::Group(id), self.clock.now(), || {
            Group::from_gid(Gid::from_raw(id)).ok().flatten().map(|group| group.name)
        })
    }
}

impl Lookup for UserNames {
    fn is_directory(&self, path: &str) -> Option<bool> {
        Some(Path::new(path).is_dir())
    }
}

/// Results of lookups, each with the time until which it is valid.
#[derive(Debug)]
struct Cache<K, V>(RefCell<HashMap<K, (Option<V>, Tick)>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Returns the cached result, or that of a new lookup.
    fn get(&self, key: K, now: Tick, look_up: impl FnOnce() -> Option<V>) -> Option<V> {
        if let Some((value, until)) = self.0.borrow().get(&key)
            && now < *until
        {
            return value.clone();
        }
        let value = look_up();
        let mut entries = self.0.borrow_mut();
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        entries.insert(key, (value.clone(), now.saturating_add(VALID_FOR)));
        value
    }
}

const VALID_FOR: Duration = Duration::from_secs(300);
const MAX_ENTRIES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_cached_for_five_minutes() {
        let cache = Cache::<u32, u32>::default();
        let start = Tick::ZERO;
        assert_eq!(cache.get(1, start, || Some(10)), Some(10));
        assert_eq!(cache.get(2, start, || None), None);
        let before_the_end = start.saturating_add(VALID_FOR - Duration::from_nanos(1));
        assert_eq!(cache.get(1, before_the_end, || Some(11)), Some(10));
        assert_eq!(cache.get(2, before_the_end, || Some(20)), None);
        assert_eq!(cache.get(1, start.saturating_add(VALID_FOR), || Some(11)), Some(11));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::<usize, usize>::default();
        for key in 0..MAX_ENTRIES + 100 {
            assert_eq!(cache.get(key, Tick::ZERO, || Some(key)), Some(key));
        }
        assert_eq!(cache.0.borrow().len(), 100);
    }

    #[test]
    fn root_is_found_in_both_directions() {
        let users = UserNames::new();
        assert_eq!(users.user_id("root"), Some(0));
        assert_eq!(users.group_id("root"), Some(0));
        assert_eq!(users.user_id("no such user"), None);
        assert_eq!(users.user_name(0).as_deref(), Some("root"));
        assert_eq!(users.group_name(0).as_deref(), Some("root"));
        assert_eq!(users.user_name(4_000_000_000), None);
    }

    #[test]
    fn directories_are_looked_up_in_the_file_system() {
        let users = UserNames::new();
        assert_eq!(users.is_directory("/"), Some(true));
        assert_eq!(users.is_directory("/proc/version"), Some(false));
        assert_eq!(users.is_directory("/no such path/"), Some(false));
    }
}
