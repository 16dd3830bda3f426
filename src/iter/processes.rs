//! The iterator over the forks, execs and exits of processes.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::time::Duration;

use super::events::Events;
use super::next::Next;
use super::pump::{Pump, PumpBuilder};
use super::state::State;
use crate::control::installed::needed_rules;
use crate::error::{Error, ErrorKind};
use crate::event::{Completeness, Delivery, Stats, UnverifiedReason};
use crate::monitor::ProcessMonitor;
use crate::process::{LifecycleLoss, Observation, ProcessEvent, ProcessId, Tracker, TrackerConfig};
use crate::receiver::{Receiver, Repair, WatchdogConfig};
use crate::source::Source;
use crate::time::Tick;

/// An iterator over the forks, execs and exits of processes, and their possible losses.
///
/// [`watch`](Self::watch) combines a receiver and a [`ProcessMonitor`] to follow the processes of
/// this machine; [`replay`](Self::replay) has the records only. The caller loads the rules:
/// [`rule::process_lifecycle`](crate::rule::process_lifecycle) returns the required ones.
///
/// # Examples
///
/// Following all processes:
///
/// ```no_run
/// use auditlink::monitor::ProcessMonitor;
/// use auditlink::process::ProcessEvent;
/// use auditlink::{Control, Processes, Receiver, Settings, rule};
///
/// let receiver = Receiver::daemon().open()?; // before the rules are loaded
/// let monitor = ProcessMonitor::builder().open()?;
/// let mut control = Control::open()?;
/// control.configure(&Settings::lossless().enabled(true))?;
/// let rules = control.apply(&rule::process_lifecycle().key("procs").for_both_abis()?)?;
///
/// for event in Processes::watch(receiver, monitor)?.take(100) {
///     match event? {
///         ProcessEvent::Loss(loss) => eprintln!("{loss}"),
///         event => println!("{event}"),
///     }
/// }
/// rules.remove()?;
/// # Ok::<(), auditlink::Error>(())
/// ```
///
/// The processes of a log:
///
/// ```
/// use auditlink::process::ProcessEvent;
/// use auditlink::{Processes, log};
///
/// let text: &[u8] = b"type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=59 success=yes \
/// exit=0 ppid=6 pid=7 comm=\"id\" exe=\"/usr/bin/id\"\n";
/// let events: Vec<_> = Processes::replay(log::Reader::new(text)).collect::<Result<_, _>>()?;
/// assert!(events.iter().any(|event| matches!(event, ProcessEvent::Exec(_))));
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Processes<S> {
    events: Events<S>,
    tracker: Tracker<Option<ProcessMonitor>>,
    /// What the monitor observed, until the tracker has it.
    observations: VecDeque<Observation>,
    /// The records wait in a queue.
    is_queued: bool,
    losses: LifecycleLosses,
    state: State,
}

/// How many losses were returned that are not losses of records.
#[derive(Clone, Copy, Debug, Default)]
struct LifecycleLosses {
    of_monitor: u64,
    unsettled: u64,
}

impl Processes<Receiver> {
    /// Follows the processes of this machine: those that exist, and new ones.
    ///
    /// Open the receiver, open the monitor and load the rules first, in this order.
    ///
    /// Unless the receiver has a [watchdog](Receiver::watch), this starts one: it reports when rules vanish or
    /// are suppressed, and loads those of the guards of this process again. Without `CAP_AUDIT_CONTROL` there
    /// is none, and the completeness stays unverified.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn watch(receiver: Receiver, monitor: ProcessMonitor) -> Result<Self, Error> {
        let config = monitor.tracker_config();
        Self::watch_with(receiver, monitor, config)
    }

    /// As [`watch`](Self::watch), with a configuration other than
    /// [`ProcessMonitor::tracker_config`].
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn watch_with(
        mut receiver: Receiver,
        monitor: ProcessMonitor,
        config: TrackerConfig,
    ) -> Result<Self, Error> {
        if let Some(file) = monitor.readiness()? {
            receiver.wait_beside(file)?;
        }
        watch_rules(&mut receiver)?;
        let mut processes =
            Self::with_tracker(receiver, Tracker::with_inspector(config, Some(monitor)));
        processes.start();
        Ok(processes)
    }
}

