//! Observations, and what is looked up: reported where no record explains it in time.

use std::collections::HashMap;
use std::time::Duration;

use super::instance::Instance;
use super::pending::{LastThread, Observed, ObservedFork, Undecided, UnsettledTask, What};
use super::threads::{ThreadExits, is_kill};
use super::timers::{Deadline, LATER, PATIENCE, SILENCE, SOON, Timer};
use super::{ExitReport, Tracker};
use crate::process::inspector::{Lookup, Observation, ProcessInspector, ProcessSnapshot};
use crate::process::{
    Audited, Exec, ExitStatus, Fact, Fork, LifecycleLoss, Parent, Process, ProcessEvent, ProcessId,
    Provenance, Start,
};

/// The kernel thread that creates all others.
const KTHREADD: u32 = 2;

impl<I: ProcessInspector> Tracker<I> {
    /// Notes an observation until a record explains it.
    pub(super) fn observed(&mut self, observation: Observation) {
        match observation {
            Observation::Forked { parent, task, process, since_boot } => {
                self.note(task, What::Fork { parent, process }, since_boot, Provenance::Connector);
            }
            Observation::Exited { task, process, code, since_boot, source } => {
                let running = self.histories.running(process);
                let pending = self.histories.pending(process);
                let is_leader = task == process;
                // that of another thread matters if it may be the last one, or if a signal kills all
                let matters = is_leader
                    || code.is_some_and(is_kill)
                    || running.is_some_and(|instance| instance.thread_exits.is_leader_gone)
                    || pending.is_some_and(|pending| pending.ends_with_exit());
                let is_known =
                    running.is_some() || self.histories.observed_fork(process, None).is_some();
                if matters && is_known {
                    self.note(process, What::Exit { code, is_leader }, since_boot, source);
                }
            }
            Observation::Executed { process, since_boot } => {
                // the thread that called exec has ended all others, the leader included
                self.histories.take_pending(process, |pending| pending.remove_last_exits());
                if self.histories.observed_fork(process, None).is_none()
                    && let Some(instance) = self.histories.running_mut(process)
                {
                    instance.thread_exits = ThreadExits::NONE;
                }
                // a process that makes records makes one of its exec
                let running = self.histories.running(process);
                if running.is_some_and(|instance| instance.process.audited != Audited::Yes) {
                    self.note(process, What::Exec, since_boot, Provenance::Connector);
                }
            }
            Observation::Lost { count } => {
                self.monitor_lost(count);
                self.list_soon();
            }
        }
    }

    fn note(&mut self, pid: u32, what: What, since_boot: Duration, source: Provenance) {
        let timer = match what {
            What::Exit { code, .. } if code.is_none_or(is_kill) => Timer::SuddenExit,
            _ => Timer::Observation,
        };
        let key = self.timers.set(timer, self.now.saturating_add(timer.wait()), pid);
        self.histories.pending_mut(pid).push(Observed { key, what, since_boot, source });
    }

    /// Leaves something undecided for as long as its timer waits.
    pub(super) fn decide_later(&mut self, timer: Timer, pid: u32, undecided: Undecided) {
        let key = self.timers.set(timer, self.now.saturating_add(timer.wait()), pid);
        self.histories.pending_mut(pid).push_undecided(key, undecided);
    }

    /// Decides what was left undecided.
    pub(super) fn decide(&mut self, pid: u32, key: u64) {
        let undecided = self.histories.take_pending(pid, |pending| pending.take_undecided(key));
        match undecided.flatten() {
            Some(Undecided::LastThread(last)) => self.last_thread_exited(pid, last),
            Some(Undecided::Crash(caller, signal)) => self.crashed(&caller, signal),
            Some(Undecided::Task(task)) => self.settle(task),
            None => {}
        }
    }

