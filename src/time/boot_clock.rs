//! Conversion between audit time stamps, which are wall-clock times, and the time since boot.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Timestamp;
use crate::macros::pad;

/// Converts audit time stamps, which are wall-clock times, into the time since boot, and back.
///
/// The results are ranges. The clock needs samples of both clocks, taken together: at the start, and
/// from time to time. It follows steps of the wall clock: a time stamp is converted by the samples
/// around it, and one from before the first sample by the first. The time since boot includes time
/// in suspend (`CLOCK_BOOTTIME`), as in /proc.
///
/// The kernel stores the start of a process in clock ticks since boot (field 22 of /proc/PID/stat).
/// The time stamp of the system call that created it is that of the *entry*, by a clock that
/// advances only with the timer interrupt. So a time stamp determines [a range](Self::starts) of a
/// few clock ticks.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auditlink::time::{BootClock, Timestamp};
///
/// let mut clock = BootClock::new(100, Duration::from_millis(4));
/// clock.sample(Duration::from_secs(1_700_000_000), Duration::from_secs(500));
/// let stamp = Timestamp::new(1_700_000_001, 0).ok_or("milliseconds out of range")?;
/// let starts = clock.starts(stamp).ok_or("no sample")?;
/// assert!(starts.contains(&50_100));
/// assert!(starts.end() - starts.start() < 10);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct BootClock {
    ticks_per_second: u32,
    /// How far a time stamp may lag the wall clock.
    lag: Duration,
    /// In chronological order.
    offsets: VecDeque<Offset>,
}

/// A range of time in which the offset of the wall clock to the time since boot was constant.
#[derive(Clone, Copy, Debug)]
struct Offset {
    /// The first and the last sample, as time since boot in nanoseconds.
    from: i128,
    until: i128,
    /// The smallest and the largest sampled offset, in nanoseconds.
    low: i128,
    high: i128,
}

/// A range of times since boot.
///
/// `Display` prints both ends.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use auditlink::time::{BootClock, Timestamp};
///
/// let mut clock = BootClock::new(100, Duration::from_millis(4));
/// clock.sample(Duration::from_secs(1_000), Duration::from_secs(5));
/// let stamp = Timestamp::new(1_001, 0).ok_or("milliseconds out of range")?;
/// let span = clock.since_boot(stamp).ok_or("no sample")?;
/// assert_eq!(span.to_string(), "6s to 6.017s");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Span {
    /// The earliest time.
    pub earliest: Duration,
    /// The latest time.
    pub latest: Duration,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{:?} to {:?}", self.earliest, self.latest))
    }
}

impl BootClock {
    /// Creates a clock without samples.
    ///
    /// `ticks_per_second` is the unit of start times in /proc (`_SC_CLK_TCK`, 100 on nearly all
    /// machines); `resolution` is that of `CLOCK_REALTIME_COARSE` (4 ms at HZ=250).
    #[must_use]
    pub const fn new(ticks_per_second: u32, resolution: Duration) -> Self {
        let ticks_per_second = if ticks_per_second == 0 { 1 } else { ticks_per_second };
        Self {
            ticks_per_second,
            lag: resolution.saturating_mul(LAG_IN_RESOLUTIONS),
            offsets: VecDeque::new(),
        }
    }

    /// Adds a sample of both clocks: the wall clock, and the time since boot.
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

