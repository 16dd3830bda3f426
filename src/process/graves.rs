//! Lives that ended not long ago: records of them may still come.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Process;
use crate::time::{Span, Tick, Timestamp};

#[derive(Clone, Debug)]
pub(super) struct Grave {
    pub(super) process: Process,
    /// The record of the call that created it has come, or cannot come.
    pub(super) confirmed: bool,
    /// Its birth was told.
    pub(super) told: bool,
    /// The stamp of the call with which it ended itself.
    stamp: Option<Timestamp>,
    /// When it ended, where a second source told.
    since_boot: Option<Duration>,
    closed: Tick,
}

impl Grave {
    pub(super) const fn new(
        process: Process,
        confirmed: bool,
        told: bool,
        stamp: Option<Timestamp>,
        since_boot: Option<Duration>,
    ) -> Self {
        Self { process, confirmed, told, stamp, since_boot, closed: Tick::ZERO }
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

/// Two threads that end at the same time may be stamped by different ticks of the kernel's clock.
const SLACK: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, Default)]
pub(super) struct Graves {
    by_pid: HashMap<u32, Grave>,
    order: VecDeque<(u32, Tick)>,
}

impl Graves {
    pub(super) fn add(&mut self, mut grave: Grave, now: Tick) {
        let pid = grave.process.pid();
        grave.closed = now;
        self.order.push_back((pid, now));
        self.by_pid.insert(pid, grave);
        while let Some((pid, closed)) = self.order.front().copied() {
            let is_old = now.saturating_duration_since(closed) > KEPT;
            if !is_old && self.order.len() <= LIMIT {
                break;
            }
            self.order.pop_front();
            if self.by_pid.get(&pid).is_some_and(|grave| grave.closed == closed) {
                self.by_pid.remove(&pid);
            }
        }
    }

    pub(super) fn get(&self, pid: u32) -> Option<&Grave> {
        self.by_pid.get(&pid)
    }

    pub(super) fn get_mut(&mut self, pid: u32) -> Option<&mut Grave> {
        self.by_pid.get_mut(&pid)
    }
}

/// How long a life is remembered, and how many at most.
const KEPT: Duration = Duration::from_secs(10);
const LIMIT: usize = 16_384;
