//! What second sources tell, and what is looked up.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Check, End, LATER, PATIENCE, SILENCE, SOON, Tracker, Unsettled};
use crate::process::inspector::{Lookup, Observation, ProcessInspector, ProcessSnapshot};
use crate::process::tracker::instance::Life;
use crate::process::tracker::pending::{Due, Ends, Entry, What, is_sudden};
use crate::process::{
    Audited, Exec, ExitStatus, Fact, Fork, LifecycleLoss, Parent, Process, ProcessEvent, ProcessId,
    Provenance, Start,
};
use crate::time::Tick;

/// The thread of the kernel that creates all others.
const KTHREADD: u32 = 2;

/// How far the stream of records has come. While the kernel holds records back, nobody knows.
#[derive(Clone, Copy)]
struct Progress {
    stream_at: Option<Duration>,
    silence: Duration,
    has_backpressure: bool,
}

impl Progress {
    fn is_silent(self, needed: Duration) -> bool {
        !self.has_backpressure && self.silence >= needed
    }

    fn has_passed(self, since_boot: Duration) -> bool {
        !self.has_backpressure && self.stream_at.is_some_and(|stream| since_boot < stream)
    }
}

impl<I: ProcessInspector> Tracker<I> {
    pub(super) fn observed(&mut self, observation: Observation) {
        match observation {
            Observation::Forked { parent, task, process, since_boot } => {
                let what = What::Birth { parent, process };
                self.facts.push(task, what, since_boot, Provenance::Connector, self.now);
            }
            Observation::Exited { task, process, code, since_boot, source } => {
                let life = self.lives.get(&process);
                let is_first = task == process;
                // of another thread it matters if it may be the last one, or if a signal ends all
                let matters = is_first
                    || code.is_some_and(is_sudden)
                    || life.is_some_and(|life| life.ends.is_first_gone)
                    || self.facts.ends_with_end(process);
                let is_known = life.is_some() || self.facts.birth(process, None).is_some();
                if matters && is_known {
                    let what = What::End { code, is_first };
                    self.facts.push(process, what, since_boot, source, self.now);
                }
            }
            Observation::Executed { process, since_boot } => {
                // a thread that ran it has ended all others, the first one, too
                self.facts.remove_ends(process);
                if self.facts.birth(process, None).is_none()
                    && let Some(life) = self.lives.get_mut(&process)
                {
                    life.ends = Ends::NONE;
                }
                // of those that make records, the record tells
                let life = self.lives.get(&process);
                if life.is_some_and(|life| life.process.audited != Audited::Yes) {
                    let (source, now) = (Provenance::Connector, self.now);
                    self.facts.push(process, What::Program, since_boot, source, now);
                }
            }
            Observation::Lost { count } => {
                self.second_source_lost(count);
                self.list_soon();
            }
        }
    }

    /// Does what is due.
    pub(super) fn do_due(&mut self) {
        let now = self.now;
        self.facts_due();
        while let Some(check) = pop_due(&mut self.checks, |check| check.due, now) {
            self.check_due(&check);
        }
        while let Some(crash) = pop_due(&mut self.crashes, |crash| crash.due, now) {
            self.crashed(&crash.caller, crash.signal);
        }
        while let Some(task) = pop_due(&mut self.unsettled, |task| task.due, now) {
            self.unsettled_due(&task);
        }
        if self.next_listing.is_some_and(|at| at <= now) {
            self.next_listing = None;
            self.list_again();
        }
        if let Some(interval) = self.config.sweep_interval
            && self.next_sweep.is_none_or(|at| at <= now)
        {
            self.next_sweep = Some(now.saturating_add(interval));
            self.sweep_now();
        }
    }

    fn progress(&self) -> Progress {
        let silence = self.quiet_at.saturating_duration_since(self.record_at);
        Progress { stream_at: self.stream_at, silence, has_backpressure: self.has_backpressure }
    }

