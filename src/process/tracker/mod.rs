//! The engine that follows processes.

mod config;
mod ended;
mod exec_exit;
mod fork;
mod instance;
mod observations;
mod pending;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

pub use self::config::TrackerConfig;
use self::ended::{Grave, Graves};
use self::exec_exit::Caller;
use self::instance::{Life, Threads};
use self::pending::{Entry, Facts};
use super::inspector::{Lookup, Observation, ProcessInspector, ProcessSnapshot};
use super::{
    Audited, Exit, ExitStatus, Fact, KEPT, LifecycleLoss, NoInspector, Parent, Process,
    ProcessEvent, ProcessId, Provenance, Start,
};
use crate::constants::Signal;
use crate::event::Delivery;
use crate::record::EventId;
use crate::time::{BootClock, Span, Tick, Timestamp};

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
///     while let Some(change) = tracker.poll() {
///         match change {
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
    lives: HashMap<u32, Life>,
    graves: Graves,
    facts: Facts,
    checks: VecDeque<Check>,
    crashes: VecDeque<Crash>,
    unsettled: VecDeque<Unsettled>,
    changes: VecDeque<ProcessEvent>,
    /// All processes were listed once: who is not known is new.
    is_listed: bool,
    told_since: Option<Duration>,
    /// When it was last found to have lost something.
    gap_at: Option<Tick>,
    next_sweep: Option<Tick>,
    next_listing: Option<Tick>,
    /// A record has come of a call that was made at this time since boot. In a stream that is in
    /// order, all that were made before have come, too.
    stream_at: Option<Duration>,
    /// The kernel holds records back: the stream is not in order.
    has_backpressure: bool,
    /// When the last record came, and when the line was last found empty.
    record_at: Tick,
    quiet_at: Tick,
    now: Tick,
}

/// A process whose last thread may have ended.
#[derive(Clone, Copy, Debug)]
struct Check {
    due: Tick,
    pid: u32,
    id: ProcessId,
    ending: ExitStatus,
    event: EventId,
}

/// A crash of a process that is not known yet: the record of its birth comes later.
#[derive(Clone, Debug)]
struct Crash {
    due: Tick,
    caller: Caller,
    signal: Signal,
}

/// A task that `clone3` created: a process or a thread.
#[derive(Clone, Copy, Debug)]
struct Unsettled {
    due: Tick,
    /// The process that created it.
    parent: u32,
    parent_id: Option<ProcessId>,
    task: u32,
    event: EventId,
}

/// How a life ended.
#[derive(Clone, Copy, Debug)]
struct End {
    ending: Fact<ExitStatus>,
    source: Provenance,
    event: Option<EventId>,
    stamp: Option<Timestamp>,
    since_boot: Option<Duration>,
}

impl End {
    const fn new(ending: Fact<ExitStatus>, source: Provenance) -> Self {
        Self { ending, source, event: None, stamp: None, since_boot: None }
    }

    /// The last of its threads, of which a second source told.
    fn of_last(entry: Entry, status: Option<i32>) -> Self {
        let ending = status.map_or(ExitStatus::Unknown, ExitStatus::of_wait_status);
        let mut end = Self::new(Fact::new(ending, entry.source), entry.source);
        end.since_boot = Some(entry.since_boot);
        end
    }

