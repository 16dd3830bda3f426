//! Serial numbers: which were skipped, received late, or not received at all.

use std::collections::VecDeque;

use crate::record::EventId;
use crate::time::{Tick, Timestamp};

/// A range of serials that were skipped and may still be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) struct Gap {
    pub(in crate::event) first: u32,
    pub(in crate::event) last: u32,
    pub(in crate::event) after: EventId,
    pub(in crate::event) deadline: Tick,
    /// Whether all its events were made after the reader started, so that each of them is missing.
    pub(in crate::event) is_certain: bool,
    position: Position,
}

/// Where a gap lies relative to the start of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Below the first event; or right after it, if its first record may not be the one that opens it.
    Start,
    /// At the start: after an event that may have begun before the reader started.
    AfterStart,
    Later,
}

impl Gap {
    /// Returns the number of serials in the gap.
    pub(in crate::event) const fn len(&self) -> u64 {
        self.last.wrapping_sub(self.first) as u64 + 1
    }

    const fn contains(&self, serial: u32) -> bool {
        serial.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }
}

/// The order of a serial among those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) enum SerialOrder {
    /// It is the first, the next, or one that skips some.
    Ascending,
    /// It had been skipped.
    Skipped,
    /// It is lower than the highest, and was not skipped or has been given up.
    Old,
    /// It can only come from another boot.
    Restart,
}

/// The first record of an event.
#[derive(Clone, Copy, Debug)]
pub(in crate::event) struct FirstRecord {
    pub(in crate::event) id: EventId,
    /// Whether events begin with this type of record.
    pub(in crate::event) is_head: bool,
    /// Whether this type of record always follows another one of its event, which was sent before.
    pub(in crate::event) is_follower: bool,
    /// When serials that this one skips are given up.
    pub(in crate::event) deadline: Tick,
}

/// The serials of one machine.
///
/// Serials are compared by their signed distance, so the wrap after 2³² needs no special case.
///
/// A reader can start while several CPUs send events. Events with serials below its first may then still
/// arrive, and events with serials above may have been sent before. So near the start, what is missing is
/// reported without a count.
#[derive(Debug, Default)]
pub(in crate::event) struct Serials {
    highest: Option<Highest>,
    /// The lowest serial from which on all are expected.
    lowest: Option<EventId>,
    latest: Option<Timestamp>,
    gaps: VecDeque<Gap>,
    pending: u64,
    /// Events with a later stamp began after the reader started. The stamps count, because a reader can
    /// receive everything at once, long after it started.
    started_by: u64,
    /// Whether the reader started while events were being sent: the end of one arrived.
    has_joined: bool,
}

#[derive(Clone, Copy, Debug)]
struct Highest {
    id: EventId,
    position: Position,
}

/// A step back by more than this, with a later time than any before, is a restart.
const RESTART_BACKWARDS: i32 = -1024;
/// A step forward by more than this is a restart, not a gap.
const RESTART_FORWARDS: i32 = 1 << 24;
/// A smaller step back, to a serial that was not skipped, is a restart if the time is later by more.
const RESTART_MILLIS: u64 = 1000;

/// How long the reader's first event can have been in the making, and others beside it, if CPUs are busy.
const START_MILLIS: u64 = 100;

/// Returns how far the serial of `to` is ahead of that of `from`.
const fn distance(from: EventId, to: EventId) -> i32 {
    to.serial().wrapping_sub(from.serial()) as i32
}

impl Serials {
    /// The maximum number of gaps. The oldest is given up for a new one.
    const MAX_GAPS: usize = 4096;

    /// Starts after an event that another reader received last.
    pub(in crate::event) fn resume(&mut self, id: EventId) {
        self.highest = Some(Highest { id, position: Position::Later });
        self.lowest = None;
        self.latest = Some(id.time());
    }

    /// Returns the number of serials that may still be received.
    pub(in crate::event) const fn pending(&self) -> u64 {
        self.pending
    }

