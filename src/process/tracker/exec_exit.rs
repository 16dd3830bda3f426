//! Records of calls that execute a program or exit, and of crashes.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use super::caller::{CallTime, Caller};
use super::instance::Instance;
use super::pending::{LastThread, Pending, Undecided};
use super::threads::{RecordedExit, ThreadExits, Threads};
use super::timers::Timer;
use super::{ExitReport, InstanceRef, Tracker};
use crate::constants::Signal;
use crate::event::{self, Event, EventKind};
use crate::message_type::MessageType;
use crate::process::inspector::ProcessInspector;
use crate::process::{
    Exec, ExitStatus, Fact, Fork, Parent, Process, ProcessEvent, ProcessId, Provenance, Start,
};
use crate::record::Record;

impl<I: ProcessInspector> Tracker<I> {
    /// Processes the records of an event.
    pub(super) fn event(&mut self, event: &Event) {
        let call = self.call_time(event.id().time());
        if let Some(span) = call.span {
            self.stream.reached = self.stream.reached.max(Some(span.earliest));
        }
        for record in event.records_of(MessageType::ANOM_ABEND) {
            self.abend(record, call);
        }
        let Some(kind) = event.kind_of_call() else { return };
        let syscall = event.call().and_then(|call| call.syscall());
        let caller = syscall.and_then(|syscall| Caller::of_syscall(syscall, event.id(), call));
        let Some(caller) = caller else { return };
        let instance = self.instance_of(&caller);
        match kind {
            EventKind::Fork(fork) => self.fork(&caller, instance, fork),
            EventKind::Exec(exec) => self.exec(&caller, instance, (event, exec)),
            EventKind::Exit(exit) => self.exit(&caller, instance, exit),
            _ => {}
        }
    }

    /// Returns the instance that made a record, and adds it if it is not known yet.
    fn instance_of(&mut self, caller: &Caller) -> InstanceRef {
        match self.instance_at(caller).filter(|_| !self.is_unsettled_task(caller)) {
            Some(found) => {
                if let (InstanceRef::Running(_), Some(running)) =
                    (found, self.histories.running_mut(caller.pid))
                {
                    caller.describe(&mut running.process);
                }
                found
            }
            None => {
                if self.histories.is_running(caller.pid) {
                    let exit = self.observed_end(caller.pid);
                    self.close(caller.pid, exit);
                }
                InstanceRef::Running(self.first_record(caller))
            }
        }
    }

    /// Returns whether a record is the first one of what a call created, though it is not known whether the
    /// instance that runs ended before.
    fn is_unsettled_task(&self, caller: &Caller) -> bool {
        let pending = self.histories.pending(caller.pid);
        let task = pending.and_then(Pending::unsettled_task);
        let running = self.histories.running(caller.pid);
        task.zip(running).is_some_and(|(task, running)| {
            caller.ppid == Some(task.parent) && running.parent_pid() != caller.ppid
        })
    }

    /// Adds an instance of which its own record is the first thing that is known.
    fn first_record(&mut self, caller: &Caller) -> ProcessId {
        let pid = caller.pid;
        let fork = self.fork_of(caller);
        if let Some(fork) = fork {
            self.report_ancestors(fork.parent, fork.since_boot);
            self.take_fork(fork);
        }
        let forked_at = fork.map(|fork| fork.since_boot);
        let otherwise =
            forked_at.map_or_else(|| Start::Event(caller.event.serial()), Start::SinceBoot);
        let (id, seen) = self.identify(pid, forked_at.or_else(|| caller.call.latest()), otherwise);
        let mut process = Process::new(id);
        if let Some(parent) = fork.map(|fork| fork.parent).or(caller.ppid) {
            let source = if fork.is_some() { Provenance::Connector } else { Provenance::OwnRecord };
            let at = forked_at.or_else(|| caller.call.latest());
            process.parent = self.parent(parent, at, source);
            self.inherit(&mut process, parent, at, seen.is_some());
        }
        if let (Some(forked_at), None) = (forked_at, id.start_ticks()) {
            process.start_range = Some(self.start_range(forked_at));
        }
        if let Some(seen) = &seen {
            process.fill_from(seen);
        }
        caller.describe(&mut process);
        let mut instance = Instance::new(process);
        instance.forked_at = forked_at;
        let parent = instance.parent_pid();
        instance.is_nested = parent.and_then(|parent| self.inherited_nesting(parent));
        if let Some(fork) = fork
            && let Some(parent) = self.histories.running_mut(fork.parent)
            && parent.is_nested != Some(false)
        {
            parent.unmatched_children.add(pid, fork.since_boot);
        }
        // the record of the call that created it may have arrived before, without showing what it created
        let task = self.take_unsettled(pid, caller.ppid);
        if let Some(task) = task {
            self.task_settled(task.parent);
            instance.has_fork_record = true;
            let parent = Parent { pid: task.parent, id: task.parent_id };
            if fork.is_none() {
                instance.process.parent = Some(Fact::new(parent, Provenance::Record));
            }
        }
        instance.is_reported = self.listed_at.is_some() || fork.is_some() || task.is_some();
        if instance.is_reported {
            self.events.push_back(ProcessEvent::Fork(Fork {
                process: instance.process.clone(),
                source: if task.is_some() { Provenance::Record } else { Provenance::OwnRecord },
                event: Some(task.map_or(caller.event, |task| task.event)),
                creator: None,
            }));
        } else {
            // it may be older than the tracker
            instance.threads = Threads::new(None);
        }
        self.histories.add(instance);
        id
    }

