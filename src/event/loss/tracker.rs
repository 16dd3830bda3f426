//! The loss tracker: each loss is counted and queued for delivery where it is detected.

use std::collections::VecDeque;

use bytes::Bytes;

use super::serials::Gap;
use super::{Cause, Count, CounterReading, HealthFaults, Loss, Stats, Sum, Unit};
use crate::event::{Delivery, Event};
use crate::message_type::MessageType;
use crate::record::{EventId, Record, Value};
use crate::time::Tick;

/// Counts losses and queues them, in order, between the events.
#[derive(Debug, Default)]
pub(in crate::event) struct LossTracker {
    pub(in crate::event) stats: Stats,
    /// Events and losses that were not polled yet.
    ready: VecDeque<Delivery>,
    /// The event of the last record: new losses are reported after it.
    pub(in crate::event) last: Option<EventId>,
    pub(in crate::event) lost_counter: Option<u32>,
    /// Whether the reader continues after another one, so that losses before the first reading count.
    has_resumed: bool,
    last_record_at: Tick,
    explained: Explained,
}

/// Missing serials that overruns account for.
///
/// An event that an overrun dropped completely had at least one of the dropped records, so an overrun
/// of n records explains at most n missing serials.
#[derive(Debug, Default)]
struct Explained {
    serials: u64,
    until: Option<Tick>,
}

impl LossTracker {
    /// Continues after an event that another reader received last.
    pub(in crate::event) const fn resume(&mut self, id: EventId) {
        self.last = Some(id);
        self.has_resumed = true;
    }

    /// Takes the next delivery, and counts it.
    #[inline]
    pub(in crate::event) fn poll(&mut self) -> Option<Delivery> {
        let delivery = self.ready.pop_front()?;
        match &delivery {
            Delivery::Event(_) => self.stats.events += 1,
            Delivery::Loss(_) => self.stats.losses += 1,
        }
        Some(delivery)
    }

    /// Queues an event for delivery.
    pub(in crate::event) fn push(&mut self, event: Event, is_whole: bool) {
        self.stats.incomplete += u64::from(!is_whole);
        self.ready.push_back(Delivery::Event(event));
    }

    /// Counts a record, and reads from it what concerns the detection of losses.
    #[inline(always)]
    pub(in crate::event) fn record(&mut self, record: &Record<'_>, at: Tick) {
        self.stats.records += 1;
        self.last_record_at = at;
        if self.stats.counter == CounterReading::Current {
            self.stats.counter = CounterReading::Stale;
        }
        if record.received_type() == MessageType::CONFIG_CHANGE {
            self.config_change(record);
        }
    }

    pub(in crate::event) fn overrun(&mut self, dropped: Option<u64>) {
        if let Some(dropped) = dropped {
            self.explain(dropped);
        }
        let count = dropped.map_or(Count::Unknown, Count::Exactly);
        self.lose(Cause::SocketOverrun, count, Unit::Records);
    }

    pub(in crate::event) fn queue_full(&mut self, dropped: u64) {
        self.explain(dropped);
        self.lose(Cause::QueueFull, Count::Exactly(dropped), Unit::Records);
    }

    /// Sets until when overruns explain gaps, unless that is set.
    pub(in crate::event) fn explain_until(&mut self, until: Tick) {
        if self.explained.serials > 0 && self.explained.until.is_none() {
            self.explained.until = Some(until);
        }
    }

    /// Stops explaining gaps if the time for that is over.
    pub(in crate::event) fn expire(&mut self, at: Tick) {
        if self.explained.until.is_some_and(|until| until < at) {
            self.explained = Explained::default();
        }
    }

    /// Returns until when overruns explain gaps, if that is set.
    pub(in crate::event) const fn explained_until(&self) -> Option<Tick> {
        self.explained.until
    }

    fn explain(&mut self, records: u64) {
        // saturating: counts from outside must not wrap
        self.explained.serials = self.explained.serials.saturating_add(records);
        self.explained.until = None;
    }

    /// Compares a reading of the kernel's counter, requested at `at`, with the one before.
    pub(in crate::event) fn lost_counter(&mut self, total: u32, at: Tick) {
        let before = self.lost_counter.replace(total);
        // If the first reading comes after the first record, earlier losses stay unknown. A reading
        // that was requested before the last record was received does not cover the time up to it.
        if self.stats.counter != CounterReading::Unknown || self.stats.records == 0 {
            let is_current = at >= self.last_record_at;
            self.stats.counter =
                if is_current { CounterReading::Current } else { CounterReading::Stale };
        }
        match before {
            // nothing was lost since the boot; a reset of the counter leaves a record
            None if total == 0 => {}
            // part of it may have been lost after the event after which the reader continues
            None if self.has_resumed => self.lose(Cause::KernelLost, Count::Unknown, Unit::Mixed),
            None => {} // losses before the first reading are not reported
            Some(before) if total >= before => self.kernel_lost(u64::from(total - before)),
            // the counter was reset, and the record of that was not received before
            Some(_) => {
                let count = match total {
                    0 => Count::Unknown,
                    _ => Count::AtLeast(u64::from(total)),
                };
                self.lose(Cause::KernelLost, count, Unit::Mixed);
            }
        }
    }

    fn kernel_lost(&mut self, count: u64) {
        if count > 0 {
            self.lose(Cause::KernelLost, Count::Exactly(count), Unit::Mixed);
        }
    }