impl Processes<Pump> {
    /// As [`watch_with`](Processes::watch_with), for a consumer that pauses: a thread receives records, and
    /// another the observations of the process connector, into queues.
    ///
    /// While the consumer is slow, nothing is lost before the queue of the [`Pump`] is full. Then the
    /// kernel makes processes wait for a daemon; see [`Overflow`](super::Overflow). A million observations
    /// are queued; beyond that, the kernel's socket takes 40,000, and what it drops is reported as
    /// [`LifecycleLoss::ProcessMonitor`].
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use auditlink::monitor::ProcessMonitor;
    /// use auditlink::{Processes, Pump, Receiver};
    ///
    /// let receiver = Receiver::daemon().open()?;
    /// let monitor = ProcessMonitor::builder().open()?;
    /// let config = monitor.tracker_config();
    /// for event in Processes::watch_pump(Pump::builder(receiver), monitor, config)? {
    ///     println!("{}", event?);
    /// }
    /// # Ok::<(), auditlink::Error>(())
    /// ```
    pub fn watch_pump(
        mut pump: PumpBuilder,
        monitor: ProcessMonitor,
        config: TrackerConfig,
    ) -> Result<Self, Error> {
        watch_rules(pump.receiver_mut())?;
        let pump = pump.start()?;
        let waker = pump.waker();
        let monitor = monitor.start_thread(move || waker.wake())?;
        let mut processes =
            Self::with_tracker(pump, Tracker::with_inspector(config, Some(monitor)));
        processes.is_queued = true;
        processes.start();
        Ok(processes)
    }
}

/// Starts a watchdog for the rules, unless one runs or this process may not make requests.
fn watch_rules(receiver: &mut Receiver) -> Result<(), Error> {
    if receiver.is_watched() {
        return Ok(());
    }
    // rules that others have loaded are theirs to load again
    let repair = if needed_rules().is_empty() { Repair::Never } else { Repair::Always };
    let config = WatchdogConfig::new().heartbeat_timeout(HEARTBEAT_TIMEOUT).reapply_rules(repair);
    match receiver.watch(&config) {
        Err(error)
            if matches!(error.kind(), ErrorKind::NoPermission { .. } | ErrorKind::Namespace) =>
        {
            Ok(())
        }
        result => result.map(drop),
    }
}

/// How long a heartbeat may take on a machine that is busy with creating processes.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);

impl<S: Source> Processes<S> {
    /// Follows the processes of a capture or a log by their records alone.
    ///
    /// Which processes existed before the first record is unknown, as are start times. An exit by a
    /// signal is known only from the record of its core dump, or from the reuse of its PID.
    pub fn replay(source: S) -> Self {
        Self::with_tracker(source, Tracker::with_inspector(TrackerConfig::default(), None))
    }

    fn with_tracker(source: S, tracker: Tracker<Option<ProcessMonitor>>) -> Self {
        Self {
            events: Events::new(source),
            tracker,
            observations: VecDeque::new(),
            is_queued: false,
            losses: LifecycleLosses::default(),
            state: State::Running,
        }
    }

    /// Lists the processes that run already, and follows them.
    fn start(&mut self) {
        self.tracker.start();
        let listed: Vec<ProcessId> = self.tracker.processes().map(|process| process.id).collect();
        if let Some(monitor) = self.tracker.inspector_mut() {
            listed.into_iter().for_each(|id| monitor.follow(id));
        }
    }

    /// Returns the next process event without waiting.
    ///
    /// # Errors
    ///
    /// Those of the source and of the monitor, once everything that was received before has been
    /// returned.
    pub fn try_next(&mut self) -> Result<Next<ProcessEvent>, Error> {
        self.next_until(Tick::ZERO)
    }

    /// Waits for the next process event, at most for `timeout`; see [`Events::next_timeout`].
    ///
    /// # Errors
    ///
    /// As [`try_next`](Self::try_next).
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Next<ProcessEvent>, Error> {
        self.next_until(self.events.current_tick().saturating_add(timeout))
    }

    /// Waits for the next process event until `deadline`, a tick of the source's clock.
    ///
    /// # Errors
    ///
    /// As [`try_next`](Self::try_next).
    pub fn next_until(&mut self, deadline: Tick) -> Result<Next<ProcessEvent>, Error> {
        self.advance(Some(deadline))
    }