    fn exec(
        &mut self,
        caller: &Caller,
        found: InstanceRef,
        (event, exec): (&Event, event::Exec<'_>),
    ) {
        let args = exec.args().map(|args| args.into_iter().map(Into::into).collect());
        let path = event.records().find_map(Record::as_path).and_then(|path| path.name());
        let path = path.map(|name| OsString::from_vec(name.into_bytes()));
        let cwd = exec.cwd().map(|cwd| Fact::new(Arc::from(&*cwd), Provenance::Record));
        let process = match self.histories.running_mut(caller.pid) {
            Some(instance) if matches!(found, InstanceRef::Running(_)) => {
                // the other threads are gone, and this one is the leader from now on
                instance.threads = Threads::new(Some(1));
                if !self.config.process_monitor {
                    instance.thread_exits = ThreadExits::NONE;
                }
                instance.exec = caller.call.span;
                instance.process.cwd = cwd.or_else(|| instance.process.cwd.take());
                // it may have joined a container before
                let id = instance.id();
                let cgroup = self.cgroup(caller.pid, id);
                let Some(instance) = self.histories.running_mut(caller.pid) else { return };
                instance.process.cgroup = cgroup;
                instance.process.clone()
            }
            // a record that arrives after the end
            _ => match self.histories.last_ended(caller.pid) {
                Some(instance) => Process { cgroup: None, ..instance.process.clone() },
                None => return,
            },
        };
        self.events.push_back(ProcessEvent::Exec(Exec {
            process,
            source: Provenance::Record,
            event: Some(event.clone()),
            args: args.map(|args| Fact::new(args, Provenance::Record)),
            path,
        }));
    }

    fn exit(&mut self, caller: &Caller, found: InstanceRef, exit: event::Exit<'_>) {
        let (pid, event) = (caller.pid, caller.event);
        let InstanceRef::Running(id) = found else { return };
        let Some(instance) = self.histories.running_mut(pid) else { return };
        let is_group = exit.is_group();
        let mut status = exit.status().map_or(ExitStatus::Unknown, ExitStatus::Exited);
        if !is_group {
            let since_boot = caller.call.span.map(|span| span.earliest);
            let is_last = instance.threads.exit(RecordedExit { event, status, since_boot });
            if self.listed_at.is_some() || !is_last {
                let last_thread = LastThread { id, crash: None, event, gone_at: None };
                self.decide_later(Timer::LastThread, pid, Undecided::LastThread(last_thread));
                return;
            }
            let of_last = instance.threads.status(self.config.leader_status);
            status = of_last.unwrap_or(ExitStatus::Unknown);
        }
        let exits = instance.thread_exits;
        let mut report = ExitReport::new(Fact::new(status, Provenance::Record), Provenance::Record);
        if let Some((last, exits)) = self.take_exits(pid, exits) {
            report.end.since_boot = Some(last.since_boot);
            // where a signal was faster, the call ended nothing
            if let Some(wait_status) = exits.signal() {
                report.status = Fact::new(ExitStatus::of_wait_status(wait_status), last.source);
            }
        }
        report.event = Some(event);
        report.end.call = Some(caller.call.stamp);
        self.close(pid, report);
    }

    fn abend(&mut self, record: Record<'_>, call: CallTime) {
        let Some(abend) = record.as_anom_abend() else { return };
        let (Some(signal), Some(caller)) =
            (abend.signal(), Caller::of_crash(abend, record.id(), call))
        else {
            return;
        };
        let is_known = self.histories.latest(caller.pid).is_some()
            || self.observed_start(caller.pid, call.latest()).is_some();
        if is_known {
            self.crashed(&caller, signal);
        } else {
            // the record does not name the parent: that of the fork will
            let pid = caller.pid;
            self.decide_later(Timer::Crash, pid, Undecided::Crash(Box::new(caller), signal));
        }
    }

    /// Notes the crash of a process.
    pub(super) fn crashed(&mut self, caller: &Caller, signal: Signal) {
        let (pid, event) = (caller.pid, caller.event);
        let InstanceRef::Running(id) = self.instance_of(caller) else { return };
        let Some(instance) = self.histories.running_mut(pid) else { return };
        instance.crash = Some((signal, event));
        let timer = if self.config.process_monitor { Timer::Crash } else { Timer::LastThread };
        let last_thread = LastThread { id, crash: Some(signal), event, gone_at: None };
        self.decide_later(timer, pid, Undecided::LastThread(last_thread));
    }

    /// Returns how the instance that runs ended, as it was observed; otherwise that it must have.
    pub(super) fn observed_end(&mut self, pid: u32) -> ExitReport {
        let exits = self.histories.running(pid).map(|instance| instance.thread_exits);
        let observed = self.take_exits(pid, exits.unwrap_or(ThreadExits::NONE));
        observed
            .map_or(ExitReport::inferred(), |(last, exits)| self.observed_exit(pid, last, exits))
    }
}
