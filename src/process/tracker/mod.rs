//! The engine that follows processes.
//!
//! A PID is reused, so the question behind every record is which instance of a PID it is of. The instances
//! of a PID and what is pending for it are its history; [`Tracker::instance_at`] answers the question.

mod caller;
mod config;
mod exec_exit;
mod fork;
mod history;
mod instance;
mod observations;
mod pending;
#[cfg(test)]
mod tests;
mod threads;
mod timers;

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use self::caller::{CallTime, Caller};
pub use self::config::TrackerConfig;
use self::history::Histories;
use self::instance::{End, Instance};
use self::pending::{Observed, ObservedFork};
use self::threads::Threads;
use self::timers::{PATIENCE, SOON, Timer, Timers};
use super::inspector::{Lookup, Observation, ProcessInspector, ProcessSnapshot};
use super::{
    Audited, Exit, ExitStatus, Fact, LifecycleLoss, NoInspector, Parent, Process, ProcessEvent,
    ProcessId, Provenance, Start,
};
use crate::event::Delivery;
use crate::record::EventId;
use crate::time::{BootClock, Tick, Timestamp};

/// Follows processes: takes events, losses and observations, and returns process events.
///
/// It has no effects of its own: it looks processes up through its [`ProcessInspector`], and times come in as
/// ticks. Pass [observations](Self::observe) before the records that are newer.
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::{Mix, Workload};
/// use auditlink::process::{ProcessEvent, Tracker, TrackerConfig};
/// use auditlink::{Delivery, Events};
///
/// let mut tracker = Tracker::new(TrackerConfig::default());
/// let mut execs = 0;
/// for delivery in Events::new(Workload::new(1).mix(Mix::Execs).generate().source()) {
///     tracker.handle(&delivery?);
///     while let Some(event) = tracker.poll() {
///         match event {
///             ProcessEvent::Exec(_) => execs += 1,
///             ProcessEvent::Loss(loss) => println!("{loss}"),
///             ProcessEvent::Fork(_) | ProcessEvent::Exit(_) => {}
///         }
///     }
/// }
/// assert!(execs > 400);
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracker<I = NoInspector> {
    config: TrackerConfig,
    inspector: I,
    histories: Histories,
    timers: Timers,
    stream: RecordStream,
    events: VecDeque<ProcessEvent>,
    /// When all processes were listed, as time since boot: from then on, an unknown process is a new one.
    listed_at: Option<Duration>,
    /// When the process monitor was last found to have lost observations.
    monitor_loss_at: Option<Tick>,
    now: Tick,
}

/// How far the stream of records has come.
#[derive(Clone, Copy, Debug)]
struct RecordStream {
    /// A record has arrived of a call that was entered at this time since boot. If the stream is in
    /// order, the records of all earlier calls have arrived, too.
    reached: Option<Duration>,
    /// The kernel holds records back: the stream is not in order.
    has_backpressure: bool,
    /// When the last record arrived, and when the socket was last found drained.
    record_at: Tick,
    idle_at: Tick,
}

impl RecordStream {
    const NEW: Self =
        Self { reached: None, has_backpressure: false, record_at: Tick::ZERO, idle_at: Tick::ZERO };

    /// Returns whether no record has arrived for as long.
    fn is_silent(self, silence: Duration) -> bool {
        !self.has_backpressure && self.idle_at.saturating_duration_since(self.record_at) >= silence
    }

    /// Returns whether records have arrived that are newer.
    fn has_passed(self, since_boot: Duration) -> bool {
        !self.has_backpressure && self.reached.is_some_and(|reached| since_boot < reached)
    }

    /// Returns whether all records have arrived that were made until then: newer ones have, or none has
    /// for as long.
    fn is_complete(self, since_boot: Duration, silence: Duration) -> bool {
        self.is_silent(silence) || self.has_passed(since_boot)
    }
}

/// How an instance ended, and how that is known.
#[derive(Clone, Copy, Debug)]
struct ExitReport {
    status: Fact<ExitStatus>,
    source: Provenance,
    event: Option<EventId>,
    end: End,
}

impl ExitReport {
    const fn new(status: Fact<ExitStatus>, source: Provenance) -> Self {
        let end = End { call: None, since_boot: None };
        Self { status, source, event: None, end }
    }

    /// The exit of the last thread, as it was observed.
    fn observed(exit: Observed, wait_status: Option<i32>) -> Self {
        let status = wait_status.map_or(ExitStatus::Unknown, ExitStatus::of_wait_status);
        let mut report = Self::new(Fact::new(status, exit.source), exit.source);
        report.end.since_boot = Some(exit.since_boot);
        report
    }

