//! The open events: found by their key or by the bytes of their header, ordered by activity.

use std::collections::HashMap;

use super::key::EventKey;
use crate::event::event::RecordPrefix;
use crate::event::missing::Progress;
use crate::record::{EventId, Header, Record};
use crate::time::Tick;

/// An event that more records may be added to.
#[derive(Debug)]
pub(super) struct OpenEvent {
    pub(super) key: EventKey,
    pub(super) bytes: Vec<u8>,
    pub(super) records: u32,
    pub(super) continuation: bool,
    pub(super) first_at: Tick,
    pub(super) last_at: Tick,
    pub(super) progress: Progress,
    header: Option<HeaderBytes>,
    older: Option<usize>,
    newer: Option<usize>,
}

/// All open events: a slab of slots that form a list from the least to the most recently active.
///
/// A slot index is found in three steps, the fastest first: the newest event has the same header; the
/// table by serial; the map of the events that lost their table entry.
#[derive(Debug, Default)]
pub(super) struct OpenEvents {
    slots: Vec<OpenEvent>,
    free: Vec<usize>,
    /// Slot indices by serial. The serial [`TABLE_LENGTH`] later overwrites an entry. Allocated on
    /// first use.
    by_serial: Vec<Option<u32>>,
    /// The slot indices of events whose entry in `by_serial` was overwritten.
    displaced: HashMap<EventKey, usize>,
    oldest: Option<usize>,
    newest: Option<usize>,
    /// A copy of the newest event's header, which saves the way to its slot.
    newest_header: Option<HeaderBytes>,
    held_bytes: usize,
}

/// A slot keeps its buffer for the next event, up to this capacity.
const KEEP_CAPACITY: usize = 64 * 1024;

/// The length of the table by serial. Each CPU has one event open, so a thousand entries suffice; and
/// the last three digits of a serial are parsed faster than the whole number.
const TABLE_LENGTH: usize = 1000;