    /// Removes and returns a task whose creation is recorded, if it is not settled what it is. `ppid` is the
    /// parent of the process that has its PID.
    pub(super) fn take_unsettled(&mut self, task: u32, ppid: Option<u32>) -> Option<UnsettledTask> {
        // while its parent runs, a process has no other one, except a sibling
        let is_it = |task: &UnsettledTask| match self.histories.running(task.parent) {
            Some(running) => ppid.is_none_or(|ppid| {
                ppid == task.parent || running.parent_pid().is_none_or(|parent| ppid == parent)
            }),
            None => true,
        };
        let key = self.histories.pending(task)?.task(is_it)?;
        self.timers.cancel(Timer::Task, key);
        match self.histories.take_pending(task, |pending| pending.take_undecided(key))?? {
            Undecided::Task(task) => Some(task),
            _ => None,
        }
    }

    /// Removes the observed exits of the instance that runs, and returns the last one with what all of
    /// them show.
    pub(super) fn take_exits(
        &mut self,
        pid: u32,
        exits: ThreadExits,
    ) -> Option<(Observed, ThreadExits)> {
        self.histories.take_pending(pid, |pending| pending.take_exits(exits)).flatten()
    }

    fn remove(&mut self, pid: u32, observed: &Observed) {
        self.histories.take_pending(pid, |pending| pending.remove(observed.key));
    }

    /// Does everything whose deadline has passed.
    pub(super) fn expire(&mut self) {
        let now = self.now;
        self.expire_observations();
        for timer in [Timer::LastThread, Timer::Crash, Timer::Task] {
            while let Some(deadline) = self.timers.expire(timer, now) {
                self.decide(deadline.pid, deadline.key);
            }
        }
        if self.timers.expire(Timer::Listing, now).is_some() {
            self.compare_with_listing();
        }
        if let Some(interval) = self.config.sweep_interval {
            let is_due = self.timers.expire(Timer::Sweep, now).is_some();
            if is_due || self.timers.first(Timer::Sweep).is_none() {
                self.timers.set_for_all(Timer::Sweep, now.saturating_add(interval));
                self.sweep();
            }
        }
    }

    /// Reports the observations that no record explained in time.
    fn expire_observations(&mut self) {
        let sudden = self.take_expired(Timer::SuddenExit);
        let others = self.take_expired(Timer::Observation);
        for (deadline, observed) in sudden {
            let pending = self.histories.pending(deadline.pid);
            if pending.is_some_and(|pending| pending.is_of_running(observed.key)) {
                self.exit_or_wait(deadline, &observed);
            } else {
                self.timers.extend(deadline, Timer::SuddenExit, Timer::Observation);
            }
        }
        for (deadline @ Deadline { pid, key, .. }, observed) in others {
            if self.histories.observed(pid, key).is_none() {
                continue; // it was removed with one before it
            }
            match observed.as_fork(pid) {
                Some(thread) if thread.is_thread() => {
                    self.remove(pid, &observed);
                    self.histories.keep_unrecorded_thread(thread);
                }
                Some(fork) => self.fork_expired(fork),
                None if observed.what == What::Exec => self.exec_expired(pid, &observed),
                None => self.exit_or_wait(deadline, &observed),
            }
        }
    }

    /// Reports an observed exit of which no record arrived, unless other exits may still be observed.
    fn exit_or_wait(&mut self, deadline: Deadline, observed: &Observed) {
        if !self.exit_expired(deadline.pid, observed, false) {
            let at = self.now.saturating_add(SOON);
            self.timers.repeat(Timer::SuddenExit, Deadline { at, ..deadline });
        }
    }

    /// Removes and returns the deadlines of observations that have passed and for which no record is
    /// still to arrive.
    fn take_expired(&mut self, timer: Timer) -> Vec<(Deadline, Observed)> {
        let mut expired = Vec::new();
        while let Some(deadline) = self.timers.first(timer) {
            let observed = self.histories.observed(deadline.pid, deadline.key);
            if observed.is_some_and(|observed| !self.has_expired(timer, deadline, &observed)) {
                break;
            }
            self.timers.pop(timer);
            expired.extend(observed.map(|observed| (deadline, observed)));
        }
        expired
    }

