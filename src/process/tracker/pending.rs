//! What second sources told, until the records have caught up.
//!
//! For each number, facts lie in the order in which they came about. The connector is ahead of the
//! records, so a record of a birth or an end finds its fact here and takes it out. What no record
//! takes out in time is told on its own.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::process::Provenance;
use crate::time::Tick;

/// Something that a second source told about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) what: What,
    /// When it came about, as time since boot.
    pub(super) since_boot: Duration,
    pub(super) source: Provenance,
    number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A process or thread was created.
    Birth { parent: u32, process: u32 },
    /// A process, or its first thread, ended; or another thread whose end tells of that of all.
    End { code: Option<i32>, is_first: bool },
    /// A process runs another program than before.
    Program,
}

/// What came when, to be looked at again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) observed: Tick,
    pub(super) pid: u32,
    pub(super) entry: Entry,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    by_pid: HashMap<u32, VecDeque<Entry>>,
    /// Sudden ends, of which no record is to be expected.
    soon: VecDeque<Due>,
    /// All else: a record of it should come.
    later: VecDeque<Due>,
    counter: u64,
}

impl Facts {
    pub(super) fn push(
        &mut self,
        pid: u32,
        what: What,
        since_boot: Duration,
        source: Provenance,
        at: Tick,
    ) {
        self.counter += 1;
        let entry = Entry { what, since_boot, source, number: self.counter };
        self.by_pid.entry(pid).or_default().push_back(entry);
        let due = Due { observed: at, pid, entry };
        match what {
            What::End { code, .. } if code.is_none_or(is_sudden) => self.soon.push_back(due),
            _ => self.later.push_back(due),
        }
    }

    /// Looks at the first birth of a number that was not later than `until`.
    pub(super) fn birth(&self, pid: u32, until: Option<Duration>) -> Option<(Entry, u32, u32)> {
        self.by_pid.get(&pid)?.iter().find_map(|entry| match entry.what {
            What::Birth { parent, process }
                if until.is_none_or(|until| entry.since_boot <= until) =>
            {
                Some((*entry, parent, process))
            }
            _ => None,
        })
    }

    /// Looks at the first fact of a number.
    pub(super) fn first(&self, pid: u32) -> Option<Due> {
        let entry = *self.by_pid.get(&pid)?.front()?;
        Some(Due { observed: Tick::ZERO, pid, entry })
    }

    /// Takes out what there is of ends of the life that is going on: they come before any birth. The
    /// last one is returned, with what all of them tell.
    pub(super) fn take_ends(&mut self, pid: u32, mut ends: Ends) -> Option<(Entry, Ends)> {
        let mut last = None;
        for entry in self.own(pid) {
            if let What::End { code, is_first } = entry.what {
                ends.add(code, is_first);
                last = Some(*entry);
            }
        }
        let last = last?;
        self.take_until(pid, last);
        Some((last, ends))
    }

    /// Looks at the first end of the life that is going on.
    pub(super) fn end(&self, pid: u32) -> Option<Entry> {
        self.own(pid).find(|entry| matches!(entry.what, What::End { .. })).copied()
    }

    /// Tells whether an end is of the life that is going on.
    pub(super) fn is_own(&self, due: &Due) -> bool {
        self.own(due.pid).any(|entry| *entry == due.entry)
    }

    /// Tells whether the last that was told of a number is an end.
    pub(super) fn ends_with_end(&self, pid: u32) -> bool {
        let last = self.by_pid.get(&pid).and_then(VecDeque::back);
        last.is_some_and(|entry| matches!(entry.what, What::End { .. }))
    }

    /// Iterates over what is of the life that is going on.
    fn own(&self, pid: u32) -> impl Iterator<Item = &Entry> {
        let entries = self.by_pid.get(&pid).into_iter().flatten();
        entries.take_while(|entry| !matches!(entry.what, What::Birth { .. }))
    }

    fn take_until(&mut self, pid: u32, last: Entry) {
        let Some(entries) = self.by_pid.get_mut(&pid) else { return };
        while let Some(entry) = entries.pop_front() {
            if entry == last {
                break;
            }
        }
        if entries.is_empty() {
            self.by_pid.remove(&pid);
        }
    }

    /// Finds the first child or thread of a process whose birth no record told yet, and when that was.
    pub(super) fn child_of(&self, caller: u32) -> Option<(u32, Duration)> {
        let births = self.later.iter().filter(|due| self.is_there(due));
        births
            .filter(|due| match due.entry.what {
                What::Birth { parent, process } if process == due.pid => parent == caller,
                What::Birth { process, .. } => process == caller,
                _ => false,
            })
            .map(|due| (due.pid, due.entry.since_boot))
            .next()
    }

