//! The books: what is missing, what is known of it, and what waits to be handed out.

use std::collections::VecDeque;

use bytes::Bytes;

use super::serials::Gap;
use super::{Cause, Count, CounterReading, HealthFaults, Loss, Stats, Unit};
use crate::event::{Delivery, Event};
use crate::message_type::MessageType;
use crate::record::{EventId, Record, Value};
use crate::time::Tick;

/// Keeps stats: every sign of a loss is written down once, where it became known.
#[derive(Debug, Default)]
pub(in crate::event) struct LossTracker {
    pub(in crate::event) stats: Stats,
    /// What waits to be handed out, in its order.
    ready: VecDeque<Delivery>,
    /// The event of the last record, behind which a loss stands.
    pub(in crate::event) last: Option<EventId>,
    lost_counter: Option<u32>,
    last_record_at: Tick,
    explained: Explained,
}

/// Missing serials that an overrun accounts for already.
///
/// Every event that an overrun swallowed whole took at least one dropped record with it, so an
/// overrun of n records explains at most n missing serials.
#[derive(Debug, Default)]
struct Explained {
    serials: u64,
    until: Option<Tick>,
}

impl LossTracker {
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

    /// Puts an event behind what waits to be handed out.
    pub(in crate::event) fn push(&mut self, event: Event, is_whole: bool) {
        self.stats.incomplete += u64::from(!is_whole);
        self.ready.push_back(Delivery::Event(event));
    }

    /// Counts a record, and takes note of what it says about the signs themselves.
    #[inline(always)]
    pub(in crate::event) fn record(&mut self, record: &Record<'_>, at: Tick) {
        self.stats.records += 1;
        self.last_record_at = at;
        if self.stats.counter == CounterReading::Current {
            self.stats.counter = CounterReading::Stale;
        }
        if record.message_type() == MessageType::CONFIG_CHANGE {
            self.config_change(record);
        }
    }

    pub(in crate::event) fn truncated(&mut self, lacking: usize) {
        self.stats.truncated += 1;
        self.lose(Cause::Truncated, Count::Exactly(lacking as u64), Unit::Bytes);
    }

    pub(in crate::event) fn restart(&mut self) {
        self.stats.restarts += 1;
        self.lose(Cause::SerialRestart, Count::Unknown, Unit::Events);
    }

    pub(in crate::event) fn overrun(&mut self, dropped: Option<u64>) {
        let count = dropped.map_or(Count::Unknown, Count::Exactly);
        if let Some(dropped) = dropped {
            add(&mut self.stats.overrun_records, dropped);
            self.explain(dropped);
        }
        self.lose(Cause::SocketOverrun, count, Unit::Records);
    }

    pub(in crate::event) fn queue_full(&mut self, dropped: u64) {
        add(&mut self.stats.queue_records, dropped);
        self.explain(dropped);
        self.lose(Cause::QueueFull, Count::Exactly(dropped), Unit::Records);
    }

    /// Ends the time in which gaps are explained, now that it is known.
    pub(in crate::event) fn explain_until(&mut self, until: Tick) {
        if self.explained.serials > 0 && self.explained.until.is_none() {
            self.explained.until = Some(until);
        }
    }

    /// Explains nothing more once the time is over.
    pub(in crate::event) fn expire(&mut self, at: Tick) {
        if self.explained.until.is_some_and(|until| until < at) {
            self.explained = Explained::default();
        }
    }

    /// Until when gaps are explained, if that is known.
    pub(in crate::event) const fn explained_until(&self) -> Option<Tick> {
        self.explained.until
    }

    fn explain(&mut self, records: u64) {
        add(&mut self.explained.serials, records);
        self.explained.until = None;
    }