    fn has_expired(&self, timer: Timer, deadline: Deadline, observed: &Observed) -> bool {
        // a process that makes records and exits by itself makes a last one: it arrives, however late
        let running = self.histories.running(deadline.pid);
        let awaits_record = timer == Timer::Observation
            && matches!(observed.what, What::Exit { .. })
            && running.is_some_and(|instance| instance.process.audited == Audited::Yes);
        let is_complete = timer.silence().is_none_or(|silence| self.stream.is_silent(silence))
            || self.stream.has_passed(observed.since_boot) && !awaits_record;
        let patience = PATIENCE.saturating_sub(timer.wait());
        let has_waited = self.now >= deadline.at.saturating_add(patience);
        self.now >= deadline.at && (is_complete || has_waited)
    }

    /// Removes an observed fork. Observations before it are of former instances of the PID: they are
    /// reported first.
    pub(super) fn take_fork(&mut self, fork: ObservedFork) {
        let pid = fork.task;
        if self.histories.observed(pid, fork.key).is_none() {
            return;
        }
        while let Some(first) = self.histories.pending(pid).and_then(|pending| pending.first()) {
            if first.key == fork.key {
                return self.remove(pid, &first);
            }
            match (first.what, first.as_fork(pid)) {
                (_, Some(former)) if !former.is_thread() => self.fork_expired(former),
                (What::Exit { .. }, _) => _ = self.exit_expired(pid, &first, true),
                (What::Fork { .. } | What::Exec, _) => self.remove(pid, &first),
            }
        }
    }

    /// Reports an observed exit of which no record arrived, if no thread is left.
    ///
    /// Returns `false` if it must be called again soon: the connector observes the exit of a thread shortly
    /// after the thread is gone from /proc. `is_reused` states that its PID was reused, so that all exits
    /// were observed.
    fn exit_expired(&mut self, pid: u32, observed: &Observed, is_reused: bool) -> bool {
        let exits = self.histories.running(pid).and_then(|instance| {
            // otherwise it was that of a former instance
            let is_its = instance.forked_at.is_none_or(|at| at <= observed.since_boot);
            let pending = self.histories.pending(pid).filter(|_| is_its)?;
            pending.exits(instance.thread_exits)
        });
        let (Some((last, exits)), Some(instance)) = (exits, self.histories.running_mut(pid)) else {
            self.remove(pid, observed);
            return true;
        };
        // the connector reports the exit of a thread; others may run, also after the leader's
        let is_observed_by_thread = last.source == Provenance::Connector;
        let runs = !exits.is_leader_gone
            || is_observed_by_thread
                && instance.gone_at.is_none()
                && match self.inspector.process(pid) {
                    Lookup::Process(seen) => {
                        let is_same = match instance.id().start_ticks() {
                            Some(start) => start == seen.start_ticks,
                            None => seen.start_ticks <= self.config.clock.ticks(last.since_boot),
                        };
                        is_same && !seen.is_over()
                    }
                    _ => false,
                };
        if runs {
            instance.gone_at = None;
        } else if is_observed_by_thread && !is_reused && !exits.is_final() {
            let gone_at = *instance.gone_at.get_or_insert(self.now);
            if self.now.saturating_duration_since(gone_at) < SOON {
                return false;
            }
        }
        instance.thread_exits = exits;
        self.take_exits(pid, exits);
        if !runs {
            let mut report = self.observed_exit(pid, last, exits);
            report.end.since_boot = Some(self.gone_since(last.since_boot));
            self.close(pid, report);
        }
        true
    }

    /// Reports an observed fork of which no record arrived.
    fn fork_expired(&mut self, fork: ObservedFork) {
        let pid = fork.task;
        self.histories.take_pending(pid, |pending| pending.remove(fork.key));
        let clock = &self.config.clock;
        let seen = match self.inspector.process(pid) {
            Lookup::Process(seen) if seen.start_ticks <= clock.ticks(fork.since_boot) => Some(seen),
            _ => None,
        };
        let is_of_kernel = match &seen {
            Some(seen) => seen.is_kernel_thread,
            None => fork.parent == KTHREADD,
        };
        let is_known = self.histories.running(pid).is_some_and(|instance| {
            seen.as_ref().is_some_and(|seen| instance.id().start_ticks() == Some(seen.start_ticks))
        });
        if is_of_kernel || is_known || !self.config.unrecorded {
            return;
        }
        self.report_ancestors(fork.parent, fork.since_boot);
        self.report_observed_fork(fork);
    }

