//! The iterator over the forks, execs and exits of processes.

use std::iter::FusedIterator;
use std::time::Duration;

use super::events::Events;
use super::next::Next;
use super::state::State;
use crate::error::Error;
use crate::event::{Completeness, Delivery, Stats};
use crate::monitor::ProcessMonitor;
use crate::process::{Observation, ProcessEvent, ProcessId, Tracker, TrackerConfig};
use crate::receiver::Receiver;
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
    observations: Vec<Observation>,
    state: State,
}

impl Processes<Receiver> {
    /// Follows the processes of this machine: those that exist, and new ones.
    ///
    /// Open the receiver, open the monitor and load the rules first, in this order.
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
        let mut processes =
            Self::with_tracker(receiver, Tracker::with_inspector(config, Some(monitor)));
        processes.tracker.start();
        let listed: Vec<ProcessId> =
            processes.tracker.processes().map(|process| process.id).collect();
        if let Some(monitor) = processes.tracker.inspector_mut() {
            listed.into_iter().for_each(|id| monitor.follow(id));
        }
        Ok(processes)
    }
}

impl<S: Source> Processes<S> {
    /// Follows the processes of a capture or a log by their records alone.
    ///
    /// Which processes existed before the first record is unknown, as are start times. An exit by a
    /// signal is known only from the record of its core dump, or from the reuse of its PID.
    pub fn replay(source: S) -> Self {
        Self::with_tracker(source, Tracker::with_inspector(TrackerConfig::default(), None))
    }

    fn with_tracker(source: S, tracker: Tracker<Option<ProcessMonitor>>) -> Self {
        let events = Events::new(source);
        Self { events, tracker, observations: Vec::new(), state: State::Running }
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
        self.tracker.finish();
    }

    /// Returns the tracker's next event, and has the monitor follow the processes in it.
    fn poll(&mut self) -> Option<ProcessEvent> {
        let event = self.tracker.poll()?;
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
    fn observe(&mut self, at: Tick) -> Result<(), Error> {
        let Some(monitor) = self.tracker.inspector_mut() else { return Ok(()) };
        let clocks = monitor.clocks();
        let drained = monitor.drain(&mut self.observations);
        if let Some((wall, since_boot)) = clocks {
            self.tracker.sample(wall, since_boot);
        }
        for observation in self.observations.drain(..) {
            self.tracker.observe(observation, at);
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