    fn advance(&mut self, deadline: Option<Tick>) -> Result<Next<ProcessEvent>, Error> {
        loop {
            if let Some(event) = self.poll() {
                return Ok(Next::Item(event));
            }
            if let Some(end) = self.state.end() {
                return end;
            }
            let due = self.tracker.poll_timeout();
            let wake = [due, deadline].into_iter().flatten().min();
            let next = self.events.next_or_idle(wake);
            let now = self.events.last_tick();
            // the monitor's observations are older than the record that follows them
            let next = match (next, self.observe(now)) {
                (Ok(next), Ok(())) => next,
                (Err(error), _) | (_, Err(error)) => {
                    self.finish(Some(error));
                    continue;
                }
            };
            let is_idle = self.handle(&next, now);
            if is_idle && deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(self.poll().map_or(Next::Idle, Next::Item));
            }
        }
    }

    /// Passes a delivery to the tracker, or its absence. Returns whether there was none.
    fn handle(&mut self, next: &Next<Delivery>, now: Tick) -> bool {
        self.tracker.set_backpressure(self.events.has_backpressure());
        match next {
            Next::Item(delivery) => self.tracker.handle(delivery),
            Next::Idle => self.tracker.idle(now),
            Next::Ended => self.finish(None),
        }
        if self.tracker.poll_timeout().is_some_and(|due| due <= now) {
            self.tracker.advance(now);
        }
        matches!(next, Next::Idle)
    }

    fn finish(&mut self, error: Option<Error>) {
        self.state = State::Draining(error);
        let at = self.events.last_tick();
        for observation in self.observations.drain(..) {
            self.tracker.observe(observation, at);
        }
        self.tracker.finish();
    }

    /// Returns the tracker's next event, and has the monitor follow the processes in it.
    fn poll(&mut self) -> Option<ProcessEvent> {
        let event = self.tracker.poll()?;
        match &event {
            ProcessEvent::Loss(LifecycleLoss::ProcessMonitor { .. }) => self.losses.of_monitor += 1,
            ProcessEvent::Loss(LifecycleLoss::Unsettled { .. }) => self.losses.unsettled += 1,
            _ => {}
        }
        if let Some(monitor) = self.tracker.inspector_mut() {
            match &event {
                ProcessEvent::Fork(fork) => monitor.follow(fork.process.id),
                ProcessEvent::Exit(exit) => monitor.forget(exit.process.id),
                ProcessEvent::Exec(_) | ProcessEvent::Loss(_) => {}
            }
        }
        Some(event)
    }

    /// Passes the monitor's observations and a reading of the clocks to the tracker.
    ///
    /// Where records wait in a queue, an observation is passed on before the records that were received after
    /// it: that keeps both in the order in which they happened.
    fn observe(&mut self, at: Tick) -> Result<(), Error> {
        let Some(monitor) = self.tracker.inspector_mut() else { return Ok(()) };
        let clocks = monitor.clocks();
        let mut observations = Vec::new();
        let drained = monitor.drain(&mut observations);
        let age = || self.events.current_tick().saturating_duration_since(at);
        let present = self.is_queued.then(|| monitor.set_lag(age()));
        if let Some((wall, since_boot)) = clocks {
            self.tracker.sample(wall, since_boot);
        }
        self.observations.extend(observations);
        let until = present.map(|present| present.saturating_add(AHEAD));
        while let Some(first) = self.observations.front() {
            if first.since_boot().zip(until).is_some_and(|(first, until)| first > until) {
                break;
            }
            if let Some(observation) = self.observations.pop_front() {
                self.tracker.observe(observation, at);
            }
        }
        drained
    }

    /// Returns whether the source ended or failed, and everything was returned.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.state.is_done()
    }

    /// Returns the tracker, which has the running processes.
    #[must_use]
    pub const fn tracker(&self) -> &Tracker<Option<ProcessMonitor>> {
        &self.tracker
    }

    /// Returns the statistics so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.events.stats()
    }

    /// Returns whether every record was received; see [`Events::completeness`].
    pub fn completeness(&self) -> Completeness {
        self.events.completeness()
    }

    /// Returns whether every record was received, and nothing else about processes is missing: it is never
    /// complete after a [`ProcessEvent::Loss`].
    pub fn lifecycle_completeness(&self) -> Completeness {
        let LifecycleLosses { of_monitor, unsettled } = self.losses;
        let mut reasons = self.events.completeness().reasons().to_vec();
        if of_monitor > 0 {
            reasons.push(UnverifiedReason::ProcessMonitor(of_monitor));
        }
        if unsettled > 0 {
            reasons.push(UnverifiedReason::UnsettledTasks(unsettled));
        }
        if reasons.is_empty() { Completeness::Complete } else { Completeness::Unverified(reasons) }
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(&self) -> &S {
        self.events.source()
    }

    /// Returns the source for changes, such as [`Receiver::finish`].
    pub const fn source_mut(&mut self) -> &mut S {
        self.events.source_mut()
    }
}

impl<S: Source> Iterator for Processes<S> {
    type Item = Result<ProcessEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance(None).map(Next::item).transpose()
    }
}

impl<S: Source> FusedIterator for Processes<S> {}

/// How much newer than a record an observation may be that is passed on before it: the stamps of two CPUs are
/// not in order.
const AHEAD: Duration = Duration::from_millis(10);