    /// Reports a process whose fork before `until` was observed, and its ancestors, so that a child is
    /// not reported before them.
    pub(super) fn report_ancestors(&mut self, pid: u32, until: Duration) {
        let (mut chain, mut pid, mut until) = (Vec::new(), pid, until);
        while let Some(fork) = self.observed_start(pid, Some(until)) {
            if fork.source != Provenance::Connector {
                break;
            }
            chain.push(fork);
            // a parent is older than its child: this ends
            (pid, until) = (fork.parent, fork.since_boot.saturating_sub(Duration::from_nanos(1)));
        }
        for fork in chain.into_iter().rev() {
            self.take_fork(fork);
            self.report_observed_fork(fork);
        }
    }

    fn report_observed_fork(&mut self, fork: ObservedFork) {
        let ObservedFork { task: pid, parent, since_boot, source, .. } = fork;
        if self.histories.is_running(pid) {
            self.close(pid, ExitReport::inferred());
        }
        let (id, seen) = self.identify(pid, Some(since_boot), Start::SinceBoot(since_boot));
        let mut process = Process::new(id);
        if seen.is_none() {
            process.start_range = Some(self.start_range(since_boot));
        }
        process.parent = self.parent(parent, Some(since_boot), source);
        self.inherit(&mut process, parent, Some(since_boot), seen.is_some());
        // after a loss, it may have executed programs that were not reported
        let details = seen.as_ref().filter(|_| source == Provenance::Procfs);
        match details.map(|_| self.inspector.details(pid)) {
            Some(Lookup::Process(details)) => process.fill_from(&details),
            _ => seen.iter().for_each(|seen| process.fill_from(seen)),
        }
        let mut instance = Instance::new(process.clone());
        instance.is_reported = true;
        instance.forked_at = Some(since_boot);
        instance.is_nested = self.inherited_nesting(parent);
        instance.thread_exits.is_leader_gone = seen.is_some_and(|seen| seen.is_zombie);
        self.histories.add(instance);
        let (event, creator) = (None, None);
        self.events.push_back(ProcessEvent::Fork(Fork { process, source, event, creator }));
    }

    /// Reports an observed exec of which no record arrived, if the process runs another program.
    fn exec_expired(&mut self, pid: u32, observed: &Observed) {
        self.remove(pid, observed);
        let Some(instance) = self.histories.running_mut(pid) else { return };
        let has_record = instance.exec.is_some_and(|span| span.latest >= observed.since_boot);
        let Lookup::Process(mut seen) = self.inspector.details(pid) else { return };
        if has_record || instance.id().start_ticks() != Some(seen.start_ticks) {
            return;
        }
        let process = &mut instance.process;
        let is_same_program = match (&process.exe, &seen.exe) {
            (Some(known), Some(seen)) => *known.value == *seen.as_os_str(),
            _ => false,
        };
        if observed.source == Provenance::Procfs && is_same_program {
            return;
        }
        let args = seen.args.take();
        (process.comm, process.exe, process.cwd) = (None, None, None);
        process.fill_from(&seen);
        self.events.push_back(ProcessEvent::Exec(Exec {
            process: process.clone(),
            source: observed.source,
            event: None,
            args: args.map(|args| Fact::new(args, Provenance::Procfs)),
            path: None,
        }));
    }

