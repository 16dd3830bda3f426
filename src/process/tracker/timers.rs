//! The deadlines of the tracker: for each kind of timer a queue.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Tick;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The process monitor observed an exit by a signal, which makes no record. Records that were made
    /// before it may still arrive.
    SuddenExit,
    /// The process monitor observed something else, of which a record should arrive.
    Observation,
    /// A thread exited that may have been the last of its process; or a process crashed, and no process
    /// monitor will report its exit.
    LastThread,
    /// A process crashed that is not known yet, or whose exit the process monitor will report.
    Crash,
    /// `clone3` created a process or a thread.
    Task,
    /// Records or observations were lost: /proc is to be listed.
    Listing,
    /// Every process is to be looked up, as no process monitor reports exits.
    Sweep,
}

impl Timer {
    pub(super) const ALL: [Self; 7] = [
        Self::SuddenExit,
        Self::Observation,
        Self::LastThread,
        Self::Crash,
        Self::Task,
        Self::Listing,
        Self::Sweep,
    ];

    /// How long a subject of this timer waits after it arose.
    pub(super) const fn wait(self) -> Duration {
        match self {
            Self::SuddenExit | Self::LastThread => SOON,
            Self::Observation | Self::Crash | Self::Task => LATER,
            Self::Listing => LISTING_DELAY,
            Self::Sweep => Duration::ZERO,
        }
    }

    /// How long no record must have arrived before it is certain that none is still to arrive; `None` if
    /// the timer does not depend on records.
    pub(super) const fn silence(self) -> Option<Duration> {
        match self {
            Self::SuddenExit => Some(SOON),
            Self::Observation => Some(SILENCE),
            _ => None,
        }
    }
}

/// A deadline, and what it is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) at: Tick,
    /// The PID that it concerns; zero if it concerns all.
    pub(super) pid: u32,
    /// Identifies what is pending for the PID.
    pub(super) key: u64,
}

/// All deadlines. In each queue they are in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    queues: [VecDeque<Deadline>; Timer::ALL.len()],
    last_key: u64,
}

impl Timers {
    /// Sets a deadline, and returns the key for what is pending until then.
    pub(super) fn set(&mut self, timer: Timer, at: Tick, pid: u32) -> u64 {
        self.last_key += 1;
        let key = self.last_key;
        self.queue_mut(timer).push_back(Deadline { at, pid, key });
        key
    }

    /// Sets a deadline that concerns all processes.
    pub(super) fn set_for_all(&mut self, timer: Timer, at: Tick) {
        self.set(timer, at, 0);
    }

    /// Moves what was pending for one timer to another, for as much longer as that one waits.
    pub(super) fn extend(&mut self, deadline: Deadline, from: Timer, to: Timer) {
        let at = deadline.at.saturating_add(to.wait().saturating_sub(from.wait()));
        self.queue_mut(to).push_back(Deadline { at, ..deadline });
    }

    /// Sets a deadline again, for what is pending still.
    pub(super) fn repeat(&mut self, timer: Timer, deadline: Deadline) {
        self.queue_mut(timer).push_back(deadline);
    }

    /// Removes a deadline.
    pub(super) fn cancel(&mut self, timer: Timer, key: u64) {
        let queue = self.queue_mut(timer);
        if let Some(index) = queue.iter().position(|deadline| deadline.key == key) {
            queue.remove(index);
        }
    }

    /// Returns the deadline that was set first.
    pub(super) fn first(&self, timer: Timer) -> Option<Deadline> {
        self.queue(timer).front().copied()
    }

    /// Removes the deadline that was set first.
    pub(super) fn pop(&mut self, timer: Timer) {
        self.queue_mut(timer).pop_front();
    }

    /// Removes and returns the deadline that was set first, if it has passed.
    pub(super) fn expire(&mut self, timer: Timer, now: Tick) -> Option<Deadline> {
        let first = self.first(timer).filter(|deadline| deadline.at <= now)?;
        self.pop(timer);
        Some(first)
    }

    /// Iterates over the deadlines of a timer in the order in which they were set.
    pub(super) fn iter(&self, timer: Timer) -> impl Iterator<Item = Deadline> {
        self.queue(timer).iter().copied()
    }

    const fn queue(&self, timer: Timer) -> &VecDeque<Deadline> {
        let [sudden_exit, observation, last_thread, crash, task, listing, sweep] = &self.queues;
        match timer {
            Timer::SuddenExit => sudden_exit,
            Timer::Observation => observation,
            Timer::LastThread => last_thread,
            Timer::Crash => crash,
            Timer::Task => task,
            Timer::Listing => listing,
            Timer::Sweep => sweep,
        }
    }

    const fn queue_mut(&mut self, timer: Timer) -> &mut VecDeque<Deadline> {
        let [sudden_exit, observation, last_thread, crash, task, listing, sweep] = &mut self.queues;
        match timer {
            Timer::SuddenExit => sudden_exit,
            Timer::Observation => observation,
            Timer::LastThread => last_thread,
            Timer::Crash => crash,
            Timer::Task => task,
            Timer::Listing => listing,
            Timer::Sweep => sweep,
        }
    }
}

/// How long a sudden exit waits for records that were made before it.
pub(super) const SOON: Duration = Duration::from_millis(20);

/// How long an observation waits for its record before it is reported without one.
pub(super) const LATER: Duration = Duration::from_secs(1);

/// How long no record must have arrived before it is assumed that all have.
///
/// A drained socket is not enough: a thread of the kernel sends the records, which may be late.
pub(super) const SILENCE: Duration = Duration::from_millis(200);

/// How long an observation waits at most, while records arrive without a pause and none is as new as it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Losses come in groups; /proc is listed once for all of them.
const LISTING_DELAY: Duration = Duration::from_millis(200);
