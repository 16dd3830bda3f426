//! The instances of each PID, with what is pending for it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::RETENTION;
use super::instance::{End, Instance};
use super::pending::{Observed, ObservedFork, Pending};
use crate::time::{BootClock, Tick};

/// The instances of one PID.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// In the order of their creation: those that ended and, last, the one that runs, if one does.
    instances: VecDeque<Instance>,
    pub(super) pending: Pending,
}

impl History {
    fn running(&self) -> Option<&Instance> {
        self.instances.back().filter(|last| last.end.is_none())
    }

    fn running_mut(&mut self) -> Option<&mut Instance> {
        self.instances.back_mut().filter(|last| last.end.is_none())
    }

    /// Returns the index of an instance: that of the one that runs, or of the oldest other one.
    fn position(&self, is_it: impl Fn(&Instance) -> bool) -> Option<usize> {
        if self.running().is_some_and(&is_it) {
            return self.instances.len().checked_sub(1);
        }
        self.instances.iter().position(|instance| instance.end.is_some() && is_it(instance))
    }

    fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.pending.is_empty()
    }
}

/// The histories of all PIDs.
#[derive(Clone, Debug, Default)]
pub(super) struct Histories {
    by_pid: HashMap<u32, History>,
    /// The PIDs of the instances that ended, and when, in this order.
    ended: VecDeque<(u32, Tick)>,
    /// Threads that were observed and of which no record arrived in time.
    unrecorded_threads: VecDeque<ObservedFork>,
}

impl Histories {
    /// Returns the instance that runs.
    pub(super) fn running(&self, pid: u32) -> Option<&Instance> {
        self.by_pid.get(&pid)?.running()
    }

    pub(super) fn running_mut(&mut self, pid: u32) -> Option<&mut Instance> {
        self.by_pid.get_mut(&pid)?.running_mut()
    }

    pub(super) fn is_running(&self, pid: u32) -> bool {
        self.running(pid).is_some()
    }

    /// Iterates over all instances that run.
    pub(super) fn all_running(&self) -> impl Iterator<Item = &Instance> {
        self.by_pid.values().filter_map(History::running)
    }

