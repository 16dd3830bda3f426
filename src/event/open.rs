//! The events that are still open: found by their key, ordered by their last record.

use std::collections::HashMap;

use super::RecordPrefix;
use super::missing::Progress;
use crate::record::{EventId, Record};
use crate::time::Tick;

/// What tells one event from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) id: EventId,
    pub(super) node: u32,
}

/// An event whose end has not come.
#[derive(Debug)]
pub(super) struct OpenEvent {
    pub(super) key: Key,
    pub(super) bytes: Vec<u8>,
    pub(super) records: u32,
    pub(super) continuation: bool,
    pub(super) first_at: Tick,
    pub(super) last_at: Tick,
    pub(super) progress: Progress,
    older: Option<usize>,
    newer: Option<usize>,
}

/// All open events: a slab whose entries form a list from the oldest to the newest activity.
#[derive(Debug, Default)]
pub(super) struct OpenEvents {
    slots: Vec<OpenEvent>,
    free: Vec<usize>,
    index: HashMap<Key, usize>,
    oldest: Option<usize>,
    newest: Option<usize>,
    held_bytes: usize,
}

/// A buffer that grew beyond this is not kept for the next event.
const KEEP_CAPACITY: usize = 64 * 1024;

impl OpenEvents {
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Finds the event with this key; most records belong to the newest one.
    pub(super) fn find(&self, key: Key) -> Option<usize> {
        let newest = self.newest.filter(|slot| self.slots.get(*slot).is_some_and(|e| e.key == key));
        newest.or_else(|| self.index.get(&key).copied())
    }

    /// Opens an event without a record.
    pub(super) fn open(&mut self, key: Key, continuation: bool, at: Tick) -> usize {
        let event = OpenEvent {
            key,
            bytes: Vec::new(),
            records: 0,
            continuation,
            first_at: at,
            last_at: at,
            progress: Progress::default(),
            older: None,
            newer: None,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(old) = self.slots.get_mut(slot) {
                    let bytes = std::mem::take(&mut old.bytes);
                    *old = OpenEvent { bytes, ..event };
                }
                slot
            }
            None => {
                self.slots.push(event);
                self.slots.len() - 1
            }
        };
        self.index.insert(key, slot);
        self.link_as_newest(slot);
        slot
    }

    /// Adds a record to an open event, which becomes the newest.
    pub(super) fn add(&mut self, slot: usize, record: &Record<'_>, truncated: bool, at: Tick) {
        if self.newest != Some(slot) {
            self.unlink(slot);
            self.link_as_newest(slot);
        }
        if let Some(event) = self.slots.get_mut(slot) {
            let before = event.bytes.len();
            RecordPrefix::append(&mut event.bytes, record, truncated);
            event.records += 1;
            event.progress.add(*record, truncated);
            event.last_at = at;
            self.held_bytes += event.bytes.len() - before;
        }
    }

    /// Returns the event whose last record is the longest ago.
    pub(super) fn oldest(&self) -> Option<(usize, &OpenEvent)> {
        let slot = self.oldest?;
        Some((slot, self.slots.get(slot)?))
    }

    /// Takes an event out; `finish` makes of it what is handed on.
    pub(super) fn close<T>(
        &mut self,
        slot: usize,
        finish: impl FnOnce(&OpenEvent) -> T,
    ) -> Option<T> {
        self.unlink(slot);
        let event = self.slots.get_mut(slot)?;
        let result = finish(event);
        self.held_bytes -= event.bytes.len();
        if event.bytes.capacity() > KEEP_CAPACITY {
            event.bytes = Vec::new();
        } else {
            event.bytes.clear();
        }
        self.index.remove(&event.key);
        self.free.push(slot);
        Some(result)
    }

    fn link_as_newest(&mut self, slot: usize) {
        let before = self.newest.replace(slot);
        if let Some(event) = self.slots.get_mut(slot) {
            event.older = before;
            event.newer = None;
        }
        match before.and_then(|before| self.slots.get_mut(before)) {
            Some(event) => event.newer = Some(slot),
            None => self.oldest = Some(slot),
        }
    }

    fn unlink(&mut self, slot: usize) {
        let Some(event) = self.slots.get(slot) else {
            return;
        };
        let (older, newer) = (event.older, event.newer);
        match older.and_then(|older| self.slots.get_mut(older)) {
            Some(event) => event.newer = newer,
            None => self.oldest = newer,
        }
        match newer.and_then(|newer| self.slots.get_mut(newer)) {
            Some(event) => event.older = older,
            None => self.newest = older,
        }
    }
}