    /// The number has another owner: the former one must have ended.
    const fn inferred() -> Self {
        Self::new(Fact::new(ExitStatus::Unknown, Provenance::Inferred), Provenance::Inferred)
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
            lives: HashMap::new(),
            graves: Graves::default(),
            facts: Facts::default(),
            checks: VecDeque::new(),
            crashes: VecDeque::new(),
            unsettled: VecDeque::new(),
            changes: VecDeque::new(),
            is_listed: false,
            told_since: None,
            gap_at: None,
            next_sweep: None,
            next_listing: None,
            stream_at: None,
            has_backpressure: false,
            record_at: Tick::ZERO,
            quiet_at: Tick::ZERO,
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

    /// Lists the processes that are there already. Call it once, after listening has begun and the
    /// rules are loaded: then there is no hole between the two.
    ///
    /// They are no changes; [`processes`](Self::processes) has them.
    pub fn start(&mut self) {
        let Some(listing) = self.inspector.list() else { return };
        self.is_listed = true;
        self.told_since = Some(listing.since_boot);
        for seen in listing.processes {
            let id = ProcessId::new(self.config.boot, seen.pid, Start::Ticks(seen.start_ticks));
            let mut process = Process::new(id);
            process.audited = match self.config.audited_since {
                Some(since) if seen.start_ticks < since => Audited::No,
                Some(_) => Audited::Yes,
                None => Audited::Unknown,
            };
            process.take(&seen);
            process.parent = self.parent(seen.ppid, Provenance::Procfs);
            let mut life = Life::new(process);
            life.told = true;
            life.threads = Threads::of(Some(seen.threads.max(1)));
            life.ends.is_first_gone = seen.is_zombie;
            life.is_nested = seen.is_nested;
            self.lives.entry(seen.pid).or_insert(life);
        }
        // parents that were listed behind their children
        let ids: HashMap<u32, ProcessId> =
            self.lives.iter().map(|(pid, life)| (*pid, life.id())).collect();
        for parent in self.lives.values_mut().filter_map(|life| life.process.parent.as_mut()) {
            parent.value.id = parent.value.id.or_else(|| ids.get(&parent.value.pid).copied());
        }
    }

    /// Takes what the iterator of events yielded.
    pub fn handle(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Event(event) => {
                self.now = self.now.max(event.last_received_at());
                self.record_at = self.now;
                self.event(event);
                self.do_due();
            }
            Delivery::Loss(loss) => {
                self.changes.push_back(ProcessEvent::Loss(LifecycleLoss::Records(loss.clone())));
                self.list_soon();
            }
        }
    }

    /// Takes what the second source told.
    pub fn observe(&mut self, observation: Observation, at: Tick) {
        self.now = self.now.max(at);
        self.observed(observation);
    }

    /// Takes a reading of the wall clock and of the time since boot; see [`BootClock::sample`].
    pub fn sample(&mut self, wall: Duration, since_boot: Duration) {
        self.config.clock.sample(wall, since_boot);
    }

    /// The time up to which a process that is seen to be gone may have made records: until now, where
    /// every birth is told, so that a new owner of its number is known; else until it was told gone.
    fn gone_until(&mut self, told: Duration) -> Duration {
        let now = self.inspector.since_boot().filter(|_| self.config.process_monitor);
        now.map_or(told, |now| now.max(told))
    }

    /// Says that no record is there to be received.
    pub fn idle(&mut self, at: Tick) {
        self.now = self.now.max(at);
        self.quiet_at = self.quiet_at.max(at);
    }

    /// Says whether the kernel holds records back
    /// ([`Stats::has_backpressure`](crate::event::Stats::has_backpressure)): then they may come in another
    /// order, and late.
    pub const fn set_backpressure(&mut self, has_backpressure: bool) {
        self.has_backpressure = has_backpressure;
    }

    /// Does what is due: tells what no record told in time, looks where it must.
    pub fn advance(&mut self, at: Tick) {
        self.now = self.now.max(at);
        self.do_due();
    }

    /// Says that nothing will come any more: tells all that it knows.
    pub fn finish(&mut self) {
        self.now = self.now.saturating_add(PATIENCE);
        self.do_due();
    }

    /// Returns the next change.
    pub fn poll(&mut self) -> Option<ProcessEvent> {
        self.changes.pop_front()
    }