    /// Tells what second sources told and no record took out in time.
    fn facts_due(&mut self) {
        let (now, progress, lives) = (self.now, self.progress(), &self.lives);
        let is_ready = |due: &Due, wait, needed| {
            let waited = now.saturating_duration_since(due.observed);
            // who makes records and ended itself has made a last one: it comes, however late
            let life = lives.get(&due.pid);
            let awaits_record = wait == LATER
                && matches!(due.entry.what, What::End { .. })
                && life.is_some_and(|life| life.process.audited == Audited::Yes);
            let is_complete = progress.is_silent(needed)
                || progress.has_passed(due.entry.since_boot) && !awaits_record;
            waited >= wait && (is_complete || waited >= PATIENCE)
        };
        let mut soon = Vec::new();
        while let Some(due) = self.facts.next_soon(|due| is_ready(due, SOON, SOON)) {
            soon.push(due);
        }
        let mut later = Vec::new();
        while let Some(due) = self.facts.next_later(|due| is_ready(due, LATER, SILENCE)) {
            later.push(due);
        }
        for due in soon {
            if self.facts.is_own(&due) {
                self.end_due(&due);
            } else {
                self.facts.postpone(due);
            }
        }
        for due in later {
            if !self.facts.is_there(&due) {
                continue; // one before it took it out
            }
            match due.entry.what {
                What::Birth { parent, process } if process == due.pid => {
                    self.birth_due(&due, parent);
                }
                What::Birth { .. } => self.facts.remove(&due),
                What::End { .. } => self.end_due(&due),
                What::Program => self.program_due(&due),
            }
        }
    }

    /// Takes out a birth. What lies before it is of former lives of the number: it is told first.
    pub(super) fn take_birth(&mut self, pid: u32, birth: Entry) {
        if !self.facts.holds(pid, birth) {
            return;
        }
        while let Some(due) = self.facts.first(pid) {
            if due.entry == birth {
                return self.facts.remove(&due);
            }
            match due.entry.what {
                What::Birth { parent, process } if process == pid => {
                    self.birth_due(&due, parent);
                }
                What::End { .. } => self.end_due(&due),
                What::Birth { .. } | What::Program => self.facts.remove(&due),
            }
        }
    }

    /// Ends a life that a second source saw end, and of whose end no record came.
    fn end_due(&mut self, due: &Due) {
        let (entry, pid) = (due.entry, due.pid);
        let life = self.lives.get_mut(&pid);
        let Some(life) = life.filter(|life| life.born.is_none_or(|born| born <= entry.since_boot))
        else {
            return self.facts.remove(due); // it is told of a former life
        };
        let Some((last, ends)) = self.facts.take_ends(pid, life.ends) else {
            return self.facts.remove(due);
        };
        life.ends = ends;
        // the connector tells that a thread ended; others may live on, and of the first one it tells, too
        let lives_on = !ends.is_first_gone
            || last.source == Provenance::Connector
                && match self.inspector.process(pid) {
                    Lookup::Process(seen) => {
                        let is_same = match life.id().start_ticks() {
                            Some(start) => start == seen.start_ticks,
                            None => seen.start_ticks <= self.config.clock.ticks(last.since_boot),
                        };
                        is_same && !seen.is_over()
                    }
                    _ => false,
                };
        if !lives_on {
            let mut end = End::of_last(last, ends.status(self.config.leader_status));
            end.since_boot = Some(self.gone_until(last.since_boot));
            self.close(pid, end);
        }
    }

    /// Tells of a birth of which no record came.
    fn birth_due(&mut self, due: &Due, parent: u32) {
        let (pid, entry) = (due.pid, due.entry);
        self.facts.remove(due);
        let seen = match self.inspector.process(pid) {
            Lookup::Process(seen)
                if seen.start_ticks <= self.config.clock.ticks(entry.since_boot) =>
            {
                Some(seen)
            }
            _ => None,
        };
        let is_of_kernel = match &seen {
            Some(seen) => seen.is_kernel_thread,
            None => parent == KTHREADD,
        };
        let is_known = self.lives.get(&pid).is_some_and(|life| {
            seen.as_ref().is_some_and(|seen| life.id().start_ticks() == Some(seen.start_ticks))
        });
        if is_of_kernel || is_known || !self.config.unrecorded {
            return;
        }
        self.know(parent, entry.since_boot);
        self.born_told(pid, entry, parent);
    }

    /// Makes a process known of whose birth before `until` the second source told, and its ancestors, so
    /// that a child is not told before them.
    pub(super) fn know(&mut self, pid: u32, until: Duration) {
        let (mut chain, mut pid, mut until) = (Vec::new(), pid, until);
        while let Some((entry, parent)) = self.birth(pid, Some(until)) {
            if entry.source != Provenance::Connector {
                break;
            }
            chain.push((pid, entry, parent));
            // a parent is older than its child: this ends
            (pid, until) = (parent, entry.since_boot.saturating_sub(Duration::from_nanos(1)));
        }
        for (pid, entry, parent) in chain.into_iter().rev() {
            self.take_birth(pid, entry);
            self.born_told(pid, entry, parent);
        }
    }

