//! The events that are still open: found by their key, ordered by their last record.

use std::collections::HashMap;
use std::fmt;

use crate::event::event::RecordPrefix;
use crate::event::missing::Progress;
use crate::record::{EventId, Header, Record};
use crate::time::{Tick, Timestamp};

/// What tells one event from another: stamp, serial, and machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    time: Timestamp,
    /// The machine and the serial: two numbers stay in registers.
    who: u64,
}

impl Key {
    #[inline]
    pub(super) const fn new(id: EventId, node: u32) -> Self {
        Self { time: id.time(), who: (node as u64) << 32 | id.serial() as u64 }
    }

    #[inline]
    pub(super) const fn id(self) -> EventId {
        EventId::new(self.time, self.who as u32)
    }

    #[inline]
    pub(super) const fn node(self) -> u32 {
        (self.who >> 32) as u32
    }

    /// Returns the place among so many in a table with one per serial.
    const fn place(self, places: usize) -> usize {
        place(self.who as u32, self.node(), places)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id(), self.node())
    }
}

/// Serials follow each other, so neighbours never meet in one place.
const fn place(serial: u32, node: u32, places: usize) -> usize {
    serial.wrapping_add(node.wrapping_mul(0x9E37_79B9)) as usize % places
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
    head: Option<Head>,
    older: Option<usize>,
    newer: Option<usize>,
}

/// All open events: a slab whose entries form a list from the oldest to the newest activity.
#[derive(Debug, Default)]
pub(super) struct OpenEvents {
    slots: Vec<OpenEvent>,
    free: Vec<usize>,
    /// One place per serial, overwritten by the serial that comes [`PLACES`] later: the usual way to
    /// an event's slot.
    places: Vec<Option<u32>>,
    /// The slots of events that lost their place.
    displaced: HashMap<Key, usize>,
    oldest: Option<usize>,
    newest: Option<usize>,
    /// The head of the newest event, once more: nearer than its slot.
    newest_head: Option<Head>,
    held_bytes: usize,
}

/// A buffer that grew beyond this is not kept for the next event.
const KEEP_CAPACITY: usize = 64 * 1024;

/// How many events have a place of their own; CPUs are few, and each has one event open. It is a
/// thousand, because the last digits of a serial are found faster than the number.
const PLACES: usize = 1000;