    /// The PID was reused, so the former process must have ended.
    const fn inferred() -> Self {
        Self::new(Fact::new(ExitStatus::Unknown, Provenance::Inferred), Provenance::Inferred)
    }
}

/// Which instance of a PID made a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InstanceRef {
    /// The one that runs.
    Running(ProcessId),
    /// One that has ended.
    Ended(ProcessId),
}

impl InstanceRef {
    const fn id(self) -> ProcessId {
        match self {
            Self::Running(id) | Self::Ended(id) => id,
        }
    }
}

impl Tracker {
    /// Creates a tracker that uses records and observations only.
    #[must_use]
    pub fn new(config: TrackerConfig) -> Self {
        Self::with_inspector(config, NoInspector)
    }
}

impl<I: ProcessInspector> Tracker<I> {
    /// Creates a tracker that looks processes up through an inspector.
    #[must_use]
    pub fn with_inspector(config: TrackerConfig, inspector: I) -> Self {
        Self {
            config,
            inspector,
            histories: Histories::default(),
            timers: Timers::default(),
            stream: RecordStream::NEW,
            events: VecDeque::new(),
            listed_at: None,
            monitor_loss_at: None,
            now: Tick::ZERO,
        }
    }

    /// Returns the inspector.
    #[must_use]
    pub const fn inspector(&self) -> &I {
        &self.inspector
    }

    /// Returns the inspector, such as to read its observations.
    pub const fn inspector_mut(&mut self) -> &mut I {
        &mut self.inspector
    }

    /// Lists the processes that run already.
    ///
    /// Call it once, after the receiver and the process monitor are open and the rules are loaded: then no
    /// process is missed in between. The listed processes are not reported as events;
    /// [`processes`](Self::processes) returns them.
    pub fn start(&mut self) {
        let Some(table) = self.inspector.list() else { return };
        self.listed_at = Some(table.since_boot);
        for seen in table.processes {
            let id = ProcessId::new(self.config.boot, seen.pid, Start::Ticks(seen.start_ticks));
            let mut process = Process::new(id);
            process.audited = match self.config.audited_since {
                Some(since) if seen.start_ticks < since => Audited::No,
                Some(_) => Audited::Yes,
                None => Audited::Unknown,
            };
            process.fill_from(&seen);
            process.parent = self.parent(seen.ppid, None, Provenance::Procfs);
            let mut instance = Instance::new(process);
            instance.is_reported = true;
            instance.threads = Threads::new(Some(seen.threads.max(1)));
            instance.thread_exits.is_leader_gone = seen.is_zombie;
            instance.is_nested = seen.is_nested;
            if !self.histories.is_running(seen.pid) {
                self.histories.add(instance);
            }
        }
        // parents that were listed after their children
        let ids: HashMap<u32, ProcessId> =
            self.processes().map(|process| (process.pid(), process.id)).collect();
        for instance in self.histories.all_running_mut() {
            if let Some(parent) = &mut instance.process.parent {
                parent.value.id = parent.value.id.or_else(|| ids.get(&parent.value.pid).copied());
            }
        }
    }