    /// Takes note of a reading of the kernel's counter, begun at `at`.
    pub(in crate::event) fn lost_counter(&mut self, total: u32, at: Tick) {
        let before = self.lost_counter.replace(total);
        // a first reading that comes too late says nothing about what was lost before it, and one
        // that was begun before the last record came, nothing about what was lost before that
        if self.stats.counter != CounterReading::Unknown || self.stats.records == 0 {
            let is_current = at >= self.last_record_at;
            self.stats.counter =
                if is_current { CounterReading::Current } else { CounterReading::Stale };
        }
        match before {
            None => {} // what was lost before is not ours to report
            Some(before) if total >= before => self.kernel_lost(u64::from(total - before)),
            // somebody reset it, and the record of that did not come first
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
            self.stats.kernel_lost += count;
            self.lose(Cause::KernelLost, Count::Exactly(count), Unit::Mixed);
        }
    }

    /// Takes note of changes that concern the signs themselves.
    #[cold]
    fn config_change(&mut self, record: &Record<'_>) {
        let setting = record.as_config_change().and_then(|change| change.setting());
        let old: Option<u32> = record.field("old").and_then(Value::decimal);
        match setting {
            // the counter was reset: it stood at `old`
            Some((b"lost", new)) => {
                if let (Some(before), Some(old), Some(new)) =
                    (self.lost_counter, old, new.decimal())
                {
                    self.kernel_lost(u64::from(old.saturating_sub(before)));
                    self.lost_counter = Some(new);
                }
            }
            Some((b"audit_enabled", new)) if record.field("res").is_some_and(is_success) => {
                let mut faults = self.stats.health_faults;
                faults.set(HealthFaults::DISABLED, new.decimal() == Some(0));
                self.service(faults);
            }
            _ => {}
        }
    }

    /// Takes note of all that is wrong with the service.
    pub(in crate::event) fn service(&mut self, faults: HealthFaults) {
        let before = std::mem::replace(&mut self.stats.health_faults, faults);
        let new = faults - before;
        if !new.is_empty() {
            self.stats.health_fault_count += 1;
            self.lose(Cause::HealthFault { faults: new }, Count::Unknown, Unit::Events);
        }
        if faults.is_empty() && !before.is_empty() {
            self.lose(Cause::HealthRestored, Count::Unknown, Unit::Events);
        }
    }

    pub(in crate::event) fn undecodable(&mut self, bytes: &[u8]) {
        self.stats.undecodable += 1;
        let bytes = Bytes::copy_from_slice(bytes);
        self.lose(Cause::Undecodable { bytes }, Count::Exactly(1), Unit::Records);
    }

    fn lose(&mut self, cause: Cause, count: Count, unit: Unit) {
        self.notify(Loss::new(cause, count, unit, self.last));
    }

    fn notify(&mut self, loss: Loss) {
        match loss.count() {
            Count::Exactly(_) => {}
            _ if loss.is_of_health() => {}
            Count::AtLeast(count) => {
                self.stats.lost_at_least += count;
                self.stats.uncounted_losses += 1;
            }
            Count::Unknown => self.stats.uncounted_losses += 1,
        }
        self.ready.push_back(Delivery::Loss(loss));
    }

    /// Reports a gap, less what an overrun explains.
    pub(in crate::event) fn report(&mut self, gap: Gap) {
        let is_in_time = self.explained.until.is_none_or(|until| gap.deadline <= until);
        let explained = if is_in_time { gap.len().min(self.explained.serials) } else { 0 };
        self.explained.serials -= explained;
        if explained < gap.len() {
            let missing = gap.len() - explained;
            let count = if gap.is_at_start {
                Count::Unknown
            } else {
                self.stats.gap_events += missing;
                Count::Exactly(missing)
            };
            let cause = Cause::SerialGap { first: gap.first, last: gap.last };
            self.notify(Loss::new(cause, count, Unit::Events, Some(gap.after)));
        }
    }
}

/// Adds a number that somebody else told: of two absurd ones comes the greatest that there is, not a
/// small one.
const fn add(sum: &mut u64, number: u64) {
    *sum = sum.saturating_add(number);
}

fn is_success(result: Value<'_>) -> bool {
    result.boolean() == Some(true)
}