    /// Takes out the ends behind the last birth of a number.
    pub(super) fn remove_ends(&mut self, pid: u32) {
        let Some(entries) = self.by_pid.get_mut(&pid) else { return };
        while entries.back().is_some_and(|entry| matches!(entry.what, What::End { .. })) {
            entries.pop_back();
        }
        if entries.is_empty() {
            self.by_pid.remove(&pid);
        }
    }

    /// Has a fact wait for longer, behind all that came before it.
    pub(super) fn postpone(&mut self, due: Due) {
        self.later.push_back(due);
    }

    /// Drops one fact.
    pub(super) fn remove(&mut self, due: &Due) {
        if let Some(entries) = self.by_pid.get_mut(&due.pid) {
            entries.retain(|entry| entry.number != due.entry.number);
            if entries.is_empty() {
                self.by_pid.remove(&due.pid);
            }
        }
    }

    /// Tells whether a fact was not taken out yet.
    pub(super) fn is_there(&self, due: &Due) -> bool {
        self.holds(due.pid, due.entry)
    }

    /// As [`is_there`](Self::is_there), by the number of the task.
    pub(super) fn holds(&self, pid: u32, wanted: Entry) -> bool {
        holds(&self.by_pid, pid, wanted)
    }

    /// Takes the oldest sudden end out of those that wait, if it is ready; the fact itself stays.
    pub(super) fn next_soon(&mut self, is_ready: impl Fn(&Due) -> bool) -> Option<Due> {
        next(&mut self.soon, &self.by_pid, is_ready)
    }

    /// As [`next_soon`](Self::next_soon), of all else.
    pub(super) fn next_later(&mut self, is_ready: impl Fn(&Due) -> bool) -> Option<Due> {
        next(&mut self.later, &self.by_pid, is_ready)
    }

    /// When the oldest ones were observed: of the sudden ends, and of all else.
    pub(super) fn oldest(&self) -> (Option<Tick>, Option<Tick>) {
        (self.soon.front().map(|due| due.observed), self.later.front().map(|due| due.observed))
    }
}

fn holds(by_pid: &HashMap<u32, VecDeque<Entry>>, pid: u32, wanted: Entry) -> bool {
    let entries = by_pid.get(&pid);
    entries.is_some_and(|entries| entries.iter().any(|entry| entry.number == wanted.number))
}

fn next(
    queue: &mut VecDeque<Due>,
    by_pid: &HashMap<u32, VecDeque<Entry>>,
    is_ready: impl Fn(&Due) -> bool,
) -> Option<Due> {
    loop {
        let due = *queue.front()?;
        let is_there = holds(by_pid, due.pid, due.entry);
        if is_there && !is_ready(&due) {
            return None;
        }
        queue.pop_front();
        if is_there {
            return Some(due);
        }
    }
}

/// Tells whether a process ended by a signal: then it made no record of its end.
pub(super) const fn is_sudden(code: i32) -> bool {
    signal(code) != 0
}

const fn signal(code: i32) -> u32 {
    (code & 0x7F).unsigned_abs()
}

/// What the ends of its threads tell of how a process ended.
///
/// A signal ends all threads, save those that were about to end on their own: where one of them died
/// of it, the process did. The exception is seccomp, which may end a single thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// The first thread has ended; others may have gone on.
    pub(super) is_first_gone: bool,
    signaled: Option<i32>,
    /// With which codes threads ended that no signal did: the first thread, and the last one.
    first: Option<i32>,
    last: Option<i32>,
}

impl Ends {
    pub(super) const NONE: Self =
        Self { is_first_gone: false, signaled: None, first: None, last: None };

    fn add(&mut self, code: Option<i32>, is_first: bool) {
        self.is_first_gone |= is_first;
        let Some(code) = code else { return };
        if code == FILTERED && !is_first {
            // the others may go on
        } else if is_sudden(code) {
            self.signaled = Some(match self.signaled {
                // of the threads, only the one that wrote a core file tells of it
                Some(former) if signal(former) == signal(code) => former | code,
                Some(former) if former != FILTERED => former,
                _ => code,
            });
        } else {
            self.last = Some(code);
            self.first = if is_first { Some(code) } else { self.first };
        }
    }

    /// The status of the process; `None` if it is not known.
    ///
    /// Where all threads ended by `exit`, it is that of the last one, and before Linux 6.0 that of the
    /// first one (`first_counts`); where one called `exit_group`, it is that one's. The codes do not
    /// tell one call from the other.
    pub(super) fn status(self, first_counts: bool) -> Option<i32> {
        match (self.signal(), self.last) {
            (None, Some(_)) if first_counts && self.first != self.last => None,
            (None, Some(last)) => Some(last),
            (None, None) => self.signaled,
            (signal, _) => signal,
        }
    }

    /// The status of a process that a signal ended, whatever its threads were about to do.
    pub(super) fn signal(self) -> Option<i32> {
        self.signaled.filter(|code| *code != FILTERED)
    }
}

/// How a thread ends that seccomp ends alone: by `SIGSYS`, and without a core file.
const FILTERED: i32 = 31;