    /// Tells of a birth as the second source told it.
    fn born_told(&mut self, pid: u32, entry: Entry, parent: u32) {
        if self.lives.contains_key(&pid) {
            self.close(pid, End::inferred());
        }
        let (until, otherwise) = (Some(entry.since_boot), Start::SinceBoot(entry.since_boot));
        let (id, seen) = self.identify(pid, until, otherwise);
        let mut process = Process::new(id);
        if seen.is_none() {
            process.start_range = Some(self.told_range(entry.since_boot));
        }
        process.parent = self.parent(parent, entry.source);
        self.inherit(&mut process, parent);
        // after a loss, programs may have been run that nobody told of
        let whole = seen.as_ref().filter(|_| entry.source == Provenance::Procfs);
        match whole.map(|_| self.inspector.details(pid)) {
            Some(Lookup::Process(details)) => process.take(&details),
            _ => seen.iter().for_each(|seen| process.take(seen)),
        }
        let mut life = Life::new(process.clone());
        life.told = true;
        life.born = Some(entry.since_boot);
        life.is_nested = self.nested_like(parent);
        life.ends.is_first_gone = seen.is_some_and(|seen| seen.is_zombie);
        self.add(life);
        let (source, event, creator) = (entry.source, None, None);
        self.changes.push_back(ProcessEvent::Fork(Fork { process, source, event, creator }));
    }

    /// Tells of a program of which no record came, if the process runs another one than before.
    fn program_due(&mut self, due: &Due) {
        self.facts.remove(due);
        let Some(life) = self.lives.get_mut(&due.pid) else { return };
        let has_record = life.exec.is_some_and(|span| span.latest >= due.entry.since_boot);
        let Lookup::Process(mut seen) = self.inspector.details(due.pid) else { return };
        if has_record || life.id().start_ticks() != Some(seen.start_ticks) {
            return;
        }
        let is_the_same = match (&life.process.exe, &seen.exe) {
            (Some(known), Some(seen)) => *known.value == *seen.as_os_str(),
            _ => false,
        };
        if due.entry.source == Provenance::Procfs && is_the_same {
            return;
        }
        let args = seen.args.take();
        for place in [&mut life.process.exe, &mut life.process.cwd] {
            *place = None;
        }
        life.process.comm = None;
        life.process.take(&seen);
        self.changes.push_back(ProcessEvent::Exec(Exec {
            process: life.process.clone(),
            source: due.entry.source,
            event: None,
            args: args.map(|args| Fact::new(args, Provenance::Procfs)),
            path: None,
        }));
    }

    /// Ends a process whose last thread ended itself, or that crashed.
    fn check_due(&mut self, check: &Check) {
        let progress = self.progress();
        let Some(life) = self.lives.get_mut(&check.pid) else { return };
        if life.id() != check.id {
            return;
        }
        let is_single = life.threads.is_single();
        let is_crash = matches!(check.ending, ExitStatus::Signaled { .. });
        if self.config.process_monitor && !is_crash {
            let Some(end) = self.facts.end(check.pid) else {
                return; // it goes on, or its end will be told
            };
            // the connector is ahead: other records of it may be on their way
            if !progress.is_silent(SILENCE) && !progress.has_passed(end.since_boot) {
                let due = self.now.saturating_add(SOON);
                return self.checks.push_back(Check { due, ..*check });
            }
        }
        let is_over = match (self.inspector.process(check.pid), check.ending) {
            (Lookup::Process(seen), _) => !life.can_be(&seen) || seen.is_over(),
            (Lookup::Unknown, ExitStatus::Signaled { .. }) => true,
            (Lookup::Unknown, _) => false,
            _ => true,
        };
        if is_over {
            // the record of a thread's birth may come after that of its end
            let is_known = is_crash || is_single;
            let (ending, source) = match check.ending {
                ExitStatus::Unknown => (ExitStatus::Unknown, Provenance::Procfs),
                _ if !is_known => (ExitStatus::Unknown, Provenance::Procfs),
                ending => (ending, Provenance::Record),
            };
            let mut end = End::new(Fact::new(ending, source), source);
            end.event = (!is_crash).then_some(check.event);
            end.stamp = Some(check.event.time());
            if let Some((last, ends)) = self.facts.take_ends(check.pid, life.ends) {
                let told = End::of_last(last, ends.status(self.config.leader_status));
                end.since_boot = Some(self.gone_until(last.since_boot));
                end.source = if source == Provenance::Record { source } else { told.source };
                if told.ending.value != ExitStatus::Unknown {
                    end.ending = told.ending;
                }
            }
            self.close(check.pid, end);
        }
    }