impl OpenEvents {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Finds the event whose first record has the same header, byte for byte, as `text`. Returns its
    /// slot index and the header.
    ///
    /// After `None` the event may still be open: only [`find`](Self::find) decides. Almost all records
    /// are found here, without parsing their header: most belong to the newest event, others to the one
    /// in the table by serial.
    #[inline(always)]
    pub(super) fn find_by_header<'a>(&self, text: &'a [u8]) -> Option<(usize, Header<'a>)> {
        if let Some(header) = self.newest_header.and_then(|header| header.find_in(text)) {
            return Some((self.newest?, header));
        }
        let index = Header::last_digits_if_usual(text)?;
        let slot_index = usize::try_from(self.by_serial.get(index).copied()??).ok()?;
        Some((slot_index, self.slots.get(slot_index)?.header?.find_in(text)?))
    }

    /// Returns the slot index of the event with this key.
    pub(super) fn find(&self, key: EventKey) -> Option<usize> {
        let entry = self.by_serial.get(key.table_index(TABLE_LENGTH)).copied().flatten();
        let entry = entry.and_then(|index| usize::try_from(index).ok());
        let has_key = |index: &usize| self.slots.get(*index).is_some_and(|slot| slot.key == key);
        entry.filter(has_key).or_else(|| self.displaced.get(&key).copied())
    }

    /// Opens an event without records. Returns its slot index.
    pub(super) fn open(&mut self, key: EventKey, continuation: bool, at: Tick) -> usize {
        let event = OpenEvent {
            key,
            bytes: Vec::new(),
            records: 0,
            continuation,
            first_at: at,
            last_at: at,
            progress: Progress::default(),
            header: None,
            older: None,
            newer: None,
        };
        let slot_index = match self.free.pop() {
            Some(slot_index) => {
                if let Some(old) = self.slots.get_mut(slot_index) {
                    let bytes = std::mem::take(&mut old.bytes);
                    *old = OpenEvent { bytes, ..event };
                }
                slot_index
            }
            None => {
                self.slots.push(event);
                self.slots.len() - 1
            }
        };
        self.link_as_newest(slot_index);
        self.enter_by_serial(key, slot_index);
        slot_index
    }

    /// Enters an event into the table by serial, and moves the one that was there into the map.
    fn enter_by_serial(&mut self, key: EventKey, slot_index: usize) {
        if self.by_serial.is_empty() {
            self.by_serial = vec![None; TABLE_LENGTH];
        }
        let Some(entry) = self.by_serial.get_mut(key.table_index(TABLE_LENGTH)) else { return };
        let before = std::mem::replace(entry, u32::try_from(slot_index).ok());
        let before = before.and_then(|index| usize::try_from(index).ok());
        if let Some((before, slot)) = before.and_then(|index| Some((index, self.slots.get(index)?)))
        {
            self.displaced.insert(slot.key, before);
        }
    }

    /// Adds a record to an open event, which becomes the newest.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        slot_index: usize,
        record: &Record<'_>,
        truncated: bool,
        at: Tick,
    ) {
        if self.newest != Some(slot_index) {
            self.unlink(slot_index);
            self.link_as_newest(slot_index);
        }
        if let Some(event) = self.slots.get_mut(slot_index) {
            if event.records == 0 {
                event.header = HeaderBytes::of(record);
                self.newest_header = event.header;
            }
            let before = event.bytes.len();
            RecordPrefix::append(&mut event.bytes, record, truncated);
            event.records += 1;
            event.progress.add(record, truncated);
            event.last_at = at;
            self.held_bytes += event.bytes.len() - before;
        }
    }

    /// Returns the least recently active event with its slot index.
    pub(super) fn oldest(&self) -> Option<(usize, &OpenEvent)> {
        let slot_index = self.oldest?;
        Some((slot_index, self.slots.get(slot_index)?))
    }

    /// Closes an event and returns it. Its slot is free after [`recycle`](Self::recycle).
    pub(super) fn close(&mut self, slot_index: usize) -> Option<&OpenEvent> {
        self.unlink(slot_index);
        let event = self.slots.get(slot_index)?;
        self.held_bytes -= event.bytes.len();
        match self.by_serial.get_mut(event.key.table_index(TABLE_LENGTH)) {
            Some(entry) if *entry == u32::try_from(slot_index).ok() => *entry = None,
            _ => drop(self.displaced.remove(&event.key)),
        }
        Some(event)
    }

    /// Frees the slot of a closed event.
    pub(super) fn recycle(&mut self, slot_index: usize) {
        if let Some(event) = self.slots.get_mut(slot_index) {
            event.bytes.clear();
            if event.bytes.capacity() > KEEP_CAPACITY {
                event.bytes = Vec::new();
            }
        }
        self.free.push(slot_index);
    }

    fn link_as_newest(&mut self, slot_index: usize) {
        let before = self.newest.replace(slot_index);
        if let Some(event) = self.slots.get_mut(slot_index) {
            event.older = before;
            event.newer = None;
            self.newest_header = event.header;
        }
        match before.and_then(|before| self.slots.get_mut(before)) {
            Some(event) => event.newer = Some(slot_index),
            None => self.oldest = Some(slot_index),
        }
    }

    fn unlink(&mut self, slot_index: usize) {
        let Some(event) = self.slots.get(slot_index) else {
            return;
        };
        let (older, newer) = (event.older, event.newer);
        match older.and_then(|older| self.slots.get_mut(older)) {
            Some(event) => event.newer = newer,
            None => self.oldest = newer,
        }
        match newer.and_then(|newer| self.slots.get_mut(newer)) {
            Some(event) => event.older = older,
            None => {
                self.newest = older;
                self.newest_header = None;
            }
        }
    }
}

/// The bytes of a header, for comparison with those of later records.
#[derive(Clone, Copy, Debug)]
struct HeaderBytes {
    parts: Parts,
    length: usize,
    id: EventId,
}

/// The first and the last sixteen bytes of a header, and two between. Together they cover it, because
/// a serial has at most ten digits.
type Parts = (u128, u128, u16);

impl HeaderBytes {
    /// The lengths of headers that [`Parts`] cover.
    const LENGTHS: std::ops::RangeInclusive<usize> = 18..=34;

    /// Returns the header of a record, if it has the usual length and does not name a machine.
    fn of(record: &Record<'_>) -> Option<Self> {
        let length = record.body_at();
        let header = record.text().get(..length)?;
        // without its final space the header could also be the start of another one
        if record.node().is_some() || !Self::LENGTHS.contains(&length) || !header.ends_with(b" ") {
            return None;
        }
        Some(Self { parts: Self::parts(header)?, length, id: record.id() })
    }