impl OpenEvents {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Finds the event whose first record had the same head, byte for byte, as the text of this one;
    /// returns the head as well. `None` says nothing.
    ///
    /// Almost all records are found so, without their heads being read: most belong to the newest
    /// event, others to the one that has the place of their serial.
    #[inline(always)]
    pub(super) fn with_head_of<'a>(&self, text: &'a [u8]) -> Option<(usize, Header<'a>)> {
        if let Some(header) = self.newest_head.and_then(|head| head.found_in(text)) {
            return Some((self.newest?, header));
        }
        let place = Header::last_digits_if_usual(text)?;
        let slot = usize::try_from(self.places.get(place).copied()??).ok()?;
        Some((slot, self.slots.get(slot)?.head?.found_in(text)?))
    }

    /// Finds the event with this key.
    pub(super) fn find(&self, key: Key) -> Option<usize> {
        let slot = self.places.get(key.place(PLACES)).copied().flatten();
        let slot = slot.and_then(|slot| usize::try_from(slot).ok());
        let slot = slot.filter(|slot| self.slots.get(*slot).is_some_and(|event| event.key == key));
        slot.or_else(|| self.displaced.get(&key).copied())
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
            head: None,
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
        self.link_as_newest(slot);
        self.take_place(key, slot);
        slot
    }

    /// Gives an event the place of its serial, and remembers the one that had it otherwise.
    fn take_place(&mut self, key: Key, slot: usize) {
        if self.places.is_empty() {
            self.places = vec![None; PLACES];
        }
        let Some(place) = self.places.get_mut(key.place(PLACES)) else { return };
        let before = std::mem::replace(place, u32::try_from(slot).ok());
        let before = before.and_then(|slot| usize::try_from(slot).ok());
        if let Some((before, event)) = before.and_then(|slot| Some((slot, self.slots.get(slot)?))) {
            self.displaced.insert(event.key, before);
        }
    }

    /// Adds a record to an open event, which becomes the newest.
    #[inline(always)]
    pub(super) fn add(&mut self, slot: usize, record: &Record<'_>, truncated: bool, at: Tick) {
        if self.newest != Some(slot) {
            self.unlink(slot);
            self.link_as_newest(slot);
        }
        if let Some(event) = self.slots.get_mut(slot) {
            if event.records == 0 {
                event.head = Head::of(record);
                self.newest_head = event.head;
            }
            let before = event.bytes.len();
            RecordPrefix::append(&mut event.bytes, record, truncated);
            event.records += 1;
            event.progress.add(record, truncated);
            event.last_at = at;
            self.held_bytes += event.bytes.len() - before;
        }
    }

    /// Returns the event whose last record is the longest ago.
    pub(super) fn oldest(&self) -> Option<(usize, &OpenEvent)> {
        let slot = self.oldest?;
        Some((slot, self.slots.get(slot)?))
    }

    /// Takes an event out, to be looked at; then its place can be [used again](Self::recycle).
    pub(super) fn close(&mut self, slot: usize) -> Option<&OpenEvent> {
        self.unlink(slot);
        let event = self.slots.get(slot)?;
        self.held_bytes -= event.bytes.len();
        match self.places.get_mut(event.key.place(PLACES)) {
            Some(place) if *place == u32::try_from(slot).ok() => *place = None,
            _ => drop(self.displaced.remove(&event.key)),
        }
        Some(event)
    }

    /// Makes the place of a closed event free for another.
    pub(super) fn recycle(&mut self, slot: usize) {
        if let Some(event) = self.slots.get_mut(slot) {
            event.bytes.clear();
            if event.bytes.capacity() > KEEP_CAPACITY {
                event.bytes = Vec::new();
            }
        }
        self.free.push(slot);
    }

    fn link_as_newest(&mut self, slot: usize) {
        let before = self.newest.replace(slot);
        if let Some(event) = self.slots.get_mut(slot) {
            event.older = before;
            event.newer = None;
            self.newest_head = event.head;
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
            None => {
                self.newest = older;
                self.newest_head = None;
            }
        }
    }
}

/// The head of an event's first record, if it is of the usual length and names no machine.
#[derive(Clone, Copy, Debug)]
struct Head {
    parts: Parts,
    length: usize,
    id: EventId,
}

/// The first and the last sixteen bytes of a head, and two between them: together they are all, since a
/// serial has ten digits at most.
type Parts = (u128, u128, u16);

impl Head {
    /// What a head can be as long as, and what [`Parts`] can be compared of.
    const LENGTHS: std::ops::RangeInclusive<usize> = 18..=34;

    fn of(record: &Record<'_>) -> Option<Self> {
        let length = record.body_at();
        let head = record.text().get(..length)?;
        // behind a head without its space the body could begin with one
        if record.node().is_some() || !Self::LENGTHS.contains(&length) || !head.ends_with(b" ") {
            return None;
        }
        Some(Self { parts: Self::parts(head)?, length, id: record.id() })
    }

