//! Records of calls that create a process or a thread.

use super::caller::Caller;
use super::instance::Instance;
use super::pending::{ObservedFork, Undecided, UnsettledTask};
use super::timers::Timer;
use super::{ExitReport, InstanceRef, Tracker};
use crate::event;
use crate::process::inspector::{Lookup, ProcessInspector};
use crate::process::{Audited, Fact, Fork, Parent, Process, ProcessEvent, Provenance, Start};

/// Whose PID a call returned.
enum Numbering {
    /// One of the initial pid namespace; with the observed fork, if there is one.
    Initial(Option<ObservedFork>),
    /// One of another namespace, which names another process here, or none.
    Other,
    /// That is unknown, and a process with this PID runs.
    Unknown,
}

impl<I: ProcessInspector> Tracker<I> {
    /// Processes the record of a call that created a process or a thread.
    pub(super) fn fork(&mut self, caller: &Caller, creator: InstanceRef, fork: event::Fork<'_>) {
        let returned = fork.child();
        let (child, observed, is_foreign) = match self.numbering(caller, returned, fork) {
            Numbering::Initial(observed) => (returned, observed, false),
            Numbering::Unknown => return self.leave_unsettled(caller, creator, returned),
            Numbering::Other => {
                // every fork is observed, or made known by the child's own record
                let Some(child) = self.next_child(caller.pid) else { return };
                (child, self.histories.observed_fork(child, None), true)
            }
        };
        if let Some(fork) = observed.filter(ObservedFork::is_thread) {
            self.take_fork(fork);
            self.add_thread(fork.process);
            return;
        }
        match fork.is_thread() {
            Some(true) => return self.add_thread(caller.pid),
            Some(false) => {}
            None if observed.is_some() || self.histories.is_running(child) => {}
            None if self.histories.take_unrecorded_thread(
                caller.pid,
                child,
                caller.call.latest(),
            ) =>
            {
                return self.add_thread(caller.pid);
            }
            None => match self.inspector.process(child) {
                Lookup::Thread => return self.add_thread(caller.pid),
                Lookup::Process(seen) if seen.ppid == caller.pid => {}
                // a thread that executes a program and becomes the leader looks like a process for a
                // moment, with its old TID, but never like a child of the caller
                _ => {
                    if !self.has_recorded_itself(caller, child, true) {
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

    /// Determines whether the PID that a call returned is one of the initial pid namespace.
    ///
    /// Records name processes by their PIDs in the initial namespace, but a call returns the child's PID in
    /// that of the caller, where it may be the number of any other process.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_task_info` (`task_tgid_nr`); `kernel/fork.c`, `kernel_clone`
    /// (`pid_vnr`).
    fn numbering(&mut self, caller: &Caller, returned: u32, fork: event::Fork<'_>) -> Numbering {
        let known = self.histories.latest(caller.pid).and_then(|instance| instance.is_nested);
        if known == Some(true) {
            return Numbering::Other;
        }
        let may_be_sibling = fork.is_sibling() != Some(false);
        let is_it = |fork: &ObservedFork| fork.can_be_by(caller, may_be_sibling);
        let observed = self.histories.observed_fork_by(returned, caller.call.latest(), is_it);
        let is_recorded =
            observed.is_none() && self.has_recorded_itself(caller, returned, may_be_sibling);
        // the call may have been suspended for long after it was entered
        let observed = observed.or_else(|| {
            self.histories.observed_fork_by(returned, None, is_it).filter(|_| !is_recorded)
        });
        let is_child = |instance: &Instance| {
            let parent = instance.parent_pid();
            parent == Some(caller.pid) || may_be_sibling && parent == caller.ppid
        };
        let is_own = is_recorded && self.histories.find(returned, is_child).is_some();
        if observed.is_some() || is_own {
            return Numbering::Initial(observed);
        }
        match known.or_else(|| self.nesting(caller.pid)) {
            Some(true) => Numbering::Other,
            Some(false) => Numbering::Initial(None),
            // every fork is observed
            None if self.config.process_monitor => Numbering::Other,
            None if is_recorded => Numbering::Initial(None),
            None => self.numbering_by_lookup(caller, returned),
        }
    }

    /// Looks up whether a process is in another pid namespace than the initial one; `None` if it was gone
    /// before that was seen.
    fn nesting(&mut self, pid: u32) -> Option<bool> {
        let instance = self.histories.latest(pid)?;
        let parent = instance.process.parent.map(|parent| parent.value.pid);
        let seen = match self.inspector.details(pid) {
            // before Linux 4.1, it is not shown
            Lookup::Process(seen) if instance.is_seen(&seen, &self.config.clock) => {
                Some(seen.is_nested.unwrap_or(false))
            }
            _ => parent.and_then(|parent| {
                let is_nested = self.inspector.nests_children(parent) == Some(true);
                is_nested.then_some(true).or_else(|| self.inherited_nesting(parent))
            }),
        };
        if let Some(instance) = self.histories.running_mut(pid) {
            instance.is_nested = seen;
        }
        seen
    }

    /// Returns whether a child of a process is certainly in another pid namespace: in that of its parent, or
    /// one within.
    pub(super) fn inherited_nesting(&mut self, parent: u32) -> Option<bool> {
        let known = self.histories.latest(parent).and_then(|instance| instance.is_nested);
        // where forks are observed, it is looked up when it is needed
        let is_nested = known == Some(true)
            || !self.config.process_monitor && self.inspector.nests_children(parent) == Some(true);
        is_nested.then_some(true)
    }

    /// As [`numbering`](Self::numbering), where neither an observation nor the caller shows it: by looking up
    /// the returned PID.
    fn numbering_by_lookup(&mut self, caller: &Caller, returned: u32) -> Numbering {
        let seen = self.inspector.process(returned);
        let clock = &self.config.clock;
        let running = self.histories.running(returned);
        match seen {
            Lookup::Process(seen) => {
                let earliest = caller.call.span.map(|span| clock.ticks(span.earliest));
                let is_older =
                    earliest.is_some_and(|earliest| seen.start_ticks.saturating_add(1) < earliest);
                let is_running = running.is_some_and(|instance| instance.is_seen(&seen, clock));
                if seen.is_kernel_thread || is_older || is_running {
                    Numbering::Other
                } else {
                    Numbering::Initial(None)
                }
            }
            // its own record will show whether it is another process than the one that is known
            Lookup::Unknown if running.is_some() => Numbering::Unknown,
            Lookup::Thread | Lookup::Nothing | Lookup::Unknown => Numbering::Initial(None),
        }
    }

    /// Returns whether what a call created is known by its own record.
    fn has_recorded_itself(&self, caller: &Caller, child: u32, may_be_sibling: bool) -> bool {
        let is_child = |instance: &Instance| {
            let is_sibling =
                |parent| may_be_sibling && instance.end.is_none() && Some(parent) == caller.ppid;
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
            self.parent(parent, caller.call.latest(), Provenance::Record)
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
            self.parent(parent, until, Provenance::Record)
        };
        self.inherit(&mut process, caller.pid, until, seen.is_some());
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
