//! One instance of a PID: a process from its creation to its end.

use std::collections::VecDeque;
use std::time::Duration;

use super::RETENTION;
use super::caller::CallTime;
use super::threads::{ThreadExits, Threads};
use crate::constants::Signal;
use crate::process::{Process, ProcessId, ProcessSnapshot};
use crate::record::EventId;
use crate::time::{BootClock, Span, Tick, Timestamp};

/// A process that runs, or that ended not long ago: records of it may still arrive.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) process: Process,
    /// Its fork was reported, or happened before the tracker started.
    pub(super) is_reported: bool,
    /// The record of the call that created it has arrived, or cannot arrive.
    pub(super) has_fork_record: bool,
    /// When it was created, if the process monitor observed that.
    pub(super) forked_at: Option<Duration>,
    /// How it ended; `None` while it runs.
    pub(super) end: Option<End>,
    /// Whether it is in another pid namespace: then its calls return PIDs of that namespace.
    pub(super) is_nested: Option<bool>,
    /// When it last executed a program, by its record.
    pub(super) exec: Option<Span>,
    pub(super) threads: Threads,
    pub(super) thread_exits: ThreadExits,
    /// When its exit was to be reported and it was not in /proc any more.
    pub(super) gone_at: Option<Tick>,
    /// The signal and the event of its crash.
    pub(super) crash: Option<(Signal, EventId)>,
    pub(super) unmatched_children: UnmatchedChildren,
}

/// When an instance ended, as far as is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// The timestamp of the call by which it exited.
    pub(super) call: Option<Timestamp>,
    /// When its exit was observed.
    pub(super) since_boot: Option<Duration>,
}

impl Instance {
    pub(super) const fn new(process: Process) -> Self {
        Self {
            process,
            is_reported: false,
            has_fork_record: false,
            forked_at: None,
            end: None,
            is_nested: None,
            exec: None,
            threads: Threads::new(Some(1)),
            thread_exits: ThreadExits::NONE,
            gone_at: None,
            crash: None,
            unmatched_children: UnmatchedChildren::NONE,
        }
    }

    pub(super) const fn id(&self) -> ProcessId {
        self.process.id
    }

    pub(super) fn parent_pid(&self) -> Option<u32> {
        self.process.parent.map(|parent| parent.value.pid)
    }

    /// Returns whether it can be the process that was seen with its PID.
    pub(super) fn can_be(&self, seen: &ProcessSnapshot) -> bool {
        self.id().start_ticks().is_none_or(|start| start == seen.start_ticks)
    }

    /// As [`can_be`](Self::can_be); if its start time is not known exactly, that of what was seen must be one
    /// of the possible ones.
    pub(super) fn is_seen(&self, seen: &ProcessSnapshot, clock: &BootClock) -> bool {
        let range = self.process.start_range.clone();
        let range = range.or_else(|| self.forked_at.map(|at| clock.ticks(at)..=clock.ticks(at)));
        self.can_be(seen)
            && range.is_none_or(|range| {
                (range.start().saturating_sub(1)..=range.end().saturating_add(1))
                    .contains(&seen.start_ticks)
            })
    }

    /// Returns whether it had started at this time since boot, or its start is unknown.
    pub(super) fn had_started(&self, at: Duration, clock: &BootClock) -> bool {
        match (self.forked_at, &self.process.start_range) {
            (Some(forked_at), _) => forked_at <= at,
            (None, Some(range)) => *range.start() <= clock.ticks(at),
            (None, None) => true,
        }
    }

    /// Returns whether it started after a call was entered: then it did not make the call.
    pub(super) fn started_after(&self, call: CallTime, clock: &BootClock) -> bool {
        let start = match (&self.process.start_range, self.forked_at) {
            (_, Some(forked_at)) => Some(clock.ticks(forked_at)),
            (Some(range), None) => Some(*range.start()),
            (None, None) => None,
        };
        let latest = call.latest().map(|latest| clock.ticks(latest));
        start.zip(latest).is_some_and(|(start, latest)| latest < start)
    }

    /// Returns whether it ended, but may have been in a call that was entered at this time.
    ///
    /// The PID cannot have been reused so soon: that takes as many forks as there are PIDs.
    pub(super) fn ended_after(&self, call: CallTime) -> bool {
        let Some(end) = self.end else { return false };
        match (end.call, end.since_boot, call.span) {
            (_, Some(end), Some(span)) => span.earliest <= end.saturating_add(EXIT_MARGIN),
            (Some(end), ..) => {
                call.stamp.since_epoch() <= end.since_epoch().saturating_add(EXIT_MARGIN)
            }
            (None, ..) => false,
        }
    }

    /// Returns whether it can be what a call created: by its start if that is known, otherwise by its
    /// parent while it runs, and by its end afterwards.
    ///
    /// A call can be suspended for any time after it was entered: a child may be younger.
    pub(super) fn can_be_created_by(
        &self,
        call: CallTime,
        is_parent: impl Fn(u32) -> bool,
        clock: &BootClock,
    ) -> bool {
        // of an instance that runs, the parent is more certain than an observed start
        let observed = self.end.and(self.forked_at).map(|forked_at| clock.ticks(forked_at));
        match (self.id().start_ticks().or(observed), call.span) {
            (Some(start), Some(span)) => {
                start.saturating_add(1) >= clock.ticks(span.earliest)
                    && (start <= clock.ticks(span.latest)
                        || self.parent_pid().is_some_and(is_parent))
            }
            _ if self.end.is_some() => self.ended_after(call),
            _ => self.parent_pid().is_none_or(is_parent),
        }
    }

    /// Notes that it ended, and drops what is needed only while it runs.
    pub(super) fn close(&mut self, end: End) {
        self.end = Some(end);
        self.unmatched_children = UnmatchedChildren::NONE;
    }
}

/// Children whose own record arrived before that of the call that created them, in the order of their
/// creation.
#[derive(Clone, Debug)]
pub(super) struct UnmatchedChildren(VecDeque<(u32, Duration)>);

impl UnmatchedChildren {
    const NONE: Self = Self(VecDeque::new());

    pub(super) fn add(&mut self, pid: u32, forked_at: Duration) {
        // the record of the call arrives soon, or was lost
        while self.0.front().is_some_and(|(_, first)| first.saturating_add(RETENTION) < forked_at) {
            self.0.pop_front();
        }
        let former = self.0.iter().rposition(|(_, other)| *other <= forked_at);
        self.0.insert(former.map_or(0, |former| former + 1), (pid, forked_at));
    }

    /// Removes and returns the first one, if it was created before `other`.
    pub(super) fn take_before(&mut self, other: Option<Duration>) -> Option<u32> {
        let is_first = |forked_at: Duration| other.is_none_or(|other| forked_at < other);
        let (pid, _) = self.0.front().copied().filter(|(_, forked_at)| is_first(*forked_at))?;
        self.0.pop_front();
        Some(pid)
    }
}

/// How long after the end of a process its other threads may still be in calls.
const EXIT_MARGIN: Duration = Duration::from_millis(200);