    /// Reports the exit of a process whose last thread exited, or that crashed, if it is gone.
    fn last_thread_exited(&mut self, pid: u32, last: LastThread) {
        let Some(instance) = self.histories.running(pid) else { return };
        if instance.id() != last.id {
            return;
        }
        let (threads, exits) = (instance.threads, instance.thread_exits);
        let is_crash = last.crash.is_some();
        if self.config.process_monitor && !is_crash {
            let Some(exit) = self.histories.observed_exit(pid) else {
                return; // it runs, or its exit will be observed
            };
            // the connector is ahead: other records of the process may still arrive
            if !self.stream.is_complete(exit.since_boot, SILENCE) {
                return self.decide_later(Timer::LastThread, pid, Undecided::LastThread(last));
            }
        }
        let is_gone = last.gone_at.is_some()
            || match self.inspector.process(pid) {
                Lookup::Process(seen) => !instance.can_be(&seen) || seen.is_over(),
                Lookup::Unknown => is_crash,
                _ => true,
            };
        if !is_gone {
            return;
        }
        if !is_crash {
            // what the monitor observed before this look may not have been read yet, and without a monitor
            // the process is ahead of its records, too
            let gone_at = last.gone_at.unwrap_or_else(|| self.present());
            let is_decided = match self.config.process_monitor {
                true => last.gone_at.is_some(),
                false => self.stream.is_complete(gone_at, SILENCE),
            };
            if !is_decided {
                let last = LastThread { gone_at: Some(gone_at), ..last };
                return self.decide_later(Timer::LastThread, pid, Undecided::LastThread(last));
            }
        }
        let crash = last.crash.map(|signal| ExitStatus::Signaled { signal, dumped: None });
        let known = crash.or_else(|| threads.status(self.config.leader_status));
        let source = known.map_or(Provenance::Procfs, |_| Provenance::Record);
        let status = Fact::new(known.unwrap_or(ExitStatus::Unknown), source);
        let mut report = ExitReport::new(status, source);
        let event = threads.last_recorded().map_or(last.event, |exit| exit.event);
        report.event = (!is_crash).then_some(event);
        report.end.call = Some(event.time());
        if let Some((exit, exits)) = self.take_exits(pid, exits) {
            let observed = self.observed_exit(pid, exit, exits);
            report.end.since_boot = Some(self.gone_since(exit.since_boot));
            report.source = if known.is_some() { source } else { observed.source };
            if observed.status.value != ExitStatus::Unknown {
                report.status = observed.status;
            }
        }
        self.close(pid, report);
    }

    /// Returns how the instance that runs ended, by the observed exits of its threads; by their records
    /// where these show more.
    ///
    /// Where all threads ended by `exit`, the status is that of the one that began to end last. The
    /// connector observes the ends of exits, so it may observe that one first.
    ///
    /// Source: `kernel/exit.c`, `synchronize_group_exit`, `do_exit`.
    pub(super) fn observed_exit(&self, pid: u32, last: Observed, exits: ThreadExits) -> ExitReport {
        let leader_counts = self.config.leader_status;
        let mut report = ExitReport::observed(last, exits.status(leader_counts));
        let threads = self.histories.running(pid).map(|instance| instance.threads);
        let threads = threads.filter(|threads| threads.is_each_exit_recorded());
        let recorded = threads.and_then(|threads| threads.status(leader_counts));
        if let Some(status) = recorded.filter(|_| exits.signal().is_none()) {
            report.status = Fact::new(status, Provenance::Record);
        }
        report
    }

    /// Settles what a task is that `clone3` created.
    fn settle(&mut self, task: UnsettledTask) {
        self.task_settled(task.parent);
        let has_waited = self.now.saturating_duration_since(task.since) >= PATIENCE;
        let stream = self.stream;
        let seen = self.inspector.process(task.task);
        let span = self.call_time(task.event.time()).span;
        let Some(parent) = self.histories.running_mut(task.parent) else {
            return self.report_unsettled(&task);
        };
        let clock = &self.config.clock;
        let is_new = |seen: &ProcessSnapshot| {
            let starts = span.map(|span| clock.ticks(span.earliest)..=clock.ticks(span.latest));
            starts.is_none_or(|starts| starts.contains(&seen.start_ticks))
        };
        match seen {
            Lookup::Thread => parent.threads.add(),
            Lookup::Process(seen) if is_new(&seen) => self.settle_as_process(&task, &seen),
            _ => match parent
                .threads
                .settle_gone(|exit| stream.is_complete(exit.saturating_add(SOON), SOON))
            {
                Some(true) => {}
                None if !has_waited => {
                    parent.threads.unsettled += 1;
                    self.decide_later(Timer::Task, task.task, Undecided::Task(task));
                }
                Some(false) | None => self.report_unsettled(&task),
            },
        }
    }

