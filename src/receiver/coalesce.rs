//! Coalescing: under load, the receiver sleeps shortly before it reads, so that one system call receives
//! several records.

use std::time::Duration;

use crate::time::Tick;

/// Measures the rate of datagrams, and decides whether to coalesce them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coalesce {
    time: Duration,
    /// The start of the current period.
    started: Tick,
    /// The number of datagrams in the current period.
    count: usize,
    /// Whether the period before was busy.
    was_busy: bool,
}

/// The length of a period.
const PERIOD: Duration = Duration::from_millis(2);

/// How many datagrams make a period busy: 16,000 a second. At lower rates each is read at once.
const BUSY: usize = 32;

impl Coalesce {
    /// Coalesces for `time`; zero turns it off.
    pub(super) const fn new(time: Duration) -> Self {
        Self { time, started: Tick::ZERO, count: 0, was_busy: false }
    }

    /// Counts datagrams that were received.
    pub(super) fn add(&mut self, datagrams: usize, now: Tick) {
        let passed = now.saturating_duration_since(self.started);
        if passed >= PERIOD {
            // after a period without datagrams, the last busy one is too old
            self.was_busy = self.count >= BUSY && passed < 2 * PERIOD;
            self.started = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(datagrams);
    }

    /// Returns how long to sleep before the socket is read.
    pub(super) fn delay(&self, now: impl FnOnce() -> Tick) -> Option<Duration> {
        (!self.time.is_zero() && self.is_busy(now())).then_some(self.time)
    }

    fn is_busy(&self, now: Tick) -> bool {
        let is_recent = now.saturating_duration_since(self.started) < 2 * PERIOD;
        is_recent && (self.was_busy || self.count >= BUSY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_micros(200);

    fn at(micros: u64) -> Tick {
        Tick::from_nanos(1_000_000_000 + micros * 1000)
    }

    #[test]
    fn single_events_are_not_delayed() {
        let mut coalesce = Coalesce::new(TIME);
        for event in 0..1_000 {
            // four records, a millisecond apart
            for record in 0..4 {
                let now = at(event * 1_000 + record);
                coalesce.add(1, now);
                assert_eq!(coalesce.delay(|| now), None);
            }
        }
    }

    #[test]
    fn a_burst_is_coalesced_until_it_ends() {
        let mut coalesce = Coalesce::new(TIME);
        for record in 0..32 {
            coalesce.add(1, at(record * 10));
        }
        assert_eq!(coalesce.delay(|| at(400)), Some(TIME));
        // it continues from one period to the next, though each begins with few datagrams
        for batch in 1..100 {
            coalesce.add(20, at(400 + batch * 200));
            assert_eq!(coalesce.delay(|| at(400 + batch * 200)), Some(TIME), "{batch}");
        }
        assert_eq!(coalesce.delay(|| at(30_000)), None);
        coalesce.add(1, at(30_000));
        assert_eq!(coalesce.delay(|| at(30_000)), None);
    }

    #[test]
    fn zero_turns_it_off() {
        let mut coalesce = Coalesce::new(Duration::ZERO);
        coalesce.add(1_000, at(0));
        assert_eq!(coalesce.delay(|| at(0)), None);
    }
}
