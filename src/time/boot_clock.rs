//! From the wall clock of audit stamps to the time since boot, and back.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Timestamp;

/// Maps audit stamps, which are wall-clock times, to the time since boot, and back, with a bound.
///
/// It is fed with readings of both clocks, taken together: at the start, and from time to time. It
/// follows steps of the wall clock: a stamp is judged by the readings around it. Time in suspend
/// counts as time since boot (`CLOCK_BOOTTIME`), as it does in /proc. Stamps from before the first
/// reading are taken to follow the first offset.
///
/// The kernel keeps the start of a process in clock ticks since boot (field 22 of
/// /proc/PID/stat), and stamps the call that creates it when the call is *entered*, by a clock that
/// moves only with the kernel's timer interrupt. So a stamp never tells the start exactly, only
/// [a range](Self::starts) of a few ticks.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auditlink::time::{BootClock, Timestamp};
///
/// let mut clock = BootClock::new(100, Duration::from_millis(4));
/// clock.sample(Duration::from_secs(1_700_000_000), Duration::from_secs(500));
/// let stamp = Timestamp::new(1_700_000_001, 0).ok_or("millis out of range")?;
/// let starts = clock.starts(stamp).ok_or("it has been read")?;
/// assert!(starts.contains(&50_100));
/// assert!(starts.end() - starts.start() < 10);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct BootClock {
    ticks_per_second: u32,
    /// How far a stamp may lag behind the clock that it was read from.
    lag: Duration,
    /// In the order of their times.
    offsets: VecDeque<Offset>,
}

/// A stretch of time in which the wall clock was ahead of the time since boot by the same.
#[derive(Clone, Copy, Debug)]
struct Offset {
    /// The first and the last reading, as time since boot in nanoseconds.
    from: i128,
    until: i128,
    /// The least and the greatest difference of the clocks that was read, in nanoseconds.
    low: i128,
    high: i128,
}

/// A stretch of time since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Span {
    /// Not before.
    pub earliest: Duration,
    /// Not after.
    pub latest: Duration,
}

impl BootClock {
    /// Makes a clock without a reading.
    ///
    /// `ticks_per_second` is the unit of start times in /proc (`_SC_CLK_TCK`, 100 nearly everywhere);
    /// `resolution` that of the clock that stamps are read from (`CLOCK_REALTIME_COARSE`: 4 ms at
    /// HZ=250).
    #[must_use]
    pub const fn new(ticks_per_second: u32, resolution: Duration) -> Self {
        let ticks_per_second = if ticks_per_second == 0 { 1 } else { ticks_per_second };
        Self {
            ticks_per_second,
            lag: resolution.saturating_mul(LAG_IN_RESOLUTIONS),
            offsets: VecDeque::new(),
        }
    }

    /// Takes a reading of both clocks: the wall clock, and the time since boot.
    pub fn sample(&mut self, wall: Duration, since_boot: Duration) {
        let (now, offset) = (nanos(since_boot), nanos(wall) - nanos(since_boot));
        match self.offsets.back_mut() {
            Some(last)
                if (last.high.max(offset) - last.low.min(offset)) <= STEP && last.until <= now =>
            {
                last.until = now;
                last.low = last.low.min(offset);
                last.high = last.high.max(offset);
            }
            _ => {
                if self.offsets.len() == OFFSETS_LIMIT {
                    self.offsets.pop_front();
                }
                self.offsets.push_back(Offset { from: now, until: now, low: offset, high: offset });
            }
        }
    }

    /// Returns the number of clock ticks in a second, the unit of start times in /proc.
    #[must_use]
    pub const fn ticks_per_second(&self) -> u32 {
        self.ticks_per_second
    }

