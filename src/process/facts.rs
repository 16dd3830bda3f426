//! What second sources told, until the records have caught up.
//!
//! For each number, facts lie in the order in which they came about. The connector is ahead of the
//! records, so a record of a birth or an end finds its fact here and takes it out. What no record
//! takes out in time is told on its own.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Source;
use crate::time::Tick;

/// Something that a second source told about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) what: What,
    /// When it came about, as time since boot.
    pub(super) since_boot: Duration,
    pub(super) source: Source,
    number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A process or thread was created.
    Birth { parent: u32, process: u32 },
    /// A process, or its first thread, ended.
    End { code: Option<i32> },
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
        source: Source,
        at: Tick,
    ) {
        self.counter += 1;
        let entry = Entry { what, since_boot, source, number: self.counter };
        self.by_pid.entry(pid).or_default().push_back(entry);
        let due = Due { observed: at, pid, entry };
        match what {
            What::End { code } if code.is_none_or(is_sudden) => self.soon.push_back(due),
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

    /// Takes out the first fact of a number.
    pub(super) fn take_first(&mut self, pid: u32) -> Option<Due> {
        let entry = *self.by_pid.get(&pid)?.front()?;
        self.take_until(pid, |_| true);
        Some(Due { observed: Tick::ZERO, pid, entry })
    }

    /// Takes out the end of the life that is going on, if it is there: it comes before any birth.
    pub(super) fn take_end(&mut self, pid: u32) -> Option<Entry> {
        let end = self.end(pid)?;
        self.take_until(pid, |entry| entry.number == end.number);
        Some(end)
    }

    /// Looks at the end of the life that is going on.
    pub(super) fn end(&self, pid: u32) -> Option<Entry> {
        let entries = self.by_pid.get(&pid)?;
        let mut own = entries.iter().take_while(|entry| !matches!(entry.what, What::Birth { .. }));
        own.find(|entry| matches!(entry.what, What::End { .. })).copied()
    }

    fn take_until(&mut self, pid: u32, is_last: impl Fn(&Entry) -> bool) {
        let Some(entries) = self.by_pid.get_mut(&pid) else { return };
        while let Some(entry) = entries.pop_front() {
            if is_last(&entry) {
                break;
            }
        }
        if entries.is_empty() {
            self.by_pid.remove(&pid);
        }
    }

    /// Finds the first child of a process whose birth no record told yet.
    pub(super) fn child_of(&self, parent: u32) -> Option<u32> {
        let births = self.later.iter().filter(|due| self.is_there(due));
        births
            .filter(|due| due.entry.what == What::Birth { parent, process: due.pid })
            .map(|due| due.pid)
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
    code & 0x7F != 0
}