    /// Decides what a task was that `clone3` created.
    fn unsettled_due(&mut self, task: &Unsettled) {
        self.settle_parent(task.parent);
        let seen = self.inspector.process(task.task);
        let starts = self.starts(self.span(task.event));
        let Some(parent) = self.lives.get_mut(&task.parent) else {
            return self.tell_unsettled(task);
        };
        match seen {
            Lookup::Thread => parent.threads.begin(),
            Lookup::Process(seen)
                if starts.is_none_or(|starts| starts.contains(&seen.start_ticks)) =>
            {
                self.settle_as_process(task, &seen);
            }
            _ if parent.threads.settle_gone() => {}
            _ => self.tell_unsettled(task),
        }
    }

    fn settle_as_process(&mut self, task: &Unsettled, seen: &ProcessSnapshot) {
        if self.lives.contains_key(&task.task) {
            return;
        }
        let id = ProcessId::new(self.config.boot, task.task, Start::Ticks(seen.start_ticks));
        let mut process = Process::new(id);
        let parent = Parent { pid: task.parent, id: task.parent_id };
        process.parent = Some(Fact::new(parent, Provenance::Record));
        self.inherit(&mut process, task.parent);
        process.take(seen);
        let mut life = Life::new(process.clone());
        life.confirmed = true;
        life.told = true;
        self.add(life);
        let (source, event) = (Provenance::Record, Some(task.event));
        self.changes.push_back(ProcessEvent::Fork(Fork { process, source, event, creator: None }));
    }

    fn tell_unsettled(&mut self, task: &Unsettled) {
        self.changes.push_back(ProcessEvent::Loss(LifecycleLoss::Unsettled {
            parent: task.parent_id,
            task: task.task,
            event: task.event,
        }));
    }

    /// Compares what is known with what is there. What differs is told unless records explain it in
    /// time.
    fn list_again(&mut self) {
        let Some(listing) = self.inspector.list() else { return };
        let (at, now) = (listing.since_boot, self.now);
        let known: Vec<u32> = self.lives.keys().copied().collect();
        let there: HashMap<u32, &ProcessSnapshot> =
            listing.processes.iter().map(|seen| (seen.pid, seen)).collect();
        for pid in known {
            let Some(life) = self.lives.get(&pid) else { continue };
            let is_there = there.get(&pid).is_some_and(|seen| life.can_be(seen) && !seen.is_over());
            if !is_there {
                let code = there.get(&pid).and_then(|seen| seen.code);
                self.facts.push(
                    pid,
                    What::End { code, is_first: true },
                    at,
                    Provenance::Procfs,
                    now,
                );
            }
        }
        for seen in listing.processes.iter().filter(|seen| !seen.is_over()) {
            match self.lives.get(&seen.pid) {
                Some(life) if life.id().start_ticks() == Some(seen.start_ticks) => {
                    let known = life.process.exe.as_ref().map(|exe| &*exe.value);
                    if seen.exe.is_some() && seen.exe.as_deref() != known {
                        self.facts.push(seen.pid, What::Program, at, Provenance::Procfs, now);
                    }
                }
                Some(life) if life.id().start_ticks().is_none() => {}
                _ => {
                    let what = What::Birth { parent: seen.ppid, process: seen.pid };
                    self.facts.push(seen.pid, what, at, Provenance::Procfs, now);
                }
            }
        }
    }

    /// Looks after every process, where no second source tells of ends.
    fn sweep_now(&mut self) {
        let known: Vec<u32> = self.lives.keys().copied().collect();
        for pid in known {
            let Some(life) = self.lives.get(&pid) else { continue };
            let (is_over, code) = match self.inspector.process(pid) {
                Lookup::Process(seen) => {
                    let is_it = life.can_be(&seen);
                    (!is_it || seen.is_over(), seen.code.filter(|_| is_it))
                }
                Lookup::Thread | Lookup::Nothing => (true, None),
                Lookup::Unknown => (false, None),
            };
            if is_over && self.facts.end(pid).is_none() {
                // the stream passes what is seen now as soon as it is quiet
                let at = self.stream_at.unwrap_or_default().saturating_add(LATER);
                let what = What::End { code, is_first: true };
                self.facts.push(pid, what, at, Provenance::Procfs, self.now);
            }
        }
    }
}

/// Takes the first one out of a queue, if its time has come.
fn pop_due<T>(queue: &mut VecDeque<T>, due: impl Fn(&T) -> Tick, now: Tick) -> Option<T> {
    let is_due = queue.front().is_some_and(|first| due(first) <= now);
    if is_due { queue.pop_front() } else { None }
}
