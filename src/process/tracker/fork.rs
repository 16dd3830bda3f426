//! Records of calls that create a process or a thread.

use super::caller::Caller;
use super::instance::Instance;
use super::pending::{ObservedFork, Undecided, UnsettledTask};
use super::timers::Timer;
use super::{ExitReport, InstanceRef, Tracker};
use crate::event;
use crate::process::inspector::{Lookup, ProcessInspector};
use crate::process::{Audited, Fact, Fork, Parent, Process, ProcessEvent, Provenance, Start};

impl<I: ProcessInspector> Tracker<I> {
    /// Processes the record of a call that created a process or a thread.
    pub(super) fn fork(&mut self, caller: &Caller, creator: InstanceRef, fork: event::Fork<'_>) {
        let mut child = fork.child();
        let mut observed = self.histories.observed_fork(child, caller.call.latest());
        if observed.is_none() && !self.has_recorded_itself(caller, child) {
            // the call was suspended for long after it was entered
            let late = self.histories.observed_fork(child, None);
            observed = late.filter(|fork| fork.can_be_by(caller));
        }
        let is_foreign = self.returned_foreign_pid(caller, child, observed);
        if is_foreign {
            let Some(other) = self.next_child(caller.pid) else { return };
            child = other;
            observed = self.histories.observed_fork(child, None);
        }
        if let Some(fork) = observed.filter(ObservedFork::is_thread) {
            self.take_fork(fork);
            self.add_thread(fork.process);
            return;
        }
        match fork.is_thread() {
            Some(true) => return self.add_thread(caller.pid),
            Some(false) => {}
            None if observed.is_some() || self.histories.is_running(child) => {}
            None => match self.inspector.process(child) {
                Lookup::Thread => return self.add_thread(caller.pid),
                Lookup::Process(seen) if seen.ppid == caller.pid => {}
                // a thread that executes a program and becomes the leader looks like a process for a
                // moment, with its old TID, but never like a child of the caller
                _ => {
                    if !self.has_recorded_itself(caller, child) {
                        return self.leave_unsettled(caller, creator, child);
                    }
                }
            },
        }
        let parent = match (observed, fork.is_sibling()) {
            (Some(fork), _) => fork.parent,
            (None, Some(true)) => caller.ppid.unwrap_or(caller.pid),
            (None, _) => caller.pid,
        };
        if observed.is_none() && (self.confirm(caller, creator, child, parent) || is_foreign) {
            return;
        }
        if let Some(fork) = observed {
            self.take_fork(fork);
        }
        let is_recent = caller.call.span.is_some_and(|span| Some(span.earliest) > self.listed_at);
        if observed.is_none() && self.config.process_monitor && is_recent {
            // the monitor is ahead of the records: it should have observed this fork
            self.monitor_lost(Some(1));
        }
        if self.histories.is_running(child) {
            let exit = match observed {
                Some(_) => ExitReport::inferred(),
                None => self.observed_end(child),
            };
            self.close(child, exit);
        }
        self.forked(caller, creator, (child, parent), observed);
    }

    /// Returns what a call created that returned a PID of another namespace: the next child or thread in
    /// the order of creation that no such call explains yet.
    fn next_child(&mut self, caller: u32) -> Option<u32> {
        let observed = self.first_observed_child(caller);
        let running = self.histories.running_mut(caller);
        let recorded = running.map(|instance| &mut instance.unmatched_children);
        let forked_at = observed.map(|fork| fork.since_boot);
        match recorded.and_then(|children| children.take_before(forked_at)) {
            None => observed.map(|fork| fork.task),
            recorded => recorded,
        }
    }

    /// Returns the first observed child or thread of a process of which no record has arrived yet.
    fn first_observed_child(&self, caller: u32) -> Option<ObservedFork> {
        self.timers.iter(Timer::Observation).find_map(|deadline| {
            let observed = self.histories.observed(deadline.pid, deadline.key)?;
            let fork = observed.as_fork(deadline.pid)?;
            let creator = if fork.is_thread() { fork.process } else { fork.parent };
            (creator == caller).then_some(fork)
        })
    }

    fn add_thread(&mut self, process: u32) {
        if let Some(instance) = self.histories.running_mut(process) {
            instance.threads.add();
        }
    }

    /// Waits for what settles whether a task is a process.
    fn leave_unsettled(&mut self, caller: &Caller, creator: InstanceRef, task: u32) {
        if let Some(instance) = self.histories.running_mut(caller.pid) {
            instance.threads.unsettled += 1;
        }
        let parent_id = Some(creator.id());
        let (event, since) = (caller.event, self.now);
        let unsettled = UnsettledTask { parent: caller.pid, parent_id, task, event, since };
        self.decide_later(Timer::Task, task, Undecided::Task(unsettled));
    }

    /// Notes that it is settled what a task of a process is.
    pub(super) fn task_settled(&mut self, parent: u32) {
        if let Some(instance) = self.histories.running_mut(parent) {
            instance.threads.unsettled = instance.threads.unsettled.saturating_sub(1);
        }
    }

