//! What the record of a call tells that created a process or a thread.

use super::exec_exit::{Actor, Caller};
use super::{End, LATER, Tracker, Unsettled};
use crate::event;
use crate::process::inspector::{Lookup, ProcessInspector};
use crate::process::tracker::ended::Grave;
use crate::process::tracker::instance::Life;
use crate::process::tracker::pending::Entry;
use crate::process::{Audited, Fact, Fork, Parent, Process, ProcessEvent, Provenance, Start};

impl<I: ProcessInspector> Tracker<I> {
    /// Takes the record of a call that created a process or a thread.
    pub(super) fn fork(&mut self, caller: &Caller, actor: Actor, fork: event::Fork<'_>) {
        let latest = caller.span.map(|span| span.latest);
        let mut child = fork.child();
        let mut birth = self.facts.birth(child, latest);
        if birth.is_none() && !self.awaits_birth(caller, child) {
            // the call was halted for long after it was entered
            let own = |(_, parent, process): &(_, u32, u32)| {
                [*parent, *process].contains(&caller.pid) || Some(*parent) == caller.ppid
            };
            birth = self.facts.birth(child, None).filter(own);
        }
        let is_foreign = self.is_foreign(caller, child, birth);
        if is_foreign {
            let Some(other) = self.next_child(caller.pid) else { return };
            child = other;
            birth = self.facts.birth(child, None);
        }
        if let Some((entry, _, process)) = birth.filter(|(_, _, process)| *process != child) {
            self.take_birth(child, entry);
            self.thread_began(process);
            return;
        }
        match fork.is_thread() {
            Some(true) => return self.thread_began(caller.pid),
            Some(false) => {}
            None if birth.is_some() || self.lives.contains_key(&child) => {}
            None => match self.inspector.process(child) {
                Lookup::Thread => return self.thread_began(caller.pid),
                Lookup::Process(seen) if seen.ppid == caller.pid => {}
                // a thread that runs a program and becomes the first one looks like a process for a
                // moment, under its old number, but never like a child of the caller
                _ => {
                    if !self.awaits_birth(caller, child) {
                        return self.leave_unsettled(caller, actor, child);
                    }
                }
            },
        }
        let parent = match (birth, fork.is_sibling()) {
            (Some((_, parent, _)), _) => parent,
            (None, Some(true)) => caller.ppid.unwrap_or(caller.pid),
            (None, _) => caller.pid,
        };
        let birth = birth.map(|(entry, ..)| entry);
        if birth.is_none() && (self.confirm(caller, actor, child, parent) || is_foreign) {
            return;
        }
        if let Some(entry) = birth {
            self.take_birth(child, entry);
        }
        let is_recent = caller.span.is_some_and(|span| Some(span.earliest) > self.told_since);
        if birth.is_none() && self.config.process_monitor && is_recent {
            // the second source is ahead of the records: it has not told what it should have
            self.second_source_lost(Some(1));
        }
        if self.lives.contains_key(&child) {
            let end = if birth.is_some() { End::inferred() } else { self.end_told(child) };
            self.close(child, end);
        }
        self.born(caller, actor, (child, parent), birth);
    }

    /// Finds out what a call created that returned a number which is not ours: the next one in the order
    /// of births, whether the second source told of it or its own record did.
    fn next_child(&mut self, caller: u32) -> Option<u32> {
        let told = self.facts.child_of(caller);
        let recorded = self.lives.get_mut(&caller).map(|life| &mut life.children);
        match recorded.and_then(|children| children.take_before(told.map(|(_, born)| born))) {
            None => told.map(|(child, _)| child),
            recorded => recorded,
        }
    }

    fn thread_began(&mut self, process: u32) {
        if let Some(life) = self.lives.get_mut(&process) {
            life.threads.begin();
        }
    }

    /// Waits for what settles whether a task is a process.
    fn leave_unsettled(&mut self, caller: &Caller, actor: Actor, task: u32) {
        if let Some(life) = self.lives.get_mut(&caller.pid) {
            life.threads.unsettled += 1;
        }
        self.unsettled.push_back(Unsettled {
            due: self.now.saturating_add(LATER),
            parent: caller.pid,
            parent_id: Some(actor.id()),
            task,
            event: caller.event,
        });
    }

    pub(super) fn settle_parent(&mut self, parent: u32) {
        if let Some(life) = self.lives.get_mut(&parent) {
            life.threads.unsettled = life.threads.unsettled.saturating_sub(1);
        }
    }

