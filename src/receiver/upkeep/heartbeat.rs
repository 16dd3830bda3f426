//! Health: heartbeats that are on their way, and the faults that are known.

use std::collections::VecDeque;

use super::marker::Marker;
use crate::event::HealthFaults;
use crate::receiver::watchdog::HeartbeatState;
use crate::time::Tick;

/// What is known of the audit system's health. It is empty while no watchdog runs.
#[derive(Debug, Default)]
pub(super) struct Health {
    pub(super) is_watched: bool,
    pub(super) faults: HealthFaults,
    /// Whether heartbeats are sent.
    pub(super) heartbeat: HeartbeatState,
    /// Whether the watchdog compares the loaded rules.
    pub(super) compares_rules: bool,
    heartbeats: Heartbeats,
}

impl Health {
    /// Adds a heartbeat that is about to be sent.
    pub(super) fn add_heartbeat(&mut self, marker: Marker, due: Tick) {
        if self.is_watched {
            self.heartbeats.add(marker, due);
        }
    }

    /// Removes the heartbeat that has come back, and those sent before it. Returns whether there was
    /// one.
    pub(super) fn remove_heartbeat(&mut self, is_it: impl Fn(&Marker) -> bool) -> bool {
        self.heartbeats.remove(is_it)
    }

    /// Returns whether a heartbeat is overdue.
    pub(super) fn is_overdue(&self, now: Tick) -> bool {
        self.heartbeats.first_due().is_some_and(|due| due <= now)
    }

    /// Returns when the first heartbeat becomes overdue, unless one is already.
    pub(super) fn deadline(&self, now: Tick) -> Option<Tick> {
        self.heartbeats.first_due().filter(|due| *due > now)
    }

    /// Returns the faults that the watchdog's check does not find: records and heartbeats show them.
    pub(super) fn unchecked(&self) -> HealthFaults {
        let rules = if self.compares_rules { HealthFaults::empty() } else { HealthFaults::RULES };
        HealthFaults::HEARTBEAT | rules
    }

    /// Stops waiting for heartbeats, as the kernel refuses them.
    pub(super) fn refuse_heartbeats(&mut self) {
        self.heartbeat = HeartbeatState::Refused;
        self.heartbeats = Heartbeats::default();
    }

    /// Ends the watch. Faults that were reported stay reported.
    pub(super) fn stop(&mut self) {
        self.is_watched = false;
        self.heartbeats = Heartbeats::default();
    }
}

/// Heartbeats that have not come back, each with the time from which on it is overdue.
#[derive(Debug, Default)]
struct Heartbeats {
    sent: VecDeque<(Marker, Tick)>,
}

impl Heartbeats {
    /// How many heartbeats are waited for at most.
    const MAX: usize = 64;

    fn add(&mut self, marker: Marker, due: Tick) {
        self.sent.push_back((marker, due));
        if self.sent.len() > Self::MAX {
            // the first shows that a heartbeat is overdue, the last are most likely to come back
            self.sent.remove(1);
        }
    }

    fn remove(&mut self, is_it: impl Fn(&Marker) -> bool) -> bool {
        let Some(position) = self.sent.iter().position(|(marker, _)| is_it(marker)) else {
            return false;
        };
        self.sent.drain(..=position);
        true
    }

    fn first_due(&self) -> Option<Tick> {
        self.sent.front().map(|(_, due)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heartbeat_on_its_way_decides() {
        let mut health = Health { is_watched: true, ..Health::default() };
        let markers: Vec<_> = (1..=200).map(|_| Marker::new("heartbeat", Tick::ZERO)).collect();
        for (due, marker) in (1..).zip(&markers) {
            health.add_heartbeat(marker.clone(), Tick::from_nanos(due));
        }
        assert_eq!(health.heartbeats.sent.len(), Heartbeats::MAX);
        assert_eq!(health.deadline(Tick::ZERO), Some(Tick::from_nanos(1)));
        assert!(health.is_overdue(Tick::from_nanos(1)));
        assert_eq!(health.deadline(Tick::from_nanos(1)), None);
        assert!(health.remove_heartbeat(|marker| *marker == markers[150]));
        assert!(!health.is_overdue(Tick::from_nanos(100)), "later ones are not due yet");
        assert!(!health.remove_heartbeat(|marker| *marker == markers[0]), "it was removed before");
        assert!(health.remove_heartbeat(|marker| *marker == markers[199]));
        assert_eq!(health.deadline(Tick::ZERO), None);
    }

    #[test]
    fn heartbeats_are_ignored_while_no_watchdog_runs() {
        let mut health = Health::default();
        health.add_heartbeat(Marker::new("heartbeat", Tick::ZERO), Tick::ZERO);
        assert!(!health.is_overdue(Tick::from_nanos(1)));
    }
}
