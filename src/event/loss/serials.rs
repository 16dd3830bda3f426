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
    /// Whether the missing events may have been sent before the reader started.
    pub(in crate::event) is_at_start: bool,
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

/// The serials of one machine.
///
/// Serials are compared by their signed distance, so the wrap after 2³² needs no special case.
#[derive(Debug, Default)]
pub(in crate::event) struct Serials {
    highest: Option<EventId>,
    latest: Option<Timestamp>,
    gaps: VecDeque<Gap>,
    pending: u64,
    /// The event in the middle of which the reader started.
    joined_within: Option<EventId>,
}

/// A step back by more than this, with a later time than any before, is a restart.
const RESTART_BACKWARDS: i32 = -1024;
/// A step forward by more than this is a restart, not a gap.
const RESTART_FORWARDS: i32 = 1 << 24;

impl Serials {
    /// The maximum number of gaps. The oldest is given up for a new one.
    const MAX_GAPS: usize = 4096;

    /// Starts after an event that another reader received last.
    pub(in crate::event) fn resume(&mut self, id: EventId) {
        self.highest = Some(id);
        self.latest = Some(id.time());
    }

    /// Returns the number of serials that may still be received.
    pub(in crate::event) const fn pending(&self) -> u64 {
        self.pending
    }

    /// Adds the serial of an event's first record. `is_head` states whether an event can begin with
    /// that type of record.
    pub(in crate::event) fn add(
        &mut self,
        id: EventId,
        is_head: bool,
        deadline: Tick,
    ) -> SerialOrder {
        let time = id.time();
        let is_latest = self.latest.is_none_or(|latest| time > latest);
        if is_latest {
            self.latest = Some(time);
        }
        let Some(highest) = self.highest else {
            self.highest = Some(id);
            self.joined_within = Some(id).filter(|_| !is_head);
            return SerialOrder::Ascending;
        };
        let distance = id.serial().wrapping_sub(highest.serial()) as i32;
        let other_time = distance == 0 && id != highest;
        if distance > RESTART_FORWARDS
            || (is_latest && distance < RESTART_BACKWARDS)
            || (is_latest && other_time)
        {
            self.highest = Some(id);
            self.latest = Some(time);
            return SerialOrder::Restart;
        }
        if distance > 0 {
            if distance > 1 {
                let first = highest.serial().wrapping_add(1);
                let last = id.serial().wrapping_sub(1);
                let is_at_start = self.joined_within == Some(highest);
                let gap = Gap { first, last, after: highest, deadline, is_at_start };
                self.pending += gap.len();
                self.gaps.push_back(gap);
            }
            self.highest = Some(id);
            return SerialOrder::Ascending;
        }
        if self.remove_from_gap(id.serial()) { SerialOrder::Skipped } else { SerialOrder::Old }
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
        let gap = self.gaps.pop_front()?;
        self.pending -= gap.len();
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

    fn add_all(numbers: &[u32]) -> Serials {
        let mut serials = Serials::default();
        for number in numbers {
            serials.add(id(*number), true, Tick::from_nanos(1));
        }
        serials
    }

    #[test]
    fn late_serials_shrink_a_gap_from_both_ends_and_split_it() {
        let mut serials = add_all(&[100, 105]);
        assert_eq!(serials.add(id(102), true, Tick::ZERO), SerialOrder::Skipped);
        assert_eq!(serials.add(id(102), true, Tick::ZERO), SerialOrder::Old);
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
        assert_eq!(serials.add(at(200, 1), true, Tick::ZERO), SerialOrder::Restart);
        assert_eq!(serials.add(at(200, 2), true, Tick::ZERO), SerialOrder::Ascending);
        assert_eq!(ranges(&mut serials), []);
    }

    #[test]
    fn a_low_serial_with_an_earlier_time_is_old() {
        let mut serials = add_all(&[500_000]);
        assert_eq!(serials.add(at(50, 7), true, Tick::ZERO), SerialOrder::Old);
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
    fn a_reader_that_starts_within_an_event_has_an_uncertain_first_gap() {
        let mut serials = Serials::default();
        serials.add(id(100), false, Tick::ZERO);
        serials.add(id(103), false, Tick::ZERO);
        serials.add(id(106), true, Tick::ZERO);
        let hints: Vec<_> = std::iter::from_fn(|| serials.take_expired(Tick::from_nanos(u64::MAX)))
            .map(|gap| (gap.first, gap.is_at_start))
            .collect();
        assert_eq!(hints, [(101, true), (104, false)]);
    }

    #[test]
    fn a_resumed_reader_has_a_certain_first_gap() {
        let mut serials = Serials::default();
        serials.resume(id(100));
        serials.add(id(103), false, Tick::ZERO);
        assert_eq!(
            serials.take_expired(Tick::from_nanos(u64::MAX)).map(|gap| gap.is_at_start),
            Some(false)
        );
    }

    #[test]
    fn a_step_forward_of_over_2_to_the_24_is_a_restart() {
        let mut serials = add_all(&[5]);
        assert_eq!(serials.add(id(5 + (1 << 25)), true, Tick::ZERO), SerialOrder::Restart);
        assert_eq!(serials.add(id(6 + (1 << 25)), true, Tick::ZERO), SerialOrder::Ascending);
    }

    #[test]
    fn gaps_expire_at_their_deadline() {
        let mut serials = Serials::default();
        serials.add(id(1), true, Tick::from_nanos(5));
        serials.add(id(3), true, Tick::from_nanos(10));
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
            serials.add(id(number * 2), true, Tick::from_nanos(u64::MAX));
            given_up += usize::from(serials.take_excess().is_some());
        }
        assert_eq!(serials.gaps.len(), Serials::MAX_GAPS);
        assert_eq!(given_up + serials.gaps.len(), 19_999);
    }
}