    fn settle_as_process(&mut self, task: &UnsettledTask, seen: &ProcessSnapshot) {
        if self.histories.is_running(task.task) {
            return;
        }
        let start = Start::Ticks(seen.start_ticks);
        let mut process = Process::new(ProcessId::new(self.config.boot, task.task, start));
        let parent = Parent { pid: task.parent, id: task.parent_id };
        process.parent = Some(Fact::new(parent, Provenance::Record));
        self.inherit(&mut process, task.parent, None, true);
        process.fill_from(seen);
        let mut instance = Instance::new(process.clone());
        instance.has_fork_record = true;
        instance.is_reported = true;
        instance.is_nested = self.inherited_nesting(task.parent);
        self.histories.add(instance);
        let (source, event) = (Provenance::Record, Some(task.event));
        self.events.push_back(ProcessEvent::Fork(Fork { process, source, event, creator: None }));
    }

    fn report_unsettled(&mut self, task: &UnsettledTask) {
        self.events.push_back(ProcessEvent::Loss(LifecycleLoss::Unsettled {
            parent: task.parent_id,
            task: task.task,
            event: task.event,
        }));
    }

    /// Lists the processes and compares them with those that are known. Differences are reported unless
    /// records explain them in time.
    fn compare_with_listing(&mut self) {
        let Some(table) = self.inspector.list() else { return };
        let (at, source) = (table.since_boot, Provenance::Procfs);
        let listed: HashMap<u32, &ProcessSnapshot> =
            table.processes.iter().map(|seen| (seen.pid, seen)).collect();
        let mut changes = Vec::new();
        for instance in self.histories.all_running() {
            let pid = instance.process.pid();
            let seen = listed.get(&pid);
            if !seen.is_some_and(|seen| instance.can_be(seen) && !seen.is_over()) {
                let code = seen.and_then(|seen| seen.code);
                changes.push((pid, What::Exit { code, is_leader: true }));
            }
        }
        changes.sort_unstable_by_key(|(pid, _)| *pid);
        for seen in table.processes.iter().filter(|seen| !seen.is_over()) {
            match self.histories.running(seen.pid) {
                Some(known) if known.id().start_ticks() == Some(seen.start_ticks) => {
                    let exe = known.process.exe.as_ref().map(|exe| &*exe.value);
                    if seen.exe.is_some() && seen.exe.as_deref() != exe {
                        changes.push((seen.pid, What::Exec));
                    }
                }
                Some(known) if known.id().start_ticks().is_none() => {}
                _ => {
                    let what = What::Fork { parent: seen.ppid, process: seen.pid };
                    changes.push((seen.pid, what));
                }
            }
        }
        for (pid, what) in changes {
            self.note(pid, what, at, source);
        }
    }

    /// Returns the present time since boot, or one that the stream passes only if it is silent.
    fn present(&mut self) -> Duration {
        let reached = self.stream.reached.unwrap_or_default();
        self.inspector.since_boot().unwrap_or_else(|| reached.saturating_add(LATER))
    }

    /// Looks up every process, as no process monitor reports exits.
    fn sweep(&mut self) {
        let mut running: Vec<u32> = self.processes().map(Process::pid).collect();
        running.sort_unstable();
        for pid in running {
            let seen = self.inspector.process(pid);
            let Some(instance) = self.histories.running(pid) else { continue };
            let (is_gone, code) = match seen {
                Lookup::Process(seen) => {
                    let is_same = instance.can_be(&seen);
                    (!is_same || seen.is_over(), seen.code.filter(|_| is_same))
                }
                Lookup::Thread | Lookup::Nothing => (true, None),
                Lookup::Unknown => (false, None),
            };
            if is_gone && self.histories.observed_exit(pid).is_none() {
                let at = self.present();
                self.note(pid, What::Exit { code, is_leader: true }, at, Provenance::Procfs);
            }
        }
    }
}