    /// Returns when [`advance`](Self::advance) is to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let (soon, later) = self.facts.oldest();
        // nothing is due before the kernel has sent what it holds back; that is looked at now and then
        let held = if self.has_backpressure { self.now.saturating_add(SOON) } else { Tick::ZERO };
        let due = |observed: Tick, wait: Duration, silence: Duration| {
            observed.saturating_add(wait).max(self.record_at.saturating_add(silence)).max(held)
        };
        let dues = [
            soon.map(|observed| due(observed, SOON, SOON)),
            later.map(|observed| due(observed, LATER, SILENCE)),
            self.checks.front().map(|check| check.due),
            self.crashes.front().map(|crash| crash.due),
            self.unsettled.front().map(|task| task.due),
            self.next_listing,
            self.next_sweep,
        ];
        dues.into_iter().flatten().min()
    }

    /// Returns the process that has this number now.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<&Process> {
        self.lives.get(&pid).map(|life| &life.process)
    }

    /// Iterates over the processes that are there, in no order.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.lives.values().map(|life| &life.process)
    }

    /// Tells whether the second source has told of every birth for as long as lives are remembered.
    fn knows_births(&self) -> bool {
        let has_gap = self.gap_at.is_some_and(|at| self.now.saturating_duration_since(at) <= KEPT);
        self.config.process_monitor && !has_gap
    }

    /// Tells that the second source lost something.
    fn second_source_lost(&mut self, count: Option<u64>) {
        self.gap_at = Some(self.now);
        self.changes.push_back(ProcessEvent::Loss(LifecycleLoss::ProcessMonitor { count }));
    }

    fn list_soon(&mut self) {
        if self.is_listed && self.next_listing.is_none() {
            self.next_listing = Some(self.now.saturating_add(LISTING_DELAY));
        }
    }

    fn parent(&self, pid: u32, source: Provenance) -> Option<Fact<Parent>> {
        let id = self.lives.get(&pid).map(Life::id);
        // one that ended, but whose last records are still to come
        let id = id.or_else(|| self.graves.last(pid).map(|grave| grave.process.id));
        (pid != 0).then(|| Fact::new(Parent { pid, id }, source))
    }

    /// Finds out who a new process is. What is seen counts only if it is not younger than `until`:
    /// else the number has another owner already.
    fn identify(
        &mut self,
        pid: u32,
        until: Option<Duration>,
        otherwise: Start,
    ) -> (ProcessId, Option<Box<ProcessSnapshot>>) {
        let seen = match self.inspector.process(pid) {
            Lookup::Process(seen)
                if until.is_none_or(|until| seen.start_ticks <= self.config.clock.ticks(until)) =>
            {
                Some(seen)
            }
            _ => None,
        };
        let start = seen.as_ref().map_or(otherwise, |seen| Start::Ticks(seen.start_ticks));
        (ProcessId::new(self.config.boot, pid, start), seen)
    }

    /// Returns the start times that are possible for a birth that the second source told.
    fn told_range(&self, born: Duration) -> RangeInclusive<u64> {
        self.config.clock.ticks(born.saturating_sub(BootClock::CALL))
            ..=self.config.clock.ticks(born)
    }

    /// Gives a child what it has of its parent.
    fn inherit(&self, process: &mut Process, parent: u32) {
        let Some(Life { process: parent, .. }) = self.lives.get(&parent) else { return };
        process.comm = parent.comm.as_ref().map(Fact::inherited);
        process.exe = parent.exe.as_ref().map(Fact::inherited);
        process.cwd = parent.cwd.as_ref().map(Fact::inherited);
        process.credentials = parent.credentials.as_ref().map(Fact::inherited);
        process.cgroup = parent.cgroup.as_ref().map(Fact::inherited);
    }

    /// Ends a life, and tells it.
    fn close(&mut self, pid: u32, end: End) {
        let Some(life) = self.lives.remove(&pid) else { return };
        let mut ending = end.ending;
        if let (ExitStatus::Unknown, Some((signal, _))) = (ending.value, life.abend) {
            ending = Fact::new(ExitStatus::Signaled { signal, dumped: None }, Provenance::Record);
        }
        self.changes.push_back(ProcessEvent::Exit(Exit {
            process: life.process.clone(),
            source: end.source,
            ending,
            event: end.event,
            abend: life.abend.map(|(_, event)| event),
        }));
        self.graves.add(Grave::of(life, end.stamp, end.since_boot), self.now);
    }

    fn add(&mut self, life: Life) {
        self.lives.insert(life.process.pid(), life);
    }

    /// When a record was made, with a wide margin: what is asked is which of several lives of one
    /// number it is of.
    fn span(&self, event: EventId) -> Option<Span> {
        let mut span = self.config.clock.since_boot(event.time())?;
        span.latest = span.latest.saturating_add(MARGIN);
        Some(span)
    }

    /// The start times that are possible for a process that a call created, with the same margin.
    fn starts(&self, span: Option<Span>) -> Option<RangeInclusive<u64>> {
        let span = span?;
        Some(self.config.clock.ticks(span.earliest)..=self.config.clock.ticks(span.latest))
    }
}

/// A number is given to another process when all others were, which takes longer than this; and the
/// clock of stamps can lag more than it should, on a machine that has no time for its timer.
const MARGIN: Duration = Duration::from_millis(200);

/// How long a sudden end waits for records that were made before it.
const SOON: Duration = Duration::from_millis(20);

/// How long a birth or an end waits for its record before it is told without.
const LATER: Duration = Duration::from_secs(1);

/// How long no record must have come before it is believed that all have.
///
/// That nothing is there to be received is not enough: the kernel hands records over by a thread of
/// its own, which may be late.
const SILENCE: Duration = Duration::from_millis(200);

/// How long at most, while records come without a pause and none is as new as what waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Losses come in crowds; /proc is read once for all of them.
const LISTING_DELAY: Duration = Duration::from_millis(200);