    /// Returns when since boot a stamp was taken; `None` if the wall clock never showed it, as far as
    /// was read.
    ///
    /// The stretch is as wide as the kernel's clock is coarse. After the wall clock was set back
    /// the same stamp can be of two times: then the stretch covers both.
    #[must_use]
    pub fn since_boot(&self, stamp: Timestamp) -> Option<Span> {
        let shown = nanos(stamp.since_epoch());
        let mut found: Option<(i128, i128)> = None;
        for (offset, from, until) in self.stretches() {
            let earliest = (shown - offset.high).max(from);
            let latest = (shown - offset.low + MILLISECOND + nanos(self.lag)).min(until);
            if earliest <= latest {
                let (low, high) = found.unwrap_or((earliest, latest));
                found = Some((low.min(earliest), high.max(latest)));
            }
        }
        let (earliest, latest) = found?;
        Some(Span { earliest: duration(earliest), latest: duration(latest) })
    }

    /// Returns the start times, in clock ticks since boot, that a process can have which was created
    /// by a call with this stamp.
    ///
    /// The call is given [`CALL`](Self::CALL) to come to the point at which the kernel takes the start
    /// time; under preemption it can be longer, which no clock tells.
    #[must_use]
    pub fn starts(&self, stamp: Timestamp) -> Option<RangeInclusive<u64>> {
        let span = self.since_boot(stamp)?;
        Some(self.ticks(span.earliest)..=self.ticks(span.latest.saturating_add(Self::CALL)))
    }

    /// How long a call that creates a process may take to note its start, in [`starts`](Self::starts).
    pub const CALL: Duration = Duration::from_millis(20);

    /// Returns a time since boot in whole clock ticks, as the kernel cuts it.
    #[must_use]
    pub fn ticks(&self, since_boot: Duration) -> u64 {
        let ticks = since_boot.as_nanos() * u128::from(self.ticks_per_second) / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Returns what the wall clock showed during a clock tick: its first and its last instant.
    ///
    /// `None` without a reading. Between the readings around a step, the stretch covers both.
    #[must_use]
    pub fn wall(&self, ticks: u64) -> Option<(Timestamp, Timestamp)> {
        let tick = 1_000_000_000 / i128::from(self.ticks_per_second);
        let (begin, end) = (i128::from(ticks) * tick, (i128::from(ticks) + 1) * tick);
        let mut shown: Option<(i128, i128)> = None;
        for (offset, from, until) in self.stretches() {
            if from < end && begin <= until {
                let (low, high) = shown.unwrap_or((i128::MAX, i128::MIN));
                shown = Some((low.min(begin + offset.low), high.max(end + offset.high)));
            }
        }
        let (low, high) = shown?;
        Some((stamp(low), stamp(high)))
    }

    /// Iterates over the offsets, and from when until when each may have been the one: a step was
    /// somewhere between the last reading before it and the first one after.
    fn stretches(&self) -> impl Iterator<Item = (&Offset, i128, i128)> {
        self.offsets.iter().enumerate().map(|(index, offset)| {
            let previous = index.checked_sub(1).and_then(|index| self.offsets.get(index));
            let from = previous.map_or(i128::MIN, |previous| previous.until);
            let until = self.offsets.get(index + 1).map_or(i128::MAX, |next| next.from);
            (offset, from, until)
        })
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 4)
}

/// Times before the boot are the boot.
fn duration(nanos: i128) -> Duration {
    let nanos = u128::try_from(nanos).unwrap_or(0);
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).unwrap_or(0))
}

fn stamp(nanos: i128) -> Timestamp {
    Timestamp { millis: u64::try_from(duration(nanos).as_millis()).unwrap_or(u64::MAX) }
}

const MILLISECOND: i128 = 1_000_000;

/// Two readings whose offsets differ by more are on both sides of a step. Less is slewing, and the
/// time between reading one clock and the other.
const STEP: i128 = 2 * MILLISECOND;

/// How many steps are remembered.
const OFFSETS_LIMIT: usize = 64;

