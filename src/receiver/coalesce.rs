//! Whether records come thick and fast.

use std::time::Duration;

use crate::time::Tick;

/// Counts what comes, in windows of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Density {
    began: Tick,
    count: usize,
    was_dense: bool,
}

/// The length of a window, and how many datagrams in it are dense traffic: 16,000 a second. Fewer are
/// read one by one, as soon as they come.
const WINDOW: Duration = Duration::from_millis(2);
const DENSE: usize = 32;

impl Density {
    /// Counts datagrams that came.
    pub(super) fn add(&mut self, datagrams: usize, at: Tick) {
        let passed = at.saturating_duration_since(self.began);
        if passed >= WINDOW {
            // a window without anything lies between, or it is the next one
            self.was_dense = self.count >= DENSE && passed < 2 * WINDOW;
            self.began = at;
            self.count = 0;
        }
        self.count = self.count.saturating_add(datagrams);
    }

    /// Tells whether traffic is dense, at this time.
    pub(super) fn is_dense(&self, at: Tick) -> bool {
        let is_recent = at.saturating_duration_since(self.began) < 2 * WINDOW;
        is_recent && (self.was_dense || self.count >= DENSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Tick {
        Tick::from_nanos(1_000_000_000 + micros * 1000)
    }

    #[test]
    fn single_events_are_never_dense() {
        let mut density = Density::default();
        for event in 0..1_000 {
            // four records, a millisecond apart
            for record in 0..4 {
                density.add(1, at(event * 1_000 + record));
                assert!(!density.is_dense(at(event * 1_000 + record)));
            }
        }
    }

    #[test]
    fn a_storm_is_dense_until_it_ends() {
        let mut density = Density::default();
        for record in 0..32 {
            density.add(1, at(record * 10));
        }
        assert!(density.is_dense(at(400)));
        // from one window to the next it stays so, though each begins with few
        for batch in 1..100 {
            density.add(20, at(400 + batch * 200));
            assert!(density.is_dense(at(400 + batch * 200)), "{batch}");
        }
        assert!(!density.is_dense(at(30_000)));
        density.add(1, at(30_000));
        assert!(!density.is_dense(at(30_000)));
    }
}