    /// Follows a reset of the counter, and auditing being turned on or off.
    #[cold]
    fn config_change(&mut self, record: &Record<'_>) {
        let setting = record.as_config_change().and_then(|change| change.setting());
        let old: Option<u32> = record.field("old").and_then(Value::decimal);
        match setting {
            // the counter was reset; its value before was `old`
            Some((b"lost", new)) => {
                if let (Some(old), Some(new)) = (old, new.decimal()) {
                    self.counter_reset(old, new);
                }
            }
            Some((b"audit_enabled", new)) if record.field("res").is_some_and(is_success) => {
                let mut faults = self.stats.health_faults;
                faults.set(HealthFaults::DISABLED, new.decimal() == Some(0));
                self.health(faults);
            }
            _ => {}
        }
    }

    /// Compares the counter's value before it was reset with the reading before that.
    fn counter_reset(&mut self, old: u32, new: u32) {
        match self.lost_counter {
            Some(before) => self.kernel_lost(u64::from(old.saturating_sub(before))),
            // part of it may have been lost before the log begins, or the reader continued
            None if self.has_resumed || self.stats.counter == CounterReading::Absent => {
                if old > 0 {
                    self.lose(Cause::KernelLost, Count::Unknown, Unit::Mixed);
                }
            }
            None => return, // losses before the first reading are not reported
        }
        self.lost_counter = Some(new);
    }

    /// Compares the present faults of the audit system with those before.
    pub(in crate::event) fn health(&mut self, faults: HealthFaults) {
        let before = std::mem::replace(&mut self.stats.health_faults, faults);
        let new = faults - before;
        if !new.is_empty() {
            self.lose(Cause::HealthFault { faults: new }, Count::Unknown, Unit::Events);
        }
        if faults.is_empty() && !before.is_empty() {
            self.lose(Cause::HealthRestored, Count::Unknown, Unit::Events);
        }
    }

    pub(in crate::event) fn undecodable(&mut self, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.lose(Cause::Undecodable { bytes }, Count::Exactly(1), Unit::Records);
    }

    /// Reports missing serials, less those that an overrun explains.
    pub(in crate::event) fn serial_gap(&mut self, gap: Gap) {
        let is_in_time = self.explained.until.is_none_or(|until| gap.deadline <= until);
        let explained = if is_in_time { gap.len().min(self.explained.serials) } else { 0 };
        self.explained.serials -= explained;
        if explained < gap.len() {
            let missing = gap.len() - explained;
            let count = if gap.is_certain { Count::Exactly(missing) } else { Count::Unknown };
            let cause = Cause::SerialGap { first: gap.first, last: gap.last };
            self.report(Loss::new(cause, count, Unit::Events, Some(gap.after)));
        }
    }

    /// Reports a loss after the last record.
    #[cold]
    pub(in crate::event) fn lose(&mut self, cause: Cause, count: Count, unit: Unit) {
        self.report(Loss::new(cause, count, unit, self.last));
    }

    /// Counts a loss and queues it for delivery.
    fn report(&mut self, loss: Loss) {
        let cause = loss.cause().kind();
        match (cause.sum(), loss.count()) {
            (Sum::Counts, Count::Exactly(count)) => self.stats.totals.add(cause, count),
            (Sum::Losses, _) => self.stats.totals.add(cause, 1),
            (Sum::Counts | Sum::Nothing, _) => {}
        }
        match loss.count() {
            Count::Exactly(_) => {}
            _ if cause.is_of_health() => {}
            Count::AtLeast(count) => {
                self.stats.lost_at_least = self.stats.lost_at_least.saturating_add(count);
                self.stats.uncounted_losses += 1;
            }
            Count::Unknown => self.stats.uncounted_losses += 1,
        }
        self.ready.push_back(Delivery::Loss(loss));
    }
}

fn is_success(result: Value<'_>) -> bool {
    result.boolean() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn id(serial: u32) -> EventId {
        EventId::new(Timestamp::new(100, 0).expect("a time"), serial)
    }

    /// The counts of the losses after these readings of the kernel's counter.
    fn counts(losses: &mut LossTracker, readings: &[u32]) -> Vec<Count> {
        readings.iter().for_each(|total| losses.lost_counter(*total, Tick::ZERO));
        let losses = std::iter::from_fn(|| losses.poll());
        losses
            .map(|delivery| match delivery {
                Delivery::Loss(loss) => loss.count(),
                Delivery::Event(event) => panic!("{event:?}"),
            })
            .collect()
    }

    #[test]
    fn a_resumed_reader_reports_what_the_kernel_lost_meanwhile() {
        let resumed = |before: Option<u32>, readings: &[u32]| {
            let mut losses = LossTracker { lost_counter: before, ..LossTracker::default() };
            losses.resume(id(7));
            counts(&mut losses, readings)
        };
        assert_eq!(resumed(Some(7), &[1007, 1007]), [Count::Exactly(1000)]);
        assert_eq!(resumed(Some(7), &[7, 7]), []);
        assert_eq!(resumed(None, &[1007, 1007]), [Count::Unknown], "some of them before");
        assert_eq!(resumed(None, &[0, 0]), [], "a reset would leave a record");
        assert_eq!(counts(&mut LossTracker::default(), &[1007, 1007]), [], "it begins anew");
    }

    #[test]
    fn a_reset_of_the_counter_shows_losses_before_the_first_reading() {
        let mut losses = LossTracker::default();
        losses.resume(id(7));
        losses.counter_reset(1007, 0);
        assert_eq!(counts(&mut losses, &[2]), [Count::Unknown, Count::Exactly(2)]);
        let mut log = LossTracker::default();
        log.stats.counter = CounterReading::Absent;
        log.counter_reset(0, 0);
        log.counter_reset(5, 0);
        assert_eq!(counts(&mut log, &[]), [Count::Exactly(5)]);
    }
}
