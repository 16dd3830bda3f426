//! What is known about a PID, and is not reported yet: a record of it may still arrive.
//!
//! Observations are in the order in which they happened. The process connector is ahead of the records, so
//! the record of a fork or an exit finds its observation here and removes it. An observation that no record
//! removes in time is reported by itself.

use std::collections::VecDeque;
use std::time::Duration;

use super::caller::Caller;
use super::threads::ThreadExits;
use crate::constants::Signal;
use crate::process::{ProcessId, Provenance};
use crate::record::EventId;
use crate::time::Tick;

/// Something that the process monitor observed, or that a look at /proc showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub(super) key: u64,
    pub(super) what: What,
    /// When it happened, as time since boot.
    pub(super) since_boot: Duration,
    pub(super) source: Provenance,
}

impl Observed {
    const fn is_exit(&self) -> bool {
        matches!(self.what, What::Exit { .. })
    }

    /// Returns the fork of a PID or TID, if it is one.
    pub(super) const fn as_fork(&self, task: u32) -> Option<ObservedFork> {
        let Self { key, what: What::Fork { parent, process }, since_boot, source } = *self else {
            return None;
        };
        Some(ObservedFork { key, task, process, parent, since_boot, source })
    }
}

/// What was observed of a PID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A process or thread was created.
    Fork { parent: u32, process: u32 },
    /// The thread-group leader exited; or another thread whose exit shows how all did.
    Exit { code: Option<i32>, is_leader: bool },
    /// The process runs another program.
    Exec,
}

/// An observed fork.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObservedFork {
    pub(super) key: u64,
    /// The PID or TID of the new task.
    pub(super) task: u32,
    /// The process that it belongs to: itself, unless it is a thread.
    pub(super) process: u32,
    pub(super) parent: u32,
    pub(super) since_boot: Duration,
    pub(super) source: Provenance,
}

impl ObservedFork {
    pub(super) const fn is_thread(&self) -> bool {
        self.process != self.task
    }

    /// Returns whether a call of this process can be the one: the new task is its child or, if it
    /// `may_be_sibling` (`CLONE_PARENT`), a child of its parent, or a thread of its own.
    pub(super) fn can_be_by(&self, caller: &Caller, may_be_sibling: bool) -> bool {
        [self.parent, self.process].contains(&caller.pid)
            || may_be_sibling && Some(self.parent) == caller.ppid
    }
}

/// What is decided when its deadline has passed, if nothing decides it before.
#[derive(Clone, Debug)]
pub(super) enum Undecided {
    /// Whether a process has ended.
    LastThread(LastThread),
    /// Of which process a crash was, as the record does not name its parent.
    Crash(Box<Caller>, Signal),
    /// Whether a task is a process or a thread.
    Task(UnsettledTask),
}

/// A process whose last thread may have exited.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastThread {
    pub(super) id: ProcessId,
    /// The signal of its crash.
    pub(super) crash: Option<Signal>,
    pub(super) event: EventId,
    /// When it was seen that the process is gone, as time since boot.
    pub(super) gone_at: Option<Duration>,
}

/// A task that `clone3` created: a process or a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnsettledTask {
    /// The process that created it.
    pub(super) parent: u32,
    pub(super) parent_id: Option<ProcessId>,
    pub(super) task: u32,
    pub(super) event: EventId,
    /// When its record arrived.
    pub(super) since: Tick,
}

/// What is pending for one PID.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    observations: VecDeque<Observed>,
    undecided: VecDeque<(u64, Undecided)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.undecided.is_empty()
    }

    pub(super) fn push(&mut self, observed: Observed) {
        self.observations.push_back(observed);
    }

    /// Returns the first observation.
    pub(super) fn first(&self) -> Option<Observed> {
        self.observations.front().copied()
    }

    pub(super) fn get(&self, key: u64) -> Option<Observed> {
        self.observations.iter().find(|observed| observed.key == key).copied()
    }

    pub(super) fn remove(&mut self, key: u64) {
        self.observations.retain(|observed| observed.key != key);
    }

    /// Returns the first such fork of this PID or TID that was not later than `until`.
    pub(super) fn fork(
        &self,
        task: u32,
        until: Option<Duration>,
        is_it: impl Fn(&ObservedFork) -> bool,
    ) -> Option<ObservedFork> {
        let mut forks = self.observations.iter().filter_map(|observed| observed.as_fork(task));
        forks.find(|fork| until.is_none_or(|until| fork.since_boot <= until) && is_it(fork))
    }

    /// Iterates over the observations of the instance that runs.
    fn of_running(&self) -> impl Iterator<Item = &Observed> {
        let is_fork = |observed: &&Observed| matches!(observed.what, What::Fork { .. });
        self.observations.iter().take_while(move |observed| !is_fork(observed))
    }

    /// Returns whether an observation is of the instance that runs.
    pub(super) fn is_of_running(&self, key: u64) -> bool {
        self.of_running().any(|observed| observed.key == key)
    }

    /// Returns the first exit of the instance that runs.
    pub(super) fn exit(&self) -> Option<Observed> {
        self.of_running().find(|observed| observed.is_exit()).copied()
    }

    /// Returns the last exit of the instance that runs, with what all of them show.
    pub(super) fn exits(&self, mut exits: ThreadExits) -> Option<(Observed, ThreadExits)> {
        let mut last = None;
        for observed in self.of_running() {
            if let What::Exit { code, is_leader } = observed.what {
                exits.add(code, is_leader);
                last = Some(*observed);
            }
        }
        Some((last?, exits))
    }

    /// As [`exits`](Self::exits), and removes them with what was observed before them.
    pub(super) fn take_exits(&mut self, exits: ThreadExits) -> Option<(Observed, ThreadExits)> {
        let (last, exits) = self.exits(exits)?;
        let index = self.observations.iter().position(|observed| observed.key == last.key)?;
        self.observations.drain(..=index);
        Some((last, exits))
    }

    /// Returns whether the last observation is an exit.
    pub(super) fn ends_with_exit(&self) -> bool {
        self.observations.back().is_some_and(Observed::is_exit)
    }

    /// Removes the exits after the last fork or exec.
    pub(super) fn remove_last_exits(&mut self) {
        while self.ends_with_exit() {
            self.observations.pop_back();
        }
    }

    pub(super) fn push_undecided(&mut self, key: u64, undecided: Undecided) {
        self.undecided.push_back((key, undecided));
    }

    pub(super) fn take_undecided(&mut self, key: u64) -> Option<Undecided> {
        let index = self.undecided.iter().position(|(other, _)| *other == key)?;
        self.undecided.remove(index).map(|(_, undecided)| undecided)
    }

    /// Returns the key of the first crash.
    pub(super) fn crash(&self) -> Option<u64> {
        self.key_of(|undecided| matches!(undecided, Undecided::Crash(..)))
    }

    /// Returns the key of the first task that fulfils a condition.
    pub(super) fn task(&self, is_it: impl Fn(&UnsettledTask) -> bool) -> Option<u64> {
        self.key_of(|undecided| matches!(undecided, Undecided::Task(task) if is_it(task)))
    }

    /// Returns the first task.
    pub(super) fn unsettled_task(&self) -> Option<&UnsettledTask> {
        self.undecided.iter().find_map(|(_, undecided)| match undecided {
            Undecided::Task(task) => Some(task),
            _ => None,
        })
    }

    fn key_of(&self, is_it: impl Fn(&Undecided) -> bool) -> Option<u64> {
        self.undecided.iter().find(|(_, undecided)| is_it(undecided)).map(|(key, _)| *key)
    }
}
