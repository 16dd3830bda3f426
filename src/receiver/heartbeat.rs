//! The heartbeats that are on their way.

use std::collections::VecDeque;

use super::marker::Marker;
use crate::time::Tick;

/// Canaries that were sent and did not come back yet, with the times at which they are due.
#[derive(Debug, Default)]
pub(super) struct Canaries {
    away: VecDeque<(Marker, Tick)>,
}

impl Canaries {
    /// How many are waited for at most; of the overdue ones, the oldest are given up.
    const MAX_AWAY: usize = 64;

    pub(super) fn send(&mut self, marker: Marker, due: Tick) {
        self.away.push_back((marker, due));
        if self.away.len() > Self::MAX_AWAY {
            self.away.remove(1); // the first tells that one is overdue, the last come back soonest
        }
    }

    pub(super) fn position(&self, is_it: impl Fn(&Marker) -> bool) -> Option<usize> {
        self.away.iter().position(|(marker, _)| is_it(marker))
    }

    /// One came back: those sent before it are not waited for any more.
    pub(super) fn came(&mut self, position: usize) {
        self.away.drain(..position.saturating_add(1).min(self.away.len()));
    }

    pub(super) fn are_overdue(&self, now: Tick) -> bool {
        self.away.front().is_some_and(|(_, due)| *due <= now)
    }

    /// When the first one becomes overdue, unless one is already.
    pub(super) fn deadline(&self, now: Tick) -> Option<Tick> {
        self.away.front().map(|(_, due)| *due).filter(|due| *due > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Clock;

    #[test]
    fn the_first_that_is_away_decides() {
        let mut heartbeats = Canaries::default();
        let clock = Clock::start();
        let second = |second: u64| Tick::from_nanos(second);
        for due in 1..=200 {
            heartbeats.send(Marker::new("heartbeat", clock), second(due));
        }
        assert_eq!(heartbeats.away.len(), Canaries::MAX_AWAY);
        assert_eq!(heartbeats.deadline(second(0)), Some(second(1)));
        assert!(heartbeats.are_overdue(second(1)));
        assert_eq!(heartbeats.deadline(second(1)), None);
        heartbeats.came(10);
        assert!(!heartbeats.are_overdue(second(100)), "later ones are not due yet");
        heartbeats.came(1_000);
        assert_eq!(heartbeats.deadline(second(0)), None);
        heartbeats.came(0);
    }
}