/// The kernel's coarse clock is moved by a timer interrupt, and one that is idle or busy can be late.
/// Measured: up to 13 ms at HZ=250.
const LAG_IN_RESOLUTIONS: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(1_700_000_000);

    fn at(seconds: u64, millis: u16) -> Timestamp {
        Timestamp::new(DAY.as_secs() + seconds, millis).expect("millis")
    }

    fn clock() -> BootClock {
        BootClock::new(100, Duration::from_millis(4))
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn without_a_reading_nothing_is_known() {
        assert_eq!(clock().since_boot(at(0, 0)), None);
        assert_eq!(clock().wall(7), None);
    }

    #[test]
    fn a_stamp_is_of_a_few_milliseconds() {
        let mut clock = clock();
        clock.sample(DAY, secs(100));
        clock.sample(DAY + secs(50), secs(150));
        let span = clock.since_boot(at(10, 5)).expect("it was shown");
        assert_eq!(span.earliest, Duration::from_millis(110_005));
        assert_eq!(span.latest, Duration::from_millis(110_022));
        assert_eq!(clock.starts(at(10, 5)), Some(11_000..=11_004));
        let (first, last) = clock.wall(11_001).expect("it was read");
        assert_eq!((first, last), (at(10, 10), at(10, 20)));
    }

    #[test]
    fn a_step_forward_skips_times_that_were_never_shown() {
        let mut clock = clock();
        clock.sample(DAY, secs(100));
        clock.sample(DAY + secs(10), secs(110));
        clock.sample(DAY + secs(1_011), secs(111));
        let before = clock.since_boot(at(5, 0)).expect("shown before the step");
        assert_eq!(before.earliest, secs(105));
        let after = clock.since_boot(at(1_020, 0)).expect("shown after it");
        assert_eq!(after.earliest, secs(120));
        assert_eq!(clock.since_boot(at(500, 0)), None);
        // in between, either is possible
        let (first, last) = clock.wall(11_050).expect("between two readings");
        assert_eq!((first, last), (at(10, 500), at(1_010, 510)));
    }

    #[test]
    fn a_step_back_makes_a_stamp_ambiguous_and_the_span_says_so() {
        let mut clock = clock();
        clock.sample(DAY, secs(100));
        clock.sample(DAY + secs(10), secs(110));
        clock.sample(DAY + secs(1), secs(111));
        let span = clock.since_boot(at(5, 0)).expect("shown twice");
        assert_eq!(span.earliest, secs(105));
        assert_eq!(span.latest, Duration::from_millis(115_017));
        let single = clock.since_boot(at(60, 0)).expect("shown after it alone");
        assert_eq!(single.earliest, secs(170));
    }

    #[test]
    fn slewing_and_suspend_are_no_steps() {
        let mut clock = clock();
        for second in 0..100_u64 {
            // half a millisecond a second is what an NTP daemon may slew
            let slewed = Duration::from_micros(500 * second);
            clock.sample(DAY + secs(second) + slewed, secs(100 + second));
        }
        assert!(clock.offsets.len() > 10, "slewing far is followed");
        let span = clock.since_boot(at(99, 49)).expect("shown");
        assert!(span.latest - span.earliest < Duration::from_millis(24), "{span:?}");
        // eight hours later both clocks have moved
        clock.sample(DAY + secs(30_000) + Duration::from_millis(49), secs(30_100));
        assert!(clock.since_boot(at(30_000, 50)).is_some());
    }

    #[test]
    fn absurd_readings_do_no_harm() {
        let mut clock = BootClock::new(0, Duration::MAX);
        for reading in [Duration::MAX, Duration::ZERO, DAY] {
            clock.sample(reading, Duration::MAX);
            clock.sample(Duration::ZERO, reading);
        }
        for step in 0..200 {
            clock.sample(DAY + secs(step * 100), secs(step));
        }
        assert!(clock.offsets.len() <= OFFSETS_LIMIT);
        for seconds in [0, u64::MAX] {
            let stamp = Timestamp { millis: seconds };
            let _ = (clock.starts(stamp), clock.wall(seconds));
        }
    }
}
