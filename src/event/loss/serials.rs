//! Following serial numbers: what was skipped, what came late, what never came.

use std::collections::VecDeque;

use crate::record::EventId;
use crate::time::{Tick, Timestamp};

/// Serials that were skipped and may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) struct Gap {
    pub(in crate::event) first: u32,
    pub(in crate::event) last: u32,
    pub(in crate::event) after: EventId,
    pub(in crate::event) deadline: Tick,
    /// Whether what is missing may have come before the reader began to listen.
    pub(in crate::event) is_at_start: bool,
}

impl Gap {
    /// How many serials the gap spans.
    pub(in crate::event) const fn len(&self) -> u64 {
        self.last.wrapping_sub(self.first) as u64 + 1
    }

    const fn contains(&self, serial: u32) -> bool {
        serial.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }
}

/// What a serial turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) enum Seen {
    /// The first, the next, or one that skips some.
    InOrder,
    /// One that had been skipped.
    Healed,
    /// An old one that nobody waits for.
    Old,
    /// One that can only come from another boot.
    Restart,
}

/// The serials of one machine.
///
/// Serials are compared by their signed distance, so that the wrap after 2³² is no event.
#[derive(Debug, Default)]
pub(in crate::event) struct Serials {
    highest: Option<EventId>,
    latest: Option<Timestamp>,
    gaps: VecDeque<Gap>,
    pending: u64,
    /// The event that the reader began to listen in the middle of.
    joined_within: Option<EventId>,
}

/// A step back by more than this, with a later time than any before, is another boot.
const RESTART_BACKWARDS: i32 = -1024;
/// A step forward by more than this is no gap that anybody could count.
const RESTART_FORWARDS: i32 = 1 << 24;

impl Serials {
    /// The gaps that are waited for at most; the oldest is given up for a new one.
    const MAX_GAPS: usize = 4096;

    /// Begins behind an event that was received earlier, by another reader.
    pub(in crate::event) fn resume(&mut self, id: EventId) {
        self.highest = Some(id);
        self.latest = Some(id.time());
    }

    /// Returns how many serials are waited for.
    pub(in crate::event) const fn pending(&self) -> u64 {
        self.pending
    }

    /// Takes note of the first record of an event; `is_head` if an event can begin with it.
    pub(in crate::event) fn see(&mut self, id: EventId, is_head: bool, deadline: Tick) -> Seen {
        let time = id.time();
        let is_latest = self.latest.is_none_or(|latest| time > latest);
        if is_latest {
            self.latest = Some(time);
        }
        let Some(highest) = self.highest else {
            self.highest = Some(id);
            self.joined_within = Some(id).filter(|_| !is_head);
            return Seen::InOrder;
        };
        let distance = id.serial().wrapping_sub(highest.serial()) as i32;
        let other_time = distance == 0 && id != highest;
        if distance > RESTART_FORWARDS
            || (is_latest && distance < RESTART_BACKWARDS)
            || (is_latest && other_time)
        {
            self.highest = Some(id);
            self.latest = Some(time);
            return Seen::Restart;
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
            return Seen::InOrder;
        }
        if self.heal(id.serial()) { Seen::Healed } else { Seen::Old }
    }

