//! Instants: the receive time ([`Tick`]), the kernel's [`Timestamp`], and the time since boot.

mod boot_clock;

use std::fmt;
use std::ops::{Add, AddAssign};
use std::time::{Duration, SystemTime};

use thiserror::Error;

pub use self::boot_clock::{BootClock, Span};
use crate::macros::pad;

/// An instant on the clock of a source, in nanoseconds: when something was received.
///
/// Ticks never go backwards within one source. A live source starts at the wall-clock time of its
/// creation and then advances monotonically, so its ticks read as Unix time but do not follow later
/// clock steps. A capture contains the ticks of the source that it recorded. Only differences matter to
/// the assembler.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auditlink::time::Tick;
///
/// let tick = Tick::from_nanos(1_000_000_000) + Duration::from_millis(250);
/// assert_eq!(tick.saturating_duration_since(Tick::ZERO), Duration::from_millis(1250));
/// assert_eq!(tick.to_string(), "1.250000000");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The earliest tick.
    pub const ZERO: Self = Self(0);

    /// Makes a tick from nanoseconds.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the tick in nanoseconds.
    #[inline]
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the tick `duration` later, or the last tick.
    #[inline]
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// Returns the time since `earlier`, zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Adds a duration; the result saturates at the last tick.
impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl AddAssign<Duration> for Tick {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// Prints seconds, with nine decimals.
impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        pad(f, format_args!("{seconds}.{nanos:09}"))
    }
}

/// Returns a duration in nanoseconds, saturating.
#[inline]
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos < u64::MAX as u128 { nanos as u64 } else { u64::MAX }
}

/// A time as the kernel stamps it: wall-clock seconds and milliseconds since the Unix epoch.
///
/// The kernel reads `CLOCK_REALTIME` at tick granularity (4 ms at HZ=250) and cuts it to
/// milliseconds. A record of a system call carries the time at which the call was *entered*.
///
/// It converts to [`SystemTime`], and back where that is after 1970.
///
/// Source: `kernel/audit.c`, `audit_log_start`; `kernel/auditsc.c`, `__audit_syscall_entry`.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use auditlink::time::Timestamp;
///
/// let time = Timestamp::new(1_700_000_000, 7).ok_or("a millisecond above 999")?;
/// let system_time = SystemTime::from(time);
/// assert_eq!(system_time, SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_007));
/// assert_eq!(Timestamp::try_from(system_time), Ok(time));
/// assert_eq!(time.to_string(), "1700000000.007");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Milliseconds since the epoch.
    millis: u64,
}

impl Timestamp {
    /// Creates a timestamp; `None` if `millis` is above 999 or the time is after the year 584 million.
    #[inline]
    #[must_use]
    pub const fn new(seconds: u64, millis: u16) -> Option<Self> {
        if millis < 1000 && seconds < u64::MAX / 1000 {
            Some(Self { millis: seconds * 1000 + millis as u64 })
        } else {
            None
        }
    }

    /// Returns the whole seconds since the Unix epoch.
    #[inline]
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.millis / 1000
    }

    /// Returns the milliseconds within the second, 0 to 999.
    #[inline]
    #[must_use]
    pub const fn millis(self) -> u16 {
        (self.millis % 1000) as u16
    }

    /// Returns the milliseconds since the Unix epoch.
    #[inline]
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// Returns the time since the Unix epoch.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        Duration::from_millis(self.millis)
    }

    /// Returns a value that prints as RFC 3339 in UTC, such as `2023-11-14T22:13:20.123Z`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::time::Timestamp;
    ///
    /// let time = Timestamp::new(1_700_000_000, 7).ok_or("millis out of range")?;
    /// assert_eq!(time.rfc3339().to_string(), "2023-11-14T22:13:20.007Z");
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub const fn rfc3339(self) -> Rfc3339 {
        Rfc3339(self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{}.{:03}", self.seconds(), self.millis()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        // the kernel's seconds have 64 bits, and these are milliseconds
        Self::UNIX_EPOCH + time.since_epoch()
    }
}

/// Drops what is smaller than a millisecond.
impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampRangeError;

    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        let since_epoch =
            time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| TimestampRangeError(()))?;
        let millis = u16::try_from(since_epoch.subsec_millis()).unwrap_or(u16::MAX);
        Self::new(since_epoch.as_secs(), millis).ok_or(TimestampRangeError(()))
    }
}

/// The error of a time that is before 1970, or too late for a [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the time is before 1970 or too late for a timestamp of the kernel")]
pub struct TimestampRangeError(());

/// A [`Timestamp`] that prints as RFC 3339; created by [`Timestamp::rfc3339`].
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339(Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.seconds(), self.0.millis());
        let (year, month, day) = civil_date(seconds / 86_400);
        let of_day = seconds % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        pad(
            f,
            format_args!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
            ),
        )
    }
}

/// Converts days since 1970-01-01 into year, month and day of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year; a cycle of 400
/// years has 146,097 days.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let cycle = days / 146_097;
    let of_cycle = days % 146_097;
    let year_of_cycle =
        (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = cycle * 400 + year_of_cycle + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_ends_of_years_print() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"),
        ] {
            let time = Timestamp { millis: seconds * 1000 };
            assert_eq!(time.rfc3339().to_string(), text);
        }
    }

    #[test]
    fn the_largest_time_prints() {
        let time = Timestamp { millis: u64::MAX };
        assert!(time.rfc3339().to_string().ends_with(".615Z"));
        let latest = Timestamp::new(u64::MAX / 1000 - 1, 999).expect("in range");
        assert_eq!((latest.seconds(), latest.millis()), (u64::MAX / 1000 - 1, 999));
        assert_eq!(Timestamp::new(u64::MAX / 1000, 0), None);
        assert_eq!(Timestamp::new(0, 1000), None);
    }

    #[test]
    fn ticks_saturate() {
        let last = Tick::from_nanos(u64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(last + Duration::MAX, last);
        assert_eq!(Tick::ZERO.saturating_duration_since(last), Duration::ZERO);
    }

    #[test]
    fn timestamps_convert_to_system_time_and_back() {
        let latest = Timestamp::new(u64::MAX / 1000 - 1, 999).expect("in range");
        for time in [Timestamp::new(0, 0).expect("in range"), latest] {
            assert_eq!(Timestamp::try_from(SystemTime::from(time)), Ok(time));
        }
        let early = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
        assert_eq!(Timestamp::try_from(early), Err(TimestampRangeError(())));
        let late = SystemTime::from(latest) + Duration::from_secs(1);
        assert_eq!(Timestamp::try_from(late), Err(TimestampRangeError(())));
    }

    #[test]
    fn instants_honour_the_width() {
        let time = Timestamp::new(5, 7).expect("in range");
        assert_eq!(format!("{time:>8}|{:<12}|", Tick::from_nanos(5)), "   5.007|0.000000005 |");
        assert_eq!(format!("{:>26}", time.rfc3339()), "  1970-01-01T00:00:05.007Z");
    }
}