    pub(super) fn all_running_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.by_pid.values_mut().filter_map(History::running_mut)
    }

    /// Returns the instance that ended last.
    pub(super) fn last_ended(&self, pid: u32) -> Option<&Instance> {
        self.ended(pid).next_back()
    }

    /// Iterates over the instances that ended, the oldest first.
    fn ended(&self, pid: u32) -> impl DoubleEndedIterator<Item = &Instance> {
        let instances = self.by_pid.get(&pid).map(|history| &history.instances);
        instances.into_iter().flatten().filter(|instance| instance.end.is_some())
    }

    /// Returns the instance that runs or, if none does, the one that ended last: its last records may
    /// still arrive.
    pub(super) fn latest(&self, pid: u32) -> Option<&Instance> {
        self.by_pid.get(&pid)?.instances.back()
    }

    /// Returns the instance that had a PID at this time since boot, as far as is known; the
    /// [latest](Self::latest) one if the time is unknown.
    pub(super) fn at(
        &self,
        pid: u32,
        at: Option<Duration>,
        clock: &BootClock,
    ) -> Option<&Instance> {
        let Some(at) = at else { return self.latest(pid) };
        let instances = &self.by_pid.get(&pid)?.instances;
        instances.iter().rev().find(|instance| instance.had_started(at, clock))
    }

    /// Finds an instance: the one that runs is tried first, then the others from the oldest on.
    pub(super) fn find(&self, pid: u32, is_it: impl Fn(&Instance) -> bool) -> Option<&Instance> {
        let history = self.by_pid.get(&pid)?;
        history.instances.get(history.position(is_it)?)
    }

    /// As [`find`](Self::find), to change it.
    pub(super) fn find_mut(
        &mut self,
        pid: u32,
        is_it: impl Fn(&Instance) -> bool,
    ) -> Option<&mut Instance> {
        let history = self.by_pid.get_mut(&pid)?;
        let index = history.position(is_it)?;
        history.instances.get_mut(index)
    }

    /// Adds an instance that runs.
    pub(super) fn add(&mut self, instance: Instance) {
        let history = self.by_pid.entry(instance.process.pid()).or_default();
        match history.running_mut() {
            Some(running) => *running = instance,
            None => {
                // few PIDs have more than one instance
                history.instances.reserve_exact(1);
                history.instances.push_back(instance);
            }
        }
    }

    /// Notes that the instance that runs has ended, and forgets those that ended long ago.
    pub(super) fn close(&mut self, pid: u32, end: End, now: Tick) {
        let Some(running) = self.running_mut(pid) else { return };
        running.close(end);
        self.ended.push_back((pid, now));
        while let Some((pid, ended)) = self.ended.front().copied() {
            let is_old = now.saturating_duration_since(ended) > RETENTION;
            if !is_old && self.ended.len() <= LIMIT {
                break;
            }
            self.ended.pop_front();
            self.change(pid, |history| history.instances.pop_front());
        }
    }

    /// Returns what is pending for a PID.
    pub(super) fn pending(&self, pid: u32) -> Option<&Pending> {
        self.by_pid.get(&pid).map(|history| &history.pending)
    }

    /// Returns what is pending for a PID, to add something.
    pub(super) fn pending_mut(&mut self, pid: u32) -> &mut Pending {
        &mut self.by_pid.entry(pid).or_default().pending
    }

    /// Removes something of what is pending for a PID.
    pub(super) fn take_pending<T>(
        &mut self,
        pid: u32,
        take: impl FnOnce(&mut Pending) -> T,
    ) -> Option<T> {
        self.change(pid, |history| take(&mut history.pending))
    }

    /// Returns an observation that is still pending.
    pub(super) fn observed(&self, pid: u32, key: u64) -> Option<Observed> {
        self.pending(pid)?.get(key)
    }

    /// Returns the first observed fork of a PID or TID that was not later than `until`.
    pub(super) fn observed_fork(&self, task: u32, until: Option<Duration>) -> Option<ObservedFork> {
        self.observed_fork_by(task, until, |_| true)
    }

    /// As [`observed_fork`](Self::observed_fork), of those that fulfil a condition.
    pub(super) fn observed_fork_by(
        &self,
        task: u32,
        until: Option<Duration>,
        is_it: impl Fn(&ObservedFork) -> bool,
    ) -> Option<ObservedFork> {
        self.pending(task)?.fork(task, until, is_it)
    }

    /// Remembers a thread of which no record arrived in time: it may still arrive.
    pub(super) fn keep_unrecorded_thread(&mut self, thread: ObservedFork) {
        let threads = &mut self.unrecorded_threads;
        while threads.front().is_some_and(|first| {
            threads.len() >= LIMIT || first.since_boot.saturating_add(RETENTION) < thread.since_boot
        }) {
            threads.pop_front();
        }
        threads.push_back(thread);
    }

    /// Removes a thread of a process that was created before `until`, and returns whether there was one.
    pub(super) fn take_unrecorded_thread(
        &mut self,
        process: u32,
        task: u32,
        until: Option<Duration>,
    ) -> bool {
        let index = self.unrecorded_threads.iter().rposition(|thread| {
            (thread.process, thread.task) == (process, task)
                && until.is_none_or(|until| thread.since_boot <= until)
        });
        index.is_some_and(|index| self.unrecorded_threads.remove(index).is_some())
    }

    /// Returns the first observed exit of the instance that runs.
    pub(super) fn observed_exit(&self, pid: u32) -> Option<Observed> {
        self.pending(pid)?.exit()
    }

    /// Changes the history of a PID, if there is one, and drops it if nothing is left.
    fn change<T>(&mut self, pid: u32, change: impl FnOnce(&mut History) -> T) -> Option<T> {
        let Entry::Occupied(mut history) = self.by_pid.entry(pid) else { return None };
        let result = change(history.get_mut());
        if history.get().is_empty() {
            history.remove();
        }
        Some(result)
    }
}

/// How many instances that ended are remembered at most.
const LIMIT: usize = 16_384;