    /// Takes a serial out of the gap that it is in.
    fn heal(&mut self, serial: u32) -> bool {
        // the newest gaps are the likeliest
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
            let behind = Gap { first: serial.wrapping_add(1), ..*gap };
            gap.last = serial.wrapping_sub(1);
            self.gaps.insert(index + 1, behind);
        }
        true
    }

    /// Gives up the oldest gap if its time has come.
    pub(in crate::event) fn settle(&mut self, now: Tick) -> Option<Gap> {
        if self.deadline()? <= now { self.give_up_oldest() } else { None }
    }

    /// Gives up the oldest gap if there are too many.
    pub(in crate::event) fn give_up(&mut self) -> Option<Gap> {
        if self.gaps.len() > Self::MAX_GAPS { self.give_up_oldest() } else { None }
    }

    fn give_up_oldest(&mut self) -> Option<Gap> {
        let gap = self.gaps.pop_front()?;
        self.pending -= gap.len();
        Some(gap)
    }

    /// When the oldest gap is to be given up.
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

    fn spans(serials: &mut Serials) -> Vec<(u32, u32)> {
        std::iter::from_fn(|| serials.settle(Tick::from_nanos(u64::MAX)))
            .map(|gap| (gap.first, gap.last))
            .collect()
    }

    fn see_all(numbers: &[u32]) -> Serials {
        let mut serials = Serials::default();
        for number in numbers {
            serials.see(id(*number), true, Tick::from_nanos(1));
        }
        serials
    }

    #[test]
    fn a_gap_heals_from_both_ends_and_from_within() {
        let mut serials = see_all(&[100, 105]);
        assert_eq!(serials.see(id(102), true, Tick::ZERO), Seen::Healed);
        assert_eq!(serials.see(id(102), true, Tick::ZERO), Seen::Old);
        assert_eq!(spans(&mut serials), [(101, 101), (103, 104)]);
        let mut serials = see_all(&[100, 104, 101, 103, 102]);
        assert_eq!(spans(&mut serials), []);
    }

    #[test]
    fn serials_wrap() {
        let mut serials = see_all(&[u32::MAX - 1, u32::MAX, 0, 1]);
        assert_eq!(spans(&mut serials), []);
        let mut serials = see_all(&[u32::MAX - 1, 2, 0]);
        assert_eq!(spans(&mut serials), [(u32::MAX, u32::MAX), (1, 1)]);
        let mut serials = see_all(&[u32::MAX - 1, 2]);
        assert_eq!(serials.settle(Tick::from_nanos(u64::MAX)).map(|gap| gap.len()), Some(3));
    }

    #[test]
    fn serials_restart_at_boot() {
        let mut serials = see_all(&[500_000]);
        assert_eq!(serials.see(at(200, 1), true, Tick::ZERO), Seen::Restart);
        assert_eq!(serials.see(at(200, 2), true, Tick::ZERO), Seen::InOrder);
        assert_eq!(spans(&mut serials), []);
    }

    #[test]
    fn a_call_that_blocked_for_long_is_old_not_a_restart() {
        let mut serials = see_all(&[500_000]);
        assert_eq!(serials.see(at(50, 7), true, Tick::ZERO), Seen::Old);
    }

    #[test]
    fn pending_serials_are_counted_until_they_heal_or_settle() {
        let mut serials = see_all(&[100, 110, 105, 101, 120]);
        assert_eq!(serials.pending(), 7 + 9);
        assert!(serials.settle(Tick::from_nanos(u64::MAX)).is_some());
        assert_eq!(spans(&mut serials).len(), 2);
        assert_eq!(serials.pending(), 0);
    }

    #[test]
    fn who_joins_within_an_event_may_have_missed_its_neighbours() {
        let mut serials = Serials::default();
        serials.see(id(100), false, Tick::ZERO);
        serials.see(id(103), false, Tick::ZERO);
        serials.see(id(106), true, Tick::ZERO);
        let hints: Vec<_> = std::iter::from_fn(|| serials.settle(Tick::from_nanos(u64::MAX)))
            .map(|gap| (gap.first, gap.is_at_start))
            .collect();
        assert_eq!(hints, [(101, true), (104, false)]);
    }

    #[test]
    fn a_successor_goes_on_where_the_other_was() {
        let mut serials = Serials::default();
        serials.resume(id(100));
        serials.see(id(103), false, Tick::ZERO);
        assert_eq!(
            serials.settle(Tick::from_nanos(u64::MAX)).map(|gap| gap.is_at_start),
            Some(false)
        );
    }

    #[test]
    fn an_absurd_step_is_a_restart() {
        let mut serials = see_all(&[5]);
        assert_eq!(serials.see(id(5 + (1 << 25)), true, Tick::ZERO), Seen::Restart);
        assert_eq!(serials.see(id(6 + (1 << 25)), true, Tick::ZERO), Seen::InOrder);
    }

    #[test]
    fn gaps_are_given_up_in_time() {
        let mut serials = Serials::default();
        serials.see(id(1), true, Tick::from_nanos(5));
        serials.see(id(3), true, Tick::from_nanos(10));
        assert_eq!(serials.deadline(), Some(Tick::from_nanos(10)));
        assert_eq!(serials.settle(Tick::from_nanos(9)), None);
        assert!(serials.settle(Tick::from_nanos(10)).is_some());
        assert_eq!(serials.deadline(), None);
    }

    #[test]
    fn the_number_of_gaps_is_bounded() {
        let mut serials = Serials::default();
        let mut given_up = 0;
        for number in 0..20_000 {
            serials.see(id(number * 2), true, Tick::from_nanos(u64::MAX));
            given_up += usize::from(serials.give_up().is_some());
        }
        assert_eq!(serials.gaps.len(), Serials::MAX_GAPS);
        assert_eq!(given_up + serials.gaps.len(), 19_999);
    }
}