    /// Returns the head of a text that begins with this one.
    #[inline]
    fn found_in<'a>(self, text: &'a [u8]) -> Option<Header<'a>> {
        let is_same = Self::parts(text.get(..self.length)?)? == self.parts;
        is_same.then_some(Header { node: None, id: self.id, body_at: self.length })
    }

    #[inline]
    fn parts(head: &[u8]) -> Option<Parts> {
        let (first, last) = (head.first_chunk()?, head.last_chunk()?);
        let middle = head.get(16..)?.first_chunk()?;
        let (first, last) = (u128::from_ne_bytes(*first), u128::from_ne_bytes(*last));
        Some((first, last, u16::from_ne_bytes(*middle)))
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
        if let Some(place) = self.places.get_mut(key.place(Self::PLACES)) {
            *place = Self::mark(key);
        }
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.places.get(key.place(Self::PLACES)).is_some_and(|mark| *mark == Self::mark(key))
    }

    /// Mixes the whole key into one word, which is never zero.
    fn mark(key: Key) -> u64 {
        (key.time.as_millis().wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ key.who.wrapping_mul(0xD6E8_FEB8_6659_FD93))
            | 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;

    fn key(serial: u32) -> Key {
        Key::new(EventId::new(Timestamp::new(1, 0).expect("a time"), serial), 0)
    }

    impl Key {
        fn next(self) -> Self {
            Self::new(EventId::new(self.time, self.id().serial().wrapping_add(1)), self.node())
        }
    }

    fn record() -> Record<'static> {
        Record::parse(MessageType::CWD, b"audit(1.000:2): x").expect("a head")
    }

    fn close(open: &mut OpenEvents, slot: usize) {
        assert!(open.close(slot).is_some());
        open.recycle(slot);
    }

    #[test]
    fn the_oldest_is_the_one_that_was_not_touched() {
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
        assert!(slots.contains(&again), "places are used again");
        assert_eq!(open.find(key(9)), Some(again));
        assert_eq!(open.find(key(1)), None);
    }

    #[test]
    fn an_event_is_found_by_its_head_and_by_no_other() {
        for serial in [7, 4242, 99_999_999, 123_456_789, u32::MAX] {
            let mut open = OpenEvents::default();
            let text = format!("audit(1700000000.123:{serial}): cwd=\"/root\"").into_bytes();
            let record = Record::parse(MessageType::CWD, &text).expect("a head");
            let (key, length) = (Key::new(record.id(), 0), record.body_at());
            let slot = open.open(key, false, Tick::ZERO);
            assert_eq!(open.with_head_of(&text), None, "it has no record yet");
            open.add(slot, &record, false, Tick::ZERO);
            let head = (slot, Header { node: None, id: record.id(), body_at: length });
            assert_eq!(open.with_head_of(&text), Some(head), "{serial}");
            // what is behind the head plays no part
            assert_eq!(open.with_head_of(&text[..length]), Some(head), "{serial}");
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 1;
                assert_eq!(open.with_head_of(&other), None, "{serial}, {at}");
                assert_eq!(open.with_head_of(&text[..at]), None, "{serial}, {at}");
            }
            // another is the newest: it is found by its place
            open.open(key.next(), false, Tick::ZERO);
            assert_eq!(open.with_head_of(&text), Some(head), "{serial}");
        }
    }

    #[test]
    fn a_head_without_its_space_is_read() {
        let mut open = OpenEvents::default();
        let record =
            Record::parse(MessageType::EOE, b"audit(1700000000.123:4242):").expect("a head");
        let slot = open.open(Key::new(record.id(), 0), false, Tick::ZERO);
        open.add(slot, &record, false, Tick::ZERO);
        assert_eq!(open.with_head_of(b"audit(1700000000.123:4242): cwd=\"/\""), None);
    }

    #[test]
    fn many_interleaved_events_are_all_found() {
        let mut open = OpenEvents::default();
        let slots: Vec<_> = (0..5000).map(|n| open.open(key(n), false, Tick::ZERO)).collect();
        assert!((0..5000).zip(&slots).all(|(n, slot)| open.find(key(n)) == Some(*slot)));
        (1000..4000).for_each(|n: u32| close(&mut open, slots[n as usize]));
        assert_eq!(open.len(), 2000);
        let is_found = |n| open.find(key(n)).is_some();
        assert!((0..5000).all(|n| is_found(n) != (1000..4000).contains(&n)));
        assert_eq!(open.displaced.len(), 1000, "the last ones have their places");
    }

    #[test]
    fn closed_events_are_remembered_by_their_whole_key() {
        let mut closed = Closed::default();
        assert!(!closed.contains(key(0)));
        closed.insert(key(50));
        assert!(closed.contains(key(50)));
        assert!(!closed.contains(Key::new(key(50).id(), 1)));
        let later = EventId::new(Timestamp::new(900, 0).expect("a time"), 50);
        assert!(!closed.contains(Key::new(later, 0)), "trap 14: another boot");
        closed.insert(key(50 + 65_536));
        assert!(!closed.contains(key(50)));
    }
}