    /// Returns whether the PID that a call returned is one of another pid namespace.
    fn returned_foreign_pid(
        &mut self,
        caller: &Caller,
        child: u32,
        observed: Option<ObservedFork>,
    ) -> bool {
        let known = self.histories.latest(caller.pid).and_then(|instance| instance.is_nested);
        match (known, observed) {
            (Some(is_nested), _) if is_nested || !self.config.process_monitor => return is_nested,
            (_, Some(fork)) => {
                let is_ours = fork.can_be_by(caller);
                if let Some(instance) = self.histories.running_mut(caller.pid)
                    && is_ours
                {
                    instance.is_nested = Some(false);
                }
                return !is_ours;
            }
            // its own record arrived first
            (_, None) if self.has_recorded_itself(caller, child) => return false,
            _ => {}
        }
        let is_nested = match self.inspector.details(caller.pid) {
            Lookup::Process(seen) => seen.is_nested,
            _ => None,
        };
        if let Some(instance) = self.histories.running_mut(caller.pid) {
            instance.is_nested = is_nested.or(instance.is_nested);
        }
        is_nested == Some(true)
    }

    /// Returns what is known of the pid namespace of a child: it is that of its parent, or one within.
    pub(super) fn inherited_nesting(&self, parent: u32) -> Option<bool> {
        self.histories.running(parent)?.is_nested.filter(|is_nested| *is_nested)
    }

    /// Returns whether what a call created is known by its own record.
    fn has_recorded_itself(&self, caller: &Caller, child: u32) -> bool {
        let is_child = |instance: &Instance| {
            let is_sibling = |parent| instance.end.is_none() && Some(parent) == caller.ppid;
            let is_parent = |parent| parent == caller.pid || is_sibling(parent);
            !instance.has_fork_record
                && instance.can_be_created_by(caller.call, is_parent, &self.config.clock)
        };
        self.histories.find(child, is_child).is_some()
    }

    /// Finds what a call created among what is known by its own record, completes it, and returns whether
    /// it was found.
    fn confirm(&mut self, caller: &Caller, creator: InstanceRef, child: u32, parent: u32) -> bool {
        let fact = if parent == caller.pid {
            Some(Fact::new(Parent { pid: parent, id: Some(creator.id()) }, Provenance::Record))
        } else {
            self.parent(parent, Provenance::Record)
        };
        let clock = &self.config.clock;
        let is_child = |instance: &Instance| {
            !instance.has_fork_record
                && instance.can_be_created_by(caller.call, |known| known == parent, clock)
        };
        let Some(instance) = self.histories.find_mut(child, is_child) else { return false };
        instance.has_fork_record = true;
        let is_new = !instance.is_reported;
        if instance.end.is_none() || is_new {
            instance.process.parent = fact;
        }
        if instance.end.is_none() {
            instance.process.audited = Audited::Yes;
        }
        instance.is_reported = true;
        if is_new {
            let process = instance.process.clone();
            self.report_fork(caller, creator, process, parent);
        }
        true
    }

    /// Adds an instance of which the call that created it is the first thing that is known.
    fn forked(
        &mut self,
        caller: &Caller,
        creator: InstanceRef,
        (child, parent): (u32, u32),
        observed: Option<ObservedFork>,
    ) {
        let forked_at = observed.map(|fork| fork.since_boot);
        let starts = self.config.clock.starts(caller.call.stamp);
        let otherwise =
            forked_at.map_or_else(|| Start::Event(caller.event.serial()), Start::SinceBoot);
        let until = forked_at.or_else(|| caller.call.latest());
        let (id, seen) = self.identify(child, until, otherwise);
        let mut process = Process::new(id);
        if id.start_ticks().is_none() {
            process.start_range = forked_at.map(|at| self.start_range(at)).or(starts);
        }
        process.parent = if parent == caller.pid {
            Some(Fact::new(Parent { pid: parent, id: Some(creator.id()) }, Provenance::Record))
        } else {
            self.parent(parent, Provenance::Record)
        };
        self.inherit(&mut process, caller.pid);
        if let Some(seen) = &seen {
            process.fill_from(seen);
        }
        process.audited = Audited::Yes;
        let mut instance = Instance::new(process.clone());
        instance.has_fork_record = true;
        instance.is_reported = true;
        instance.forked_at = forked_at;
        instance.is_nested = self.inherited_nesting(caller.pid);
        self.histories.add(instance);
        self.report_fork(caller, creator, process, parent);
        let crash = self.histories.pending(child).and_then(|pending| pending.crash());
        if let Some(key) = crash {
            self.timers.cancel(Timer::Crash, key);
            self.decide(child, key);
        }
    }

    fn report_fork(
        &mut self,
        caller: &Caller,
        creator: InstanceRef,
        process: Process,
        parent: u32,
    ) {
        self.events.push_back(ProcessEvent::Fork(Fork {
            process,
            source: Provenance::Record,
            event: Some(caller.event),
            creator: (parent != caller.pid).then(|| creator.id()),
        }));
    }
}