    /// Returns the time since boot of a time stamp; `None` if the samples exclude that the wall clock
    /// ever showed it.
    ///
    /// The range is as wide as the kernel's clock is coarse. After the wall clock was set back, one
    /// time stamp may belong to two times: the range then covers both.
    #[must_use]
    pub fn since_boot(&self, stamp: Timestamp) -> Option<Span> {
        let shown = nanos(stamp.since_epoch());
        let mut found: Option<(i128, i128)> = None;
        for (offset, from, until) in self.ranges() {
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

    /// Returns the possible start times, in clock ticks since boot, of a process that a system call
    /// with this time stamp created.
    ///
    /// The range allows [`CALL`](Self::CALL) from the entry of the call to the point at which the
    /// kernel stores the start time. A preempted call can take longer.
    #[must_use]
    pub fn starts(&self, stamp: Timestamp) -> Option<RangeInclusive<u64>> {
        let span = self.since_boot(stamp)?;
        Some(self.ticks(span.earliest)..=self.ticks(span.latest.saturating_add(Self::CALL)))
    }

    /// The time that [`starts`](Self::starts) allows a call to create its process.
    pub const CALL: Duration = Duration::from_millis(20);

    /// Returns a time since boot in whole clock ticks, truncated as the kernel does.
    #[must_use]
    pub fn ticks(&self, since_boot: Duration) -> u64 {
        let ticks = since_boot.as_nanos() * u128::from(self.ticks_per_second) / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Returns the first and the last wall-clock time of a clock tick; `None` without a sample.
    ///
    /// Between the samples before and after a step, the range covers both offsets.
    #[must_use]
    pub fn wall(&self, ticks: u64) -> Option<(Timestamp, Timestamp)> {
        let tick = 1_000_000_000 / i128::from(self.ticks_per_second);
        let (begin, end) = (i128::from(ticks) * tick, (i128::from(ticks) + 1) * tick);
        let mut shown: Option<(i128, i128)> = None;
        for (offset, from, until) in self.ranges() {
            if from < end && begin <= until {
                let (low, high) = shown.unwrap_or((i128::MAX, i128::MIN));
                shown = Some((low.min(begin + offset.low), high.max(end + offset.high)));
            }
        }
        let (low, high) = shown?;
        Some((stamp(low), stamp(high)))
    }

    /// Iterates over the offsets, each with the range of time in which it may have applied: a step
    /// occurred somewhere between the last sample before it and the first sample after.
    fn ranges(&self) -> impl Iterator<Item = (&Offset, i128, i128)> {
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

/// Converts nanoseconds since boot; times before the boot become zero.
fn duration(nanos: i128) -> Duration {
    let nanos = u128::try_from(nanos).unwrap_or(0);
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).unwrap_or(0))
}

fn stamp(nanos: i128) -> Timestamp {
    Timestamp { millis: u64::try_from(duration(nanos).as_millis()).unwrap_or(u64::MAX) }
}

const MILLISECOND: i128 = 1_000_000;

/// Samples whose offsets differ by more than this lie before and after a step. Smaller differences
/// are slewing, and the time between the readings of the two clocks.
const STEP: i128 = 2 * MILLISECOND;

/// The number of offsets that are kept.
const OFFSETS_LIMIT: usize = 64;

/// The lag of the coarse clock in units of its resolution: its timer interrupt may be late on an idle
/// or busy CPU. Measured: up to 13 ms at HZ=250.
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
    fn without_a_sample_there_is_no_result() {
        assert_eq!(clock().since_boot(at(0, 0)), None);
        assert_eq!(clock().wall(7), None);
    }

    #[test]
    fn a_time_stamp_gives_a_range_of_milliseconds() {
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
    fn times_skipped_by_a_step_forward_have_no_result() {
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
    fn after_a_step_back_the_range_covers_both_times() {
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
    fn slewing_and_suspend_are_not_steps() {
        let mut clock = clock();
        for second in 0..100_u64 {
            // half a millisecond a second is what an NTP daemon may slew
            let slewed = Duration::from_micros(500 * second);
            clock.sample(DAY + secs(second) + slewed, secs(100 + second));
        }
        assert!(clock.offsets.len() > 10, "it follows long slewing");
        let span = clock.since_boot(at(99, 49)).expect("shown");
        assert!(span.latest - span.earliest < Duration::from_millis(24), "{span:?}");
        // eight hours later both clocks have moved
        clock.sample(DAY + secs(30_000) + Duration::from_millis(49), secs(30_100));
        assert!(clock.since_boot(at(30_000, 50)).is_some());
    }

    #[test]
    fn extreme_samples_do_not_panic() {
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
