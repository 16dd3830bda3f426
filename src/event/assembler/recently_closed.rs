//! The recently closed events, by which late records are recognised.

use super::key::EventKey;

/// The events that were closed recently. A record of one of them is late: it becomes a continuation,
/// not a new event.
///
/// The table has one entry per serial, which the serial 65,536 later overwrites.
#[derive(Debug, Default)]
pub(super) struct RecentlyClosed {
    /// The fingerprints of the keys; 0 for an unused entry. Allocated on first use.
    fingerprints: Vec<u64>,
}

impl RecentlyClosed {
    const LENGTH: usize = 1 << 16;

    pub(super) fn insert(&mut self, key: EventKey) {
        if self.fingerprints.is_empty() {
            self.fingerprints = vec![0; Self::LENGTH];
        }
        if let Some(entry) = self.fingerprints.get_mut(key.table_index(Self::LENGTH)) {
            *entry = key.fingerprint();
        }
    }

    pub(super) fn contains(&self, key: EventKey) -> bool {
        let entry = self.fingerprints.get(key.table_index(Self::LENGTH));
        entry.is_some_and(|fingerprint| *fingerprint == key.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EventId;
    use crate::time::Timestamp;

    fn key(seconds: u64, serial: u32, node: u32) -> EventKey {
        EventKey::new(EventId::new(Timestamp::new(seconds, 0).expect("a time"), serial), node)
    }

    #[test]
    fn events_are_remembered_by_their_whole_key() {
        let mut closed = RecentlyClosed::default();
        assert!(!closed.contains(key(1, 0, 0)));
        closed.insert(key(1, 50, 0));
        assert!(closed.contains(key(1, 50, 0)));
        assert!(!closed.contains(key(1, 50, 1)), "another machine");
        assert!(!closed.contains(key(900, 50, 0)), "another boot");
    }

    #[test]
    fn an_event_is_forgotten_65536_serials_later() {
        let mut closed = RecentlyClosed::default();
        closed.insert(key(1, 50, 0));
        closed.insert(key(1, 49 + 65_536, 0));
        assert!(closed.contains(key(1, 50, 0)));
        closed.insert(key(1, 50 + 65_536, 0));
        assert!(!closed.contains(key(1, 50, 0)));
    }
}
