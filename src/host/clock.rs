//! The clock of live sources, and those of the kernel.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::time::Tick;

/// Reads a clock of the kernel.
pub(crate) fn now(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// Converts times of the kernel's monotonic clock, which stands still while the machine is suspended, to times
/// since boot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BootTimes {
    last: Reading,
}

/// What was read of both clocks at one time.
#[derive(Clone, Copy, Debug)]
struct Reading {
    monotonic: Duration,
    /// For how long the machine had been suspended since boot.
    suspended: Duration,
}

impl Reading {
    /// Reads both clocks, again if the thread was interrupted in between.
    fn now() -> Self {
        let (mut best, mut shortest) = Self::once();
        for _ in 1..READINGS {
            if shortest < READING_LIMIT {
                break;
            }
            let (reading, duration) = Self::once();
            if duration < shortest {
                (best, shortest) = (reading, duration);
            }
        }
        best
    }

    /// Reads both clocks, and returns how long that took.
    fn once() -> (Self, Duration) {
        let monotonic = now(ClockId::CLOCK_MONOTONIC);
        let suspended = now(ClockId::CLOCK_BOOTTIME).saturating_sub(monotonic);
        let duration = now(ClockId::CLOCK_MONOTONIC).saturating_sub(monotonic);
        (Self { monotonic, suspended }, duration)
    }

    /// As [`now`](Self::now); the difference of the clocks is the former one unless the machine was suspended,
    /// so that converted times have the order of the monotonic ones.
    fn after(former: Self) -> Self {
        let reading = Self::now();
        if reading.suspended.abs_diff(former.suspended) > SHORTEST_SUSPENSION {
            return reading;
        }
        Self { suspended: former.suspended, ..reading }
    }
}

impl BootTimes {
    pub(crate) fn new() -> Self {
        Self { last: Reading::now() }
    }

    /// Returns the conversion of these times, all of which have passed since the last call.
    pub(crate) fn conversion(&mut self, times: impl Iterator<Item = Duration>) -> Conversion {
        let former = self.last;
        let reading = Reading::after(former);
        self.last = reading;
        Conversion::new(former, reading, times)
    }
}

/// The conversion of times between two readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conversion {
    /// When the machine resumed, if it was suspended between the readings.
    resumed_at: Option<Duration>,
    before: Duration,
    after: Duration,
}

impl Conversion {
    /// If the machine was suspended in between, that was when the longest time passed without an event: no
    /// process runs shortly before and after.
    fn new(former: Reading, reading: Reading, times: impl Iterator<Item = Duration>) -> Self {
        let (before, after) = (former.suspended, reading.suspended);
        if after == before {
            return Self { resumed_at: None, before, after };
        }
        let mut times: Vec<_> = times.chain([former.monotonic, reading.monotonic]).collect();
        times.sort_unstable();
        let gaps = times.iter().zip(times.iter().skip(1));
        let longest = gaps.max_by_key(|(before, after)| after.saturating_sub(**before));
        Self { resumed_at: longest.map(|(_, after)| *after), before, after }
    }

    pub(crate) fn since_boot(self, monotonic: Duration) -> Duration {
        let is_before = self.resumed_at.is_some_and(|resumed_at| monotonic < resumed_at);
        monotonic.saturating_add(if is_before { self.before } else { self.after })
    }
}

/// The two clocks are read one after the other, so the difference varies by less than this.
const SHORTEST_SUSPENSION: Duration = Duration::from_millis(50);

/// How often both clocks are read at most, and how long a reading takes unless the thread is interrupted.
const READINGS: usize = 20;
const READING_LIMIT: Duration = Duration::from_micros(20);

/// A clock of ticks: it starts at the time since 1970, and is monotonic from then on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    base: Tick,
}

impl Clock {
    /// Starts a clock at the current wall-clock time.
    #[expect(clippy::disallowed_methods, reason = "live sources read the time here")]
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started: Instant::now(), base: Tick::ZERO.saturating_add(since_epoch) }
    }

    /// Returns the current tick.
    pub(crate) fn now(&self) -> Tick {
        self.base.saturating_add(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn reading(monotonic: f64, suspended: f64) -> Reading {
        Reading { monotonic: seconds(monotonic), suspended: seconds(suspended) }
    }

    #[test]
    fn times_before_and_after_a_suspension_differ_by_it() {
        let times = [100.3, 100.01, 100.31, 100.02].map(seconds);
        let conversion =
            Conversion::new(reading(100.0, 7.0), reading(100.4, 12.0), times.into_iter());
        let converted = times.map(|time| conversion.since_boot(time));
        assert_eq!(converted, [112.3, 107.01, 112.31, 107.02].map(seconds));
        // one process came into being, before or after it
        for (time, expected) in [(100.05, 107.05), (100.35, 112.35)] {
            let time = seconds(time);
            let conversion =
                Conversion::new(reading(100.0, 7.0), reading(100.4, 12.0), [time].into_iter());
            assert_eq!(conversion.since_boot(time), seconds(expected));
        }
    }

    #[test]
    fn without_a_suspension_all_times_differ_from_the_clock_alike() {
        let times = [100.3, 100.01].map(seconds);
        let conversion =
            Conversion::new(reading(100.0, 7.0), reading(100.4, 7.0), times.into_iter());
        assert_eq!(times.map(|time| conversion.since_boot(time)), [107.3, 107.01].map(seconds));
    }

    #[test]
    fn an_interrupted_reading_does_not_move_later_times_before_earlier_ones() {
        let mut times = BootTimes::new();
        let offset = times.last.suspended;
        // the first reading was interrupted for 30 ms between the clocks
        times.last.suspended += Duration::from_millis(30);
        let time = times.last.monotonic;
        let first = times.conversion([time].into_iter()).since_boot(time);
        let later = time + Duration::from_micros(1);
        let second = times.conversion([later].into_iter()).since_boot(later);
        assert!(first < second);
        // a suspension is longer
        times.last.suspended = offset + Duration::from_secs(5);
        let (now, resumed) = (now(ClockId::CLOCK_MONOTONIC), times.last.monotonic);
        assert!(
            times.conversion([now].into_iter()).since_boot(now)
                < now + offset + SHORTEST_SUSPENSION
        );
        assert!(resumed <= now);
    }
}
