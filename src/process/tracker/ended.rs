//! Lives that ended not long ago: records of them may still come.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::instance::Life;
use crate::process::{KEPT, Process};
use crate::time::{BootClock, Span, Tick, Timestamp};

#[derive(Clone, Debug)]
pub(super) struct Grave {
    pub(super) process: Process,
    /// The record of the call that created it has come, or cannot come.
    pub(super) confirmed: bool,
    /// Its birth was told.
    pub(super) told: bool,
    pub(super) is_nested: Option<bool>,
    /// The stamp of the call with which it ended itself.
    stamp: Option<Timestamp>,
    /// When it was created and when it ended, where a second source told.
    born: Option<Duration>,
    since_boot: Option<Duration>,
    closed: Tick,
}

impl Grave {
    pub(super) fn of(life: Life, stamp: Option<Timestamp>, since_boot: Option<Duration>) -> Self {
        let Life { process, confirmed, told, born, is_nested, .. } = life;
        Self { process, confirmed, told, is_nested, stamp, born, since_boot, closed: Tick::ZERO }
    }

    /// Tells whether it can be what a call of `parent` created: by its birth if that is known, else by
    /// its end. See [`Life::can_be_born`].
    pub(super) fn can_be_born(
        &self,
        call: Timestamp,
        span: Option<Span>,
        parent: u32,
        clock: &BootClock,
    ) -> bool {
        let born = self.born.map(|born| clock.ticks(born));
        match (self.process.id.start_ticks().or(born), span) {
            (Some(start), Some(span)) => {
                let is_child = self.process.parent.is_some_and(|known| known.value.pid == parent);
                start.saturating_add(1) >= clock.ticks(span.earliest)
                    && (is_child || start <= clock.ticks(span.latest))
            }
            _ => self.covers(call, span),
        }
    }

    /// Tells whether a call with this stamp was entered before the end.
    ///
    /// The number cannot have been given to another process so soon: that takes as many births as
    /// there are numbers.
    pub(super) fn covers(&self, stamp: Timestamp, span: Option<Span>) -> bool {
        match (self.stamp, self.since_boot, span) {
            (_, Some(end), Some(span)) => span.earliest <= end.saturating_add(SLACK),
            (Some(end), ..) => stamp.since_epoch() <= end.since_epoch().saturating_add(SLACK),
            (None, ..) => false,
        }
    }
}

/// How long after the end of a process its other threads may still be in calls.
const SLACK: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, Default)]
pub(super) struct Graves {
    /// Of each number, the last one behind.
    by_pid: HashMap<u32, VecDeque<Grave>>,
    order: VecDeque<(u32, Tick)>,
}

impl Graves {
    pub(super) fn add(&mut self, mut grave: Grave, now: Tick) {
        let pid = grave.process.pid();
        grave.closed = now;
        self.order.push_back((pid, now));
        self.by_pid.entry(pid).or_default().push_back(grave);
        while let Some((pid, closed)) = self.order.front().copied() {
            let is_old = now.saturating_duration_since(closed) > KEPT;
            if !is_old && self.order.len() <= LIMIT {
                break;
            }
            self.order.pop_front();
            if let Entry::Occupied(mut graves) = self.by_pid.entry(pid) {
                graves.get_mut().pop_front();
                if graves.get().is_empty() {
                    graves.remove();
                }
            }
        }
    }

    /// Returns the last one with this number.
    pub(super) fn last(&self, pid: u32) -> Option<&Grave> {
        self.by_pid.get(&pid)?.back()
    }

    /// Iterates over those with this number, the oldest first.
    pub(super) fn of(&self, pid: u32) -> impl Iterator<Item = &Grave> {
        self.by_pid.get(&pid).into_iter().flatten()
    }

    pub(super) fn of_mut(&mut self, pid: u32) -> impl Iterator<Item = &mut Grave> {
        self.by_pid.get_mut(&pid).into_iter().flatten()
    }
}

/// How many are remembered at most.
const LIMIT: usize = 16_384;