    /// Adds the serial of an event that was not seen before.
    pub(in crate::event) fn add(&mut self, record: FirstRecord) -> SerialOrder {
        let FirstRecord { id, deadline, .. } = record;
        let Some(highest) = self.highest else {
            self.start(record);
            return SerialOrder::Ascending;
        };
        let distance = distance(highest.id, id);
        if self.has_restarted(id, distance) {
            self.start(FirstRecord { is_head: true, is_follower: false, ..record });
            return SerialOrder::Restart;
        }
        self.latest = self.latest.max(Some(id.time()));
        let is_near_start = id.time().as_millis() <= self.started_by;
        self.has_joined |= is_near_start && record.is_follower;
        if distance > 0 {
            self.open_gap(highest.id, id, deadline, highest.position);
            let position = if is_near_start { Position::AfterStart } else { Position::Later };
            self.highest = Some(Highest { id, position });
            return SerialOrder::Ascending;
        }
        if self.remove_from_gap(id.serial()) {
            return SerialOrder::Skipped;
        }
        if let Some(lowest) = self.lowest.filter(|lowest| self::distance(*lowest, id) < 0) {
            self.lowest = Some(id);
            self.open_gap(id, lowest, deadline, Position::Start);
        }
        SerialOrder::Old
    }

    /// Starts with the first event of a boot, or of the reader.
    fn start(&mut self, first: FirstRecord) {
        let position = if first.is_head { Position::AfterStart } else { Position::Start };
        self.highest = Some(Highest { id: first.id, position });
        self.lowest = Some(first.id);
        self.latest = Some(first.id.time());
        self.started_by = first.id.time().as_millis().saturating_add(START_MILLIS);
        self.has_joined = first.is_follower;
    }

    /// Returns whether an event, whose serial differs from the highest by `distance`, can only come from
    /// another boot.
    fn has_restarted(&self, id: EventId, distance: i32) -> bool {
        if distance > RESTART_FORWARDS {
            return true;
        }
        let latest = self.latest.map_or(u64::MAX, Timestamp::as_millis);
        let later = id.time().as_millis().saturating_sub(latest);
        let is_skipped = || self.gaps.iter().any(|gap| gap.contains(id.serial()));
        match distance {
            ..RESTART_BACKWARDS | 0 => later > 0,
            // a system call is stamped when it begins, and numbered when it ends
            ..0 => later > RESTART_MILLIS && !is_skipped(),
            1.. => false,
        }
    }

    /// Opens a gap between two events, if any serials lie between them.
    fn open_gap(&mut self, after: EventId, before: EventId, deadline: Tick, position: Position) {
        let (first, last) = (after.serial().wrapping_add(1), before.serial().wrapping_sub(1));
        if first != before.serial() {
            let gap = Gap { first, last, after, deadline, is_certain: false, position };
            self.pending += gap.len();
            self.gaps.push_back(gap);
        }
    }

    /// Removes a serial from its gap, if it is in one.
    fn remove_from_gap(&mut self, serial: u32) -> bool {
        // late serials are mostly in the newest gaps
        let Some(index) = self.gaps.iter().rposition(|gap| gap.contains(serial)) else {
            return false;
        };
        let Some(gap) = self.gaps.get_mut(index) else {
            return false;
        };
        self.pending -= 1;
        if gap.first == gap.last {
            self.gaps.remove(index);
        } else if serial == gap.first {
            gap.first = serial.wrapping_add(1);
        } else if serial == gap.last {
            gap.last = serial.wrapping_sub(1);
        } else {
            let rest = Gap { first: serial.wrapping_add(1), ..*gap };
            gap.last = serial.wrapping_sub(1);
            self.gaps.insert(index + 1, rest);
        }
        true
    }

    /// Removes and returns the oldest gap if its deadline has passed.
    pub(in crate::event) fn take_expired(&mut self, now: Tick) -> Option<Gap> {
        if self.deadline()? <= now { self.take_oldest() } else { None }
    }

    /// Removes and returns the oldest gap if there are too many.
    pub(in crate::event) fn take_excess(&mut self) -> Option<Gap> {
        if self.gaps.len() > Self::MAX_GAPS { self.take_oldest() } else { None }
    }