/// Which events were closed lately, so that a late record can be told from a new event.
///
/// A table with one place per serial, overwritten by the serial that comes 65,536 later.
#[derive(Debug, Default)]
pub(super) struct Closed {
    places: Vec<u64>,
}

impl Closed {
    const PLACES: usize = 1 << 16;

    pub(super) fn insert(&mut self, key: Key) {
        if self.places.is_empty() {
            self.places = vec![0; Self::PLACES];
        }
        if let Some(place) = self.places.get_mut(Self::place(key)) {
            *place = Self::mark(key);
        }
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.places.get(Self::place(key)).is_some_and(|mark| *mark == Self::mark(key))
    }

    fn place(key: Key) -> usize {
        let mixed = key.id.serial().wrapping_add(key.node.wrapping_mul(0x9E37_79B9));
        usize::try_from(mixed).unwrap_or_default() % Self::PLACES
    }

    /// Mixes the whole key into one word, which is never zero.
    fn mark(key: Key) -> u64 {
        let time = key.id.time().seconds().wrapping_mul(1000) + u64::from(key.id.time().millis());
        let who = u64::from(key.node) << 32 | u64::from(key.id.serial());
        (time.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ who.wrapping_mul(0xD6E8_FEB8_6659_FD93)) | 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::time::Timestamp;

    fn key(serial: u32) -> Key {
        Key { id: EventId::new(Timestamp::new(1, 0).expect("a time"), serial), node: 0 }
    }

    fn record() -> Record<'static> {
        Record::parse(MessageType::CWD, b"audit(1.000:2): x").expect("a head")
    }

    #[test]
    fn the_oldest_is_the_one_that_was_not_touched() {
        let mut open = OpenEvents::default();
        let slots = [1, 2, 3].map(|serial| open.open(key(serial), false, Tick::ZERO));
        open.add(slots[0], &record(), false, Tick::from_nanos(1));
        assert_eq!(open.oldest().map(|(_, event)| event.key), Some(key(2)));
        open.close(slots[1], |_| ());
        assert_eq!(open.oldest().map(|(_, event)| event.key), Some(key(3)));
        open.close(slots[2], |_| ());
        assert_eq!(open.oldest().map(|(_, event)| event.key), Some(key(1)));
        open.close(slots[0], |_| ());
        assert!(open.oldest().is_none());
        assert_eq!((open.len(), open.held_bytes()), (0, 0));
        let again = open.open(key(9), false, Tick::ZERO);
        assert!(slots.contains(&again), "places are used again");
        assert_eq!(open.find(key(9)), Some(again));
        assert_eq!(open.find(key(1)), None);
    }

    #[test]
    fn closed_events_are_remembered_by_their_whole_key() {
        let mut closed = Closed::default();
        assert!(!closed.contains(key(0)));
        closed.insert(key(50));
        assert!(closed.contains(key(50)));
        assert!(!closed.contains(Key { node: 1, ..key(50) }));
        let later = EventId::new(Timestamp::new(900, 0).expect("a time"), 50);
        assert!(!closed.contains(Key { id: later, node: 0 }), "trap 14: another boot");
        closed.insert(key(50 + 65_536));
        assert!(!closed.contains(key(50)));
    }
}