    /// Returns the header of a text, if it is the same.
    #[inline]
    fn find_in<'a>(self, text: &'a [u8]) -> Option<Header<'a>> {
        let is_same = Self::parts(text.get(..self.length)?)? == self.parts;
        is_same.then_some(Header { node: None, id: self.id, body_at: self.length })
    }

    #[inline]
    fn parts(header: &[u8]) -> Option<Parts> {
        let (first, last) = (header.first_chunk()?, header.last_chunk()?);
        let middle = header.get(16..)?.first_chunk()?;
        let (first, last) = (u128::from_ne_bytes(*first), u128::from_ne_bytes(*last));
        Some((first, last, u16::from_ne_bytes(*middle)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::EventId;
    use crate::time::Timestamp;

    fn key(serial: u32) -> EventKey {
        EventKey::new(EventId::new(Timestamp::new(1, 0).expect("a time"), serial), 0)
    }

    fn next(key: EventKey) -> EventKey {
        let id = EventId::new(key.id().time(), key.id().serial().wrapping_add(1));
        EventKey::new(id, key.node())
    }

    fn record() -> Record<'static> {
        Record::parse(MessageType::CWD, b"audit(1.000:2): x").expect("a header")
    }

    fn close(open: &mut OpenEvents, slot: usize) {
        assert!(open.close(slot).is_some());
        open.recycle(slot);
    }

    #[test]
    fn the_oldest_event_is_the_least_recently_active() {
        let mut open = OpenEvents::default();
        let slots = [1, 2, 3].map(|serial| open.open(key(serial), false, Tick::ZERO));
        open.add(slots[0], &record(), false, Tick::from_nanos(1));
        assert_eq!(open.oldest().map(|(_, event)| event.key), Some(key(2)));
        close(&mut open, slots[1]);
        assert_eq!(open.oldest().map(|(_, event)| event.key), Some(key(3)));
        close(&mut open, slots[2]);
        assert_eq!(open.oldest().map(|(_, event)| event.key), Some(key(1)));
        close(&mut open, slots[0]);
        assert!(open.oldest().is_none());
        assert_eq!((open.len(), open.held_bytes()), (0, 0));
        let again = open.open(key(9), false, Tick::ZERO);
        assert!(slots.contains(&again), "slots are reused");
        assert_eq!(open.find(key(9)), Some(again));
        assert_eq!(open.find(key(1)), None);
    }

    #[test]
    fn an_event_is_found_by_its_whole_header_only() {
        for serial in [7, 4242, 99_999_999, 123_456_789, u32::MAX] {
            let mut open = OpenEvents::default();
            let text = format!("audit(1700000000.123:{serial}): cwd=\"/root\"").into_bytes();
            let record = Record::parse(MessageType::CWD, &text).expect("a header");
            let (key, length) = (EventKey::new(record.id(), 0), record.body_at());
            let slot = open.open(key, false, Tick::ZERO);
            assert_eq!(open.find_by_header(&text), None, "the event has no record yet");
            open.add(slot, &record, false, Tick::ZERO);
            let found = (slot, Header { node: None, id: record.id(), body_at: length });
            assert_eq!(open.find_by_header(&text), Some(found), "{serial}");
            // the body does not matter
            assert_eq!(open.find_by_header(&text[..length]), Some(found), "{serial}");
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 1;
                assert_eq!(open.find_by_header(&other), None, "{serial}, {at}");
                assert_eq!(open.find_by_header(&text[..at]), None, "{serial}, {at}");
            }
            // another event is the newest: this one is found by its serial
            open.open(next(key), false, Tick::ZERO);
            assert_eq!(open.find_by_header(&text), Some(found), "{serial}");
        }
    }

    #[test]
    fn a_header_without_its_final_space_is_not_compared() {
        let mut open = OpenEvents::default();
        let record =
            Record::parse(MessageType::EOE, b"audit(1700000000.123:4242):").expect("a header");
        let slot = open.open(EventKey::new(record.id(), 0), false, Tick::ZERO);
        open.add(slot, &record, false, Tick::ZERO);
        assert_eq!(open.find_by_header(b"audit(1700000000.123:4242): cwd=\"/\""), None);
    }

    #[test]
    fn events_that_lost_their_table_entry_are_found() {
        let mut open = OpenEvents::default();
        let slots: Vec<_> = (0..5000).map(|n| open.open(key(n), false, Tick::ZERO)).collect();
        assert!((0..5000).zip(&slots).all(|(n, slot)| open.find(key(n)) == Some(*slot)));
        (1000..4000).for_each(|n: u32| close(&mut open, slots[n as usize]));
        assert_eq!(open.len(), 2000);
        let is_found = |n| open.find(key(n)).is_some();
        assert!((0..5000).all(|n| is_found(n) != (1000..4000).contains(&n)));
        assert_eq!(open.displaced.len(), 1000, "the last thousand are in the table");
    }
}