    fn take_oldest(&mut self) -> Option<Gap> {
        let mut gap = self.gaps.pop_front()?;
        self.pending -= gap.len();
        gap.is_certain = match gap.position {
            Position::Start => false,
            Position::AfterStart => !self.has_joined,
            Position::Later => true,
        };
        Some(gap)
    }

    /// Returns the deadline of the oldest gap.
    pub(in crate::event) fn deadline(&self) -> Option<Tick> {
        self.gaps.front().map(|gap| gap.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(serial: u32) -> EventId {
        at(100, serial)
    }

    fn at(seconds: u64, serial: u32) -> EventId {
        EventId::new(Timestamp::new(seconds, 0).expect("a time"), serial)
    }

    fn ranges(serials: &mut Serials) -> Vec<(u32, u32)> {
        std::iter::from_fn(|| serials.take_expired(Tick::from_nanos(u64::MAX)))
            .map(|gap| (gap.first, gap.last))
            .collect()
    }

    /// A record that opens its event.
    fn head(id: EventId) -> FirstRecord {
        FirstRecord { id, is_head: true, is_follower: false, deadline: Tick::from_nanos(1) }
    }

    /// A record that follows another of its event.
    fn follower(id: EventId) -> FirstRecord {
        FirstRecord { is_head: false, is_follower: true, ..head(id) }
    }

    fn add(serials: &mut Serials, id: EventId) -> SerialOrder {
        serials.add(head(id))
    }

    fn add_all(numbers: &[u32]) -> Serials {
        let mut serials = Serials::default();
        for number in numbers {
            add(&mut serials, id(*number));
        }
        serials
    }

    /// The gaps that remain, with whether the events in them are counted.
    fn counted(serials: &mut Serials) -> Vec<(u32, u32, bool)> {
        std::iter::from_fn(|| serials.take_expired(Tick::from_nanos(u64::MAX)))
            .map(|gap| (gap.first, gap.last, gap.is_certain))
            .collect()
    }

    #[test]
    fn late_serials_shrink_a_gap_from_both_ends_and_split_it() {
        let mut serials = add_all(&[100, 105]);
        assert_eq!(add(&mut serials, id(102)), SerialOrder::Skipped);
        assert_eq!(add(&mut serials, id(102)), SerialOrder::Old);
        assert_eq!(ranges(&mut serials), [(101, 101), (103, 104)]);
        let mut serials = add_all(&[100, 104, 101, 103, 102]);
        assert_eq!(ranges(&mut serials), []);
    }

    #[test]
    fn serials_wrap() {
        let mut serials = add_all(&[u32::MAX - 1, u32::MAX, 0, 1]);
        assert_eq!(ranges(&mut serials), []);
        let mut serials = add_all(&[u32::MAX - 1, 2, 0]);
        assert_eq!(ranges(&mut serials), [(u32::MAX, u32::MAX), (1, 1)]);
        let mut serials = add_all(&[u32::MAX - 1, 2]);
        assert_eq!(serials.take_expired(Tick::from_nanos(u64::MAX)).map(|gap| gap.len()), Some(3));
    }

    #[test]
    fn low_serials_with_a_later_time_are_a_restart() {
        let mut serials = add_all(&[500_000]);
        assert_eq!(add(&mut serials, at(200, 1)), SerialOrder::Restart);
        assert_eq!(add(&mut serials, at(200, 2)), SerialOrder::Ascending);
        assert_eq!(ranges(&mut serials), []);
    }

    #[test]
    fn a_low_serial_with_an_earlier_time_is_old() {
        let mut serials = add_all(&[500_000]);
        assert_eq!(add(&mut serials, at(50, 7)), SerialOrder::Old);
    }

    #[test]
    fn skipped_serials_are_pending_until_received_or_given_up() {
        let mut serials = add_all(&[100, 110, 105, 101, 120]);
        assert_eq!(serials.pending(), 7 + 9);
        assert!(serials.take_expired(Tick::from_nanos(u64::MAX)).is_some());
        assert_eq!(ranges(&mut serials).len(), 2);
        assert_eq!(serials.pending(), 0);
    }

    #[test]
    fn a_low_serial_with_a_later_time_is_a_restart_unless_it_was_skipped() {
        let mut serials = add_all(&[400, 450]);
        assert_eq!(add(&mut serials, at(160, 420)), SerialOrder::Skipped, "a long call");
        assert_eq!(add(&mut serials, at(220, 1)), SerialOrder::Restart);
        let mut serials = add_all(&[400, 401]);
        let soon = EventId::new(Timestamp::new(100, 900).expect("a time"), 399);
        assert_eq!(add(&mut serials, soon), SerialOrder::Old, "the time is that of the entry");
    }

    #[test]
    fn an_older_event_opens_a_gap_up_to_the_first() {
        let mut serials = add_all(&[3, 1, 4, 5]);
        assert_eq!(serials.pending(), 1);
        assert_eq!(counted(&mut serials), [(2, 2, false)]);
        let mut serials = add_all(&[9, 5, 2, 6, 3, 10]);
        assert_eq!(counted(&mut serials), [(7, 8, false), (4, 4, false)]);
        let mut serials = add_all(&[3, 1, 2, 4]);
        assert_eq!(counted(&mut serials), []);
        let mut serials = add_all(&[1, u32::MAX, 2]);
        assert_eq!(counted(&mut serials), [(0, 0, false)], "serials wrap");
    }

    #[test]
    fn a_reader_that_starts_within_an_event_has_uncertain_gaps_at_first() {
        for (first, is_certain) in [(follower as fn(_) -> _, false), (head, true)] {
            let mut serials = Serials::default();
            serials.add(first(id(100)));
            serials.add(head(id(103)));
            serials.add(head(at(101, 106)));
            serials.add(head(at(101, 108)));
            let expected = [(101, 102, is_certain), (104, 105, is_certain), (107, 107, true)];
            assert_eq!(counted(&mut serials), expected);
        }
    }

    #[test]
    fn the_end_of_an_event_that_began_before_makes_gaps_uncertain() {
        let mut serials = add_all(&[100, 102]);
        serials.add(follower(id(103)));
        assert_eq!(counted(&mut serials), [(101, 101, false)]);
        let mut serials = add_all(&[100, 102]);
        serials.add(follower(at(101, 103)));
        assert_eq!(counted(&mut serials), [(101, 101, true)], "later, its beginning is missing");
    }

    #[test]
    fn a_resumed_reader_has_a_certain_first_gap() {
        let mut serials = Serials::default();
        serials.resume(id(100));
        serials.add(follower(id(103)));
        assert_eq!(add(&mut serials, id(98)), SerialOrder::Old);
        assert_eq!(counted(&mut serials), [(101, 102, true)]);
    }

    #[test]
    fn a_resumed_reader_notices_a_reboot() {
        let mut serials = Serials::default();
        serials.resume(id(100));
        assert_eq!(add(&mut serials, at(190, 60)), SerialOrder::Restart);
    }

    #[test]
    fn a_step_forward_of_over_2_to_the_24_is_a_restart() {
        let mut serials = add_all(&[5]);
        assert_eq!(add(&mut serials, id(5 + (1 << 25))), SerialOrder::Restart);
        assert_eq!(add(&mut serials, id(6 + (1 << 25))), SerialOrder::Ascending);
    }

    #[test]
    fn gaps_expire_at_their_deadline() {
        let mut serials = Serials::default();
        serials.add(FirstRecord { deadline: Tick::from_nanos(5), ..head(id(1)) });
        serials.add(FirstRecord { deadline: Tick::from_nanos(10), ..head(id(3)) });
        assert_eq!(serials.deadline(), Some(Tick::from_nanos(10)));
        assert_eq!(serials.take_expired(Tick::from_nanos(9)), None);
        assert!(serials.take_expired(Tick::from_nanos(10)).is_some());
        assert_eq!(serials.deadline(), None);
    }

    #[test]
    fn the_number_of_gaps_is_bounded() {
        let mut serials = Serials::default();
        let mut given_up = 0;
        for number in 0..20_000 {
            add(&mut serials, id(number * 2));
            given_up += usize::from(serials.take_excess().is_some());
        }
        assert_eq!(serials.gaps.len(), Serials::MAX_GAPS);
        assert_eq!(given_up + serials.gaps.len(), 19_999);
    }
}