    /// Tells whether the number that a call returned is one of another pid namespace.
    fn is_foreign(
        &mut self,
        caller: &Caller,
        child: u32,
        birth: Option<(Entry, u32, u32)>,
    ) -> bool {
        let known = match self.lives.get(&caller.pid) {
            Some(life) => life.is_nested,
            None => self.graves.last(caller.pid).and_then(|grave| grave.is_nested),
        };
        match (known, birth) {
            (Some(is_nested), _) if is_nested || !self.config.process_monitor => return is_nested,
            // a child of the caller or, with CLONE_PARENT, of the caller's parent; a thread is of the
            // caller's own process
            (_, Some((_, parent, process))) => {
                let is_ours =
                    [parent, process].contains(&caller.pid) || Some(parent) == caller.ppid;
                if let Some(life) = self.lives.get_mut(&caller.pid)
                    && is_ours
                {
                    life.is_nested = Some(false);
                }
                return !is_ours;
            }
            // its own record came first
            (_, None) if self.awaits_birth(caller, child) => return false,
            _ => {}
        }
        let is_nested = match self.inspector.details(caller.pid) {
            Lookup::Process(seen) => seen.is_nested,
            _ => None,
        };
        if let Some(life) = self.lives.get_mut(&caller.pid) {
            life.is_nested = is_nested.or(life.is_nested);
        }
        is_nested == Some(true)
    }

    /// Tells what is known of the pid namespace of a child: that of its parent, or one within.
    pub(super) fn nested_like(&self, parent: u32) -> Option<bool> {
        self.lives.get(&parent)?.is_nested.filter(|is_nested| *is_nested)
    }

    /// Tells whether a life is known under this number of which only the record of its birth is
    /// missing.
    fn awaits_birth(&self, caller: &Caller, pid: u32) -> bool {
        let starts = self.starts(caller.span);
        let parents = [Some(caller.pid), caller.ppid];
        let is_live = self.lives.get(&pid).is_some_and(|life| {
            !life.confirmed && life.can_be_born(starts, |parent| parents.contains(&Some(parent)))
        });
        let mut graves = self.graves.of(pid).filter(|grave| !grave.confirmed);
        let (stamp, span) = (caller.stamp(), caller.span);
        is_live
            || graves.any(|grave| grave.can_be_born(stamp, span, caller.pid, &self.config.clock))
    }

    /// Finds a life that the record of its birth was missing from; tells whether there was one.
    fn confirm(&mut self, caller: &Caller, actor: Actor, child: u32, parent: u32) -> bool {
        let starts = self.starts(caller.span);
        let fact = Fact::new(Parent { pid: parent, id: Some(actor.id()) }, Provenance::Record);
        let fact = if parent == caller.pid { Some(fact) } else { self.parent(parent, fact.source) };
        if let Some(life) = self.lives.get_mut(&child) {
            let fits = life.can_be_born(starts, |known| known == parent);
            if !life.confirmed && fits {
                life.confirmed = true;
                life.process.parent = fact;
                life.process.audited = Audited::Yes;
                if !life.told {
                    life.told = true;
                    let process = life.process.clone();
                    self.tell_birth(caller, actor, process, parent);
                }
                return true;
            }
        }
        let graves = self.graves.of_mut(child).filter(|grave| !grave.confirmed);
        let can_be = |grave: &&mut Grave| {
            grave.can_be_born(caller.stamp(), caller.span, parent, &self.config.clock)
        };
        let Some(grave) = { graves }.find(can_be) else { return false };
        grave.confirmed = true;
        if !grave.told {
            grave.told = true;
            grave.process.parent = fact;
            let process = grave.process.clone();
            self.tell_birth(caller, actor, process, parent);
        }
        true
    }

    /// Makes a life of which the call that created it is the first thing that is known.
    fn born(
        &mut self,
        caller: &Caller,
        actor: Actor,
        (child, parent): (u32, u32),
        birth: Option<Entry>,
    ) {
        let born = birth.map(|entry| entry.since_boot);
        let starts = self.config.clock.starts(caller.stamp());
        let latest = caller.span.map(|span| span.latest);
        let otherwise = born.map_or_else(|| Start::Event(caller.event.serial()), Start::SinceBoot);
        let (id, seen) = self.identify(child, born.or(latest), otherwise);
        let mut process = Process::new(id);
        if id.start_ticks().is_none() {
            process.start_range = born.map(|born| self.told_range(born)).or(starts);
        }
        process.parent = if parent == caller.pid {
            Some(Fact::new(Parent { pid: parent, id: Some(actor.id()) }, Provenance::Record))
        } else {
            self.parent(parent, Provenance::Record)
        };
        self.inherit(&mut process, caller.pid);
        if let Some(seen) = &seen {
            process.take(seen);
        }
        process.audited = Audited::Yes;
        let mut life = Life::new(process.clone());
        life.confirmed = true;
        life.told = true;
        life.born = born;
        life.is_nested = self.nested_like(caller.pid);
        self.add(life);
        self.tell_birth(caller, actor, process, parent);
        let crash = self.crashes.iter().position(|crash| crash.caller.pid == child);
        if let Some(crash) = crash.and_then(|index| self.crashes.remove(index)) {
            self.crashed(&crash.caller, crash.signal);
        }
    }

    fn tell_birth(&mut self, caller: &Caller, actor: Actor, process: Process, parent: u32) {
        self.changes.push_back(ProcessEvent::Fork(Fork {
            process,
            source: Provenance::Record,
            event: Some(caller.event),
            creator: (parent != caller.pid).then(|| actor.id()),
        }));
    }
}