    /// Processes an event or a loss, as the iterator of events yields it.
    pub fn handle(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Event(event) => {
                self.now = self.now.max(event.last_received_at());
                self.stream.record_at = self.now;
                self.event(event);
                self.expire();
            }
            Delivery::Loss(loss) => {
                self.events.push_back(ProcessEvent::Loss(LifecycleLoss::Records(loss.clone())));
                self.list_soon();
            }
        }
    }

    /// Processes what a process monitor observed.
    pub fn observe(&mut self, observation: Observation, at: Tick) {
        self.now = self.now.max(at);
        self.observed(observation);
    }

    /// Takes a reading of the wall clock and of the time since boot; see [`BootClock::sample`].
    pub fn sample(&mut self, wall: Duration, since_boot: Duration) {
        self.config.clock.sample(wall, since_boot);
    }

    /// Notes that the socket was drained: no record is there to be received.
    pub fn idle(&mut self, at: Tick) {
        self.now = self.now.max(at);
        self.stream.idle_at = self.stream.idle_at.max(at);
    }

    /// Notes whether the kernel holds records back
    /// ([`Stats::has_backpressure`](crate::event::Stats::has_backpressure)): then they may arrive in another
    /// order, and late.
    pub const fn set_backpressure(&mut self, has_backpressure: bool) {
        self.stream.has_backpressure = has_backpressure;
    }

    /// Reports what no record explained in time, and looks up what must be.
    pub fn advance(&mut self, at: Tick) {
        self.now = self.now.max(at);
        self.expire();
    }

    /// Reports everything that is pending, as nothing more will arrive.
    pub fn finish(&mut self) {
        self.stream.has_backpressure = false;
        // what is looked up twice is decided the second time
        for _ in 0..2 {
            self.now = self.now.saturating_add(PATIENCE);
            self.idle(self.now);
            self.expire();
        }
    }

    /// Returns the next process event.
    pub fn poll(&mut self) -> Option<ProcessEvent> {
        self.events.pop_front()
    }

    /// Returns when [`advance`](Self::advance) is to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        // while the kernel holds records back nothing expires, and whether it still does is checked often
        let held =
            if self.stream.has_backpressure { self.now.saturating_add(SOON) } else { Tick::ZERO };
        let due = |timer: Timer| {
            let first = self.timers.first(timer)?;
            Some(match timer.silence() {
                Some(silence) => {
                    first.at.max(self.stream.record_at.saturating_add(silence)).max(held)
                }
                None => first.at,
            })
        };
        Timer::ALL.into_iter().filter_map(due).min()
    }

    /// Returns the process that runs with this PID.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<&Process> {
        self.histories.running(pid).map(|instance| &instance.process)
    }

    /// Iterates over the processes that run, in no order.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.histories.all_running().map(|instance| &instance.process)
    }

    /// Returns the instance of a PID that made a record; `None` if it is one that is not known yet.
    fn instance_at(&self, caller: &Caller) -> Option<InstanceRef> {
        let (pid, call) = (caller.pid, caller.call);
        let ended = self.histories.last_ended(pid);
        let Some(running) = self.histories.running(pid) else {
            let ended = ended.filter(|ended| self.knows_all_forks() || ended.ended_after(call))?;
            let is_reused = self.fork_of(caller).is_some();
            return (!is_reused).then_some(InstanceRef::Ended(ended.id()));
        };
        // where all forks are observed and no former instance is known, there was none
        let may_be_former = ended.is_some() || !self.knows_all_forks();
        if may_be_former && running.started_after(call, &self.config.clock) {
            let start = Start::Event(caller.event.serial());
            let unknown = ProcessId::new(self.config.boot, pid, start);
            return Some(InstanceRef::Ended(ended.map_or(unknown, Instance::id)));
        }
        // the connector reports the exit of the leader: only a new fork shows that all threads exited
        let has_exited = self.histories.observed_exit(pid).is_some_and(|exit| {
            let is_old =
                call.span.is_some_and(|span| exit.since_boot.saturating_add(SOON) < span.earliest);
            let is_reused = || self.observed_start(pid, call.latest()).is_some();
            is_old && (exit.source != Provenance::Connector || is_reused())
        });
        (!has_exited).then_some(InstanceRef::Running(running.id()))
    }

    /// Returns the observed fork of the process that made a record, if it is not known yet.
    ///
    /// A fork is observed before the process makes a record, whatever the clock of timestamps shows, unless
    /// the record is of a former instance.
    fn fork_of(&self, caller: &Caller) -> Option<ObservedFork> {
        let pid = caller.pid;
        self.observed_start(pid, caller.call.latest()).or_else(|| {
            let ended = self.histories.last_ended(pid);
            let is_former = ended.is_some_and(|ended| ended.ended_after(caller.call));
            let fork = self.observed_start(pid, None).filter(|_| !is_former);
            fork.filter(|fork| caller.ppid.is_none_or(|ppid| ppid == fork.parent))
        })
    }

    /// Returns the first observed fork of a process with this PID that was not later than `until`.
    fn observed_start(&self, pid: u32, until: Option<Duration>) -> Option<ObservedFork> {
        self.histories.observed_fork(pid, until).filter(|fork| !fork.is_thread())
    }

    /// Returns whether the process monitor has reported every fork for as long as instances are
    /// remembered.
    fn knows_all_forks(&self) -> bool {
        let has_loss = self
            .monitor_loss_at
            .is_some_and(|at| self.now.saturating_duration_since(at) <= RETENTION);
        self.config.process_monitor && !has_loss
    }

    /// Reports that the process monitor lost observations.
    fn monitor_lost(&mut self, count: Option<u64>) {
        self.monitor_loss_at = Some(self.now);
        self.events.push_back(ProcessEvent::Loss(LifecycleLoss::ProcessMonitor { count }));
    }

    fn list_soon(&mut self) {
        if self.listed_at.is_some() && self.timers.first(Timer::Listing).is_none() {
            let at = self.now.saturating_add(Timer::Listing.wait());
            self.timers.set_for_all(Timer::Listing, at);
        }
    }

    /// Returns the parent of a process that was created at this time since boot.
    fn parent(&self, pid: u32, at: Option<Duration>, source: Provenance) -> Option<Fact<Parent>> {
        let id = self.histories.at(pid, at, &self.config.clock).map(Instance::id);
        (pid != 0).then(|| Fact::new(Parent { pid, id }, source))
    }

    /// Returns the identity of a new process. What is seen counts only if it is not younger than
    /// `until`: otherwise the PID was reused already.
    fn identify(
        &mut self,
        pid: u32,
        until: Option<Duration>,
        otherwise: Start,
    ) -> (ProcessId, Option<Box<ProcessSnapshot>>) {
        let clock = &self.config.clock;
        let seen = match self.inspector.process(pid) {
            Lookup::Process(seen)
                if until.is_none_or(|until| seen.start_ticks <= clock.ticks(until)) =>
            {
                Some(seen)
            }
            _ => None,
        };
        let start = seen.as_ref().map_or(otherwise, |seen| Start::Ticks(seen.start_ticks));
        (ProcessId::new(self.config.boot, pid, start), seen)
    }

    /// Returns the start times that are possible for an observed fork.
    fn start_range(&self, forked_at: Duration) -> RangeInclusive<u64> {
        let clock = &self.config.clock;
        clock.ticks(forked_at.saturating_sub(BootClock::CALL))..=clock.ticks(forked_at)
    }

    /// Copies to a child, created at this time since boot, what it inherits from its parent.
    ///
    /// A process can be moved to another control group at any time: that of the child is read, or that of
    /// the parent if the child is gone.
    fn inherit(&mut self, process: &mut Process, parent: u32, at: Option<Duration>, is_seen: bool) {
        let own = if is_seen { self.inspector.control_group(process.pid()) } else { None };
        process.cgroup = own.map(|cgroup| Fact::new(cgroup.into(), Provenance::Procfs));
        let Some(instance) = self.histories.at(parent, at, &self.config.clock) else { return };
        let Process { comm, exe, cwd, credentials, .. } = &instance.process;
        process.comm = comm.as_ref().map(Fact::inherited);
        process.exe = exe.as_ref().map(Fact::inherited);
        process.cwd = cwd.as_ref().map(Fact::inherited);
        process.credentials = credentials.as_ref().map(Fact::inherited);
        if process.cgroup.is_none() && instance.end.is_none() {
            let id = instance.id();
            process.cgroup = self.cgroup(parent, id).map(|cgroup| cgroup.inherited());
        }
    }

    /// Reads the control group of an instance that runs; `None` if it is gone.
    fn cgroup(&mut self, pid: u32, id: ProcessId) -> Option<Fact<Arc<str>>> {
        let cgroup = self.inspector.control_group(pid)?;
        // the PID may have been reused meanwhile
        let Lookup::Process(seen) = self.inspector.process(pid) else { return None };
        let instance = self.histories.running(pid).filter(|instance| instance.id() == id)?;
        let is_same = instance.is_seen(&seen, &self.config.clock);
        is_same.then(|| Fact::new(cgroup.into(), Provenance::Procfs))
    }

    /// Returns the time up to which a process that is gone may have made records.
    ///
    /// Where every fork is observed, so that a reuse of its PID is known, that is now; otherwise it is
    /// when its exit was observed.
    fn gone_since(&mut self, observed: Duration) -> Duration {
        let now = self.inspector.since_boot().filter(|_| self.config.process_monitor);
        now.map_or(observed, |now| now.max(observed))
    }

    /// Reports the exit of the instance that runs.
    fn close(&mut self, pid: u32, exit: ExitReport) {
        let Some(instance) = self.histories.running(pid) else { return };
        let mut status = exit.status;
        if let (ExitStatus::Unknown, Some((signal, _))) = (status.value, instance.crash) {
            status = Fact::new(ExitStatus::Signaled { signal, dumped: None }, Provenance::Record);
        }
        self.events.push_back(ProcessEvent::Exit(Exit {
            process: instance.process.clone(),
            source: exit.source,
            status,
            event: exit.event,
            abend: instance.crash.map(|(_, event)| event),
        }));
        self.histories.close(pid, exit.end, self.now);
    }

    /// Returns when a record was made, with a wide margin: it decides between instances of one PID.
    fn call_time(&self, stamp: Timestamp) -> CallTime {
        let span = self.config.clock.since_boot(stamp).map(|mut span| {
            span.latest = span.latest.saturating_add(MARGIN);
            span
        });
        CallTime { stamp, span }
    }
}

/// How long an instance that ended is remembered.
const RETENTION: Duration = Duration::from_secs(10);

/// A PID is reused when all others were used, which takes longer than this. The clock of timestamps may lag
/// more than it should, on a machine that is too slow for its timer.
const MARGIN: Duration = Duration::from_millis(200);
