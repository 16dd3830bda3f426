//! A life that goes on, with what the tracker must remember of it.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::pending::Ends;
use crate::constants::Signal;
use crate::process::{KEPT, Process, ProcessId, ProcessSnapshot};
use crate::record::EventId;
use crate::time::{BootClock, Span};

#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) process: Process,
    /// The record of the call that created it has come, or cannot come.
    pub(super) confirmed: bool,
    /// Its birth was told, or was before our time.
    pub(super) told: bool,
    /// When it was created, where a second source told.
    pub(super) born: Option<Duration>,
    /// When it last began to run a program, by its record.
    pub(super) exec: Option<Span>,
    pub(super) threads: Threads,
    /// What the ends of its threads told so far.
    pub(super) ends: Ends,
    pub(super) abend: Option<(Signal, EventId)>,
    /// Whether it is in another pid namespace: then the numbers of its children are not ours.
    pub(super) is_nested: Option<bool>,
    /// Those of whom their own record came before that of the call that created them.
    pub(super) children: Children,
}

/// Children in the order of their births.
#[derive(Clone, Debug)]
pub(super) struct Children(VecDeque<(u32, Duration)>);

impl Children {
    pub(super) const NONE: Self = Self(VecDeque::new());

    pub(super) fn add(&mut self, pid: u32, born: Duration) {
        // the record of the call comes soon, or was lost
        while self.0.front().is_some_and(|(_, first)| first.saturating_add(KEPT) < born) {
            self.0.pop_front();
        }
        let former = self.0.iter().rposition(|(_, other)| *other <= born);
        self.0.insert(former.map_or(0, |former| former + 1), (pid, born));
    }

    /// Takes the first one, if it was born before `other`.
    pub(super) fn take_before(&mut self, other: Option<Duration>) -> Option<u32> {
        let is_first = |born: Duration| other.is_none_or(|other| born < other);
        let (pid, _) = self.0.front().copied().filter(|(_, born)| is_first(*born))?;
        self.0.pop_front();
        Some(pid)
    }
}

/// The threads of a process, by the records alone: for when nobody can look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads {
    /// Those that are known to run; `None` if it was there before us.
    running: Option<u32>,
    /// There never was more than one.
    pub(super) is_alone: bool,
    /// Tasks that `clone3` created, which may be threads.
    pub(super) unsettled: u32,
    /// Threads that ended without being known.
    pub(super) unknown_ends: u32,
}

impl Threads {
    pub(super) const fn of(running: Option<u32>) -> Self {
        let is_alone = matches!(running, Some(1));
        Self { running, is_alone, unsettled: 0, unknown_ends: 0 }
    }

    pub(super) const fn begin(&mut self) {
        self.is_alone = false;
        if let Some(running) = self.running {
            self.running = Some(running.saturating_add(1));
        }
    }

    /// A thread ended; tells whether that was the last one, as far as is known.
    pub(super) const fn end(&mut self) -> bool {
        match self.running {
            Some(1) => {
                self.unknown_ends = self.unknown_ends.saturating_add(1);
                self.is_single()
            }
            Some(running) => {
                self.running = Some(running.saturating_sub(1));
                false
            }
            None => false,
        }
    }

    /// Tells whether there is one thread, as far as is known.
    pub(super) const fn is_single(self) -> bool {
        matches!(self.running, Some(1)) && self.unsettled == 0
    }

    /// Decides whether a task that is gone was a thread: it was if as many ended as there are tasks
    /// of which that is not known.
    pub(super) const fn settle_gone(&mut self) -> bool {
        let were_threads = self.unknown_ends > self.unsettled;
        self.is_alone &= !were_threads;
        // else it is not known of any of them, now or later
        self.unknown_ends = if were_threads { self.unknown_ends - 1 } else { 0 };
        were_threads
    }
}

impl Life {
    pub(super) const fn new(process: Process) -> Self {
        Self {
            process,
            confirmed: false,
            told: false,
            born: None,
            exec: None,
            threads: Threads::of(Some(1)),
            ends: Ends::NONE,
            abend: None,
            is_nested: None,
            children: Children::NONE,
        }
    }

    pub(super) const fn id(&self) -> ProcessId {
        self.process.id
    }

    /// Tells whether what was seen under its number can be it.
    pub(super) fn can_be(&self, seen: &ProcessSnapshot) -> bool {
        self.id().start_ticks().is_none_or(|start| start == seen.start_ticks)
    }

    pub(super) fn parent_pid(&self) -> Option<u32> {
        self.process.parent.map(|parent| parent.value.pid)
    }

    /// Tells whether it can be what a call created: by its start if that is known, else by its parent.
    ///
    /// A call can be halted for any time after it was entered: a child of the caller may be younger.
    pub(super) fn can_be_born(
        &self,
        starts: Option<RangeInclusive<u64>>,
        is_parent: impl Fn(u32) -> bool,
    ) -> bool {
        match (self.id().start_ticks(), starts) {
            (Some(start), Some(starts)) => {
                let is_young = start > *starts.end();
                start.saturating_add(1) >= *starts.start()
                    && (!is_young || self.parent_pid().is_some_and(is_parent))
            }
            _ => self.parent_pid().is_none_or(is_parent),
        }
    }

    /// Tells whether a record of `span` is too old to be of this life.
    pub(super) fn is_after(&self, span: Span, clock: &BootClock) -> bool {
        let start = match (&self.process.start_range, self.born) {
            (_, Some(born)) => Some(clock.ticks(born)),
            (Some(range), None) => Some(*range.start()),
            (None, None) => None,
        };
        start.is_some_and(|start| clock.ticks(span.latest) < start)
    }
}
