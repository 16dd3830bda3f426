//! The threads of one process: how many run, and how they ended.

use std::time::Duration;

use crate::constants::Signal;
use crate::process::ExitStatus;
use crate::record::EventId;

/// The number of threads of a process as records report it, for when the process cannot be looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads {
    /// How many run; `None` if the process is older than the tracker.
    running: Option<u32>,
    /// There was never more than one.
    pub(super) was_always_single: bool,
    /// Tasks that `clone3` created, which may be threads.
    pub(super) unsettled: u32,
    /// Exits of threads whose creation is unknown.
    unknown_exits: u32,
    /// The earliest time at which the last of them may have happened, as time since boot.
    last_exit: Option<Duration>,
    /// The last recorded exit of a thread.
    recorded: Option<RecordedExit>,
}

/// The exit of a thread by its record.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordedExit {
    pub(super) event: EventId,
    pub(super) status: ExitStatus,
    /// The earliest time at which it may have happened, as time since boot.
    pub(super) since_boot: Option<Duration>,
}

impl RecordedExit {
    /// Returns whether it happened after another one. The kernel records an exit when the thread has begun
    /// to end; records of two CPUs may arrive in the other order.
    fn is_after(self, other: Self) -> bool {
        self.event.serial().wrapping_sub(other.event.serial()) < 1 << 31
    }
}

impl Threads {
    pub(super) const fn new(running: Option<u32>) -> Self {
        let was_always_single = matches!(running, Some(1));
        Self {
            running,
            was_always_single,
            unsettled: 0,
            unknown_exits: 0,
            last_exit: None,
            recorded: None,
        }
    }

    /// Counts a thread that was created.
    pub(super) const fn add(&mut self) {
        self.was_always_single = false;
        if let Some(running) = self.running {
            self.running = Some(running.saturating_add(1));
        }
    }

    /// Counts a thread that exited, and returns whether it was the last one as far as is known.
    pub(super) fn exit(&mut self, exit: RecordedExit) -> bool {
        if self.recorded.is_none_or(|former| exit.is_after(former)) {
            self.recorded = Some(exit);
        }
        match self.running {
            Some(1) => {
                self.last_exit = self.last_exit.max(exit.since_boot);
                self.unknown_exits = self.unknown_exits.saturating_add(1);
                self.have_exited()
            }
            Some(running) => {
                self.running = Some(running.saturating_sub(1));
                false
            }
            None => false,
        }
    }

    /// Returns whether all threads have exited, as far as is known.
    pub(super) const fn have_exited(self) -> bool {
        matches!(self.running, Some(1)) && self.unsettled == 0 && self.unknown_exits > 0
    }

    /// Returns whether as many exits were recorded as there were threads.
    pub(super) const fn is_each_exit_recorded(self) -> bool {
        self.have_exited() && self.unknown_exits == 1
    }

    /// Returns the exit that was recorded last, if all threads have exited as far as is known.
    pub(super) fn last_recorded(self) -> Option<RecordedExit> {
        self.recorded.filter(|_| self.have_exited())
    }

    /// Returns the status of a process whose threads all ended by `exit`, by their records: that of the
    /// last one. Before Linux 6.0 that is not so (`leader_counts`) unless there was one thread only.
    pub(super) fn status(self, leader_counts: bool) -> Option<ExitStatus> {
        let last = self.last_recorded().filter(|_| self.was_always_single || !leader_counts)?;
        Some(last.status).filter(|status| *status != ExitStatus::Unknown)
    }

    /// Returns whether an unsettled task that is gone was a thread: it was if at least as many threads
    /// exited as there are unsettled tasks. `None` if that cannot be known yet: the exit of a thread may
    /// be recorded before the call that created it.
    pub(super) fn settle_gone(&mut self, has_passed: impl Fn(Duration) -> bool) -> Option<bool> {
        let were_threads = self.unknown_exits > self.unsettled;
        if were_threads && !self.last_exit.is_none_or(has_passed) {
            return None;
        }
        self.was_always_single &= !were_threads;
        // otherwise it cannot be known of any of them
        self.unknown_exits = if were_threads { self.unknown_exits - 1 } else { 0 };
        Some(were_threads)
    }
}

/// What the observed exits of threads show about how their process ended.
///
/// A signal ends all threads, except those that were about to exit by themselves: if one of them was
/// killed by it, the process was. The exception is seccomp, which may kill a single thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadExits {
    /// The thread-group leader has exited; other threads may run.
    pub(super) is_leader_gone: bool,
    killed: Option<i32>,
    /// The codes of threads that no signal killed: of the leader, and of the last one.
    leader: Option<i32>,
    last: Option<i32>,
}

impl ThreadExits {
    pub(super) const NONE: Self =
        Self { is_leader_gone: false, killed: None, leader: None, last: None };

    pub(super) fn add(&mut self, code: Option<i32>, is_leader: bool) {
        self.is_leader_gone |= is_leader;
        let Some(code) = code else { return };
        if code == FILTERED && !is_leader {
            // the other threads may run
        } else if is_kill(code) {
            self.killed = Some(match self.killed {
                // of the threads, only the one that wrote a core file has the flag
                Some(former) if signal(former) == signal(code) => former | code,
                Some(former) if former != FILTERED => former,
                _ => code,
            });
        } else {
            self.last = Some(code);
            self.leader = if is_leader { Some(code) } else { self.leader };
        }
    }

    /// Returns the wait status of the process; `None` if it is unknown.
    ///
    /// Where all threads ended by `exit`, it is that of the last one, and before Linux 6.0 that of the
    /// leader (`leader_counts`); where one called `exit_group`, it is that one's. The codes do not
    /// distinguish the two calls.
    pub(super) fn status(self, leader_counts: bool) -> Option<i32> {
        match (self.signal(), self.last) {
            (None, Some(_)) if leader_counts && self.leader != self.last => None,
            (None, Some(last)) => Some(last),
            (None, None) => self.killed,
            (signal, _) => signal,
        }
    }

    /// Returns whether no exit of another thread can change the status: a signal killed the process, and
    /// the thread that writes the core file has exited if there is one.
    pub(super) fn is_final(self) -> bool {
        self.signal().is_some_and(|code| code & DUMPED != 0 || !dumps_core(code))
    }

    /// Returns the wait status of a process that a signal killed, even if threads were about to exit.
    pub(super) fn signal(self) -> Option<i32> {
        self.killed.filter(|code| *code != FILTERED)
    }
}

/// Returns whether a signal killed the task: then it made no record of its exit.
pub(super) const fn is_kill(code: i32) -> bool {
    signal(code) != 0
}

const fn signal(code: i32) -> u32 {
    (code & 0x7F).unsigned_abs()
}

/// Returns whether the signal that killed the task writes a core file; signal(7).
fn dumps_core(code: i32) -> bool {
    const DUMPING: [&str; 10] = [
        "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGXCPU",
        "SIGXFSZ", "SIGSYS",
    ];
    Signal::new(signal(code)).name().is_some_and(|name| DUMPING.contains(&name))
}

/// The flag of a code whose task wrote a core file.
const DUMPED: i32 = 0x80;

/// The code of a single thread that seccomp kills: `SIGSYS`, without a core file.
const FILTERED: i32 = 31;
