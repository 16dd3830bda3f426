//! The iterator over changes in the lives of processes.

use std::iter::FusedIterator;

use super::events::Events;
use crate::error::Error;
use crate::event::{Completeness, Stats};
use crate::monitor::ProcessMonitor;
use crate::process::{Observation, ProcessEvent, ProcessId, Tracker, TrackerConfig};
use crate::receiver::Receiver;
use crate::source::Source;
use crate::time::Tick;

/// Iterates over what becomes of processes: each one that is created, runs a program, and ends, and
/// over what may be missing.
///
/// Live, [`watch`](Self::watch) joins a receiver and a [`ProcessMonitor`]; [`replay`](Self::replay) has only
/// records. The rules are the caller's: [`rule::process_lifecycle`](crate::rule::process_lifecycle)
/// are those that it needs.
///
/// # Examples
///
/// A loop that misses none:
///
/// ```no_run
/// use auditlink::monitor::ProcessMonitor;
/// use auditlink::process::ProcessEvent;
/// use auditlink::{Control, Processes, Receiver, Settings, rule};
///
/// let receiver = Receiver::daemon().open()?; // listen first, so that nothing slips between
/// let monitor = ProcessMonitor::new().open()?;
/// let mut control = Control::open()?;
/// control.configure(&Settings::lossless().enabled(true))?;
/// let rules = control.apply(&rule::process_lifecycle().key("procs").for_both_abis()?)?;
///
/// for change in Processes::watch(receiver, monitor)?.take(100) {
///     match change? {
///         ProcessEvent::Loss(gap) => eprintln!("{gap}"),
///         change => println!("{change}"),
///     }
/// }
/// rules.remove()?;
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Processes<S> {
    events: Events<S>,
    tracker: Tracker<Option<ProcessMonitor>>,
    /// What the monitor observed, until the tracker has it.
    observations: Vec<Observation>,
    is_ended: bool,
    /// What ended the source, until all else was handed out.
    failure: Option<Error>,
}

impl Processes<Receiver> {
    /// Follows the processes of this machine, from now on: lists those that are there, and tells
    /// what becomes of them and of new ones.
    ///
    /// Open the receiver and the monitor and load the rules before, in this order.
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
    /// Follows the processes of a capture, a log or a script, by their records alone.
    ///
    /// Who was there at the beginning is not known, nor when anybody was started; deaths by signal are
    /// seen only by their core dumps, or when their number is used again.
    pub fn replay(source: S) -> Self {
        Self::with_tracker(source, Tracker::with_inspector(TrackerConfig::default(), None))
    }

    fn with_tracker(source: S, tracker: Tracker<Option<ProcessMonitor>>) -> Self {
        let events = Events::new(source);
        Self { events, tracker, observations: Vec::new(), is_ended: false, failure: None }
    }

    /// Returns the next change, or `Ok(None)` if none came until `until` or the source ended;
    /// [`is_ended`](Self::is_ended) tells which.
    ///
    /// # Errors
    ///
    /// Those of the source and of the monitor.
    pub fn next_until(&mut self, until: Option<Tick>) -> Result<Option<ProcessEvent>, Error> {
        loop {
            if let Some(change) = self.tracker.poll() {
                self.note(&change);
                return Ok(Some(change));
            }
            if self.is_ended {
                return self.failure.take().map_or(Ok(None), Err);
            }
            let due = self.tracker.poll_timeout();
            let wake = [due, until].into_iter().flatten().min();
            let delivery = self.events.next_or_idle(wake);
            let now = self.events.last_tick();
            // what the monitor observed is older than the record that came after it
            let delivery = match (delivery, self.observe(now)) {
                (Ok(delivery), Ok(())) => delivery,
                (Err(error), _) | (_, Err(error)) => {
                    self.failure = Some(error);
                    self.is_ended = true;
                    self.tracker.finish();
                    continue;
                }
            };
            self.tracker.set_backpressure(self.events.has_backpressure());
            match &delivery {
                Some(delivery) => self.tracker.handle(delivery),
                None if self.events.is_ended() => {
                    self.is_ended = true;
                    self.tracker.finish();
                }
                None => self.tracker.idle(now),
            }
            if self.tracker.poll_timeout().is_some_and(|due| due <= now) {
                self.tracker.advance(now);
            }
            if delivery.is_none() && until.is_some_and(|until| until <= now) {
                let change = self.tracker.poll();
                change.iter().for_each(|change| self.note(change));
                return Ok(change);
            }
        }
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

    fn note(&mut self, change: &ProcessEvent) {
        let Some(monitor) = self.tracker.inspector_mut() else { return };
        match change {
            ProcessEvent::Fork(fork) => monitor.follow(fork.process.id),
            ProcessEvent::Exit(exit) => monitor.forget(exit.process.id),
            ProcessEvent::Exec(_) | ProcessEvent::Loss(_) => {}
        }
    }

    /// Tells whether the source ended or failed, and everything was handed out.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Returns the tracker, which knows who is there.
    #[must_use]
    pub const fn tracker(&self) -> &Tracker<Option<ProcessMonitor>> {
        &self.tracker
    }

    /// Returns the counts of what passed so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.events.stats()
    }

    /// Judges whether every record came; see [`Events::completeness`].
    pub fn completeness(&self) -> Completeness {
        self.events.completeness()
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(&self) -> &S {
        self.events.source()
    }

    /// Returns the source, to be changed, such as to [finish](Receiver::finish).
    pub const fn source_mut(&mut self) -> &mut S {
        self.events.source_mut()
    }
}

impl<S: Source> Iterator for Processes<S> {
    type Item = Result<ProcessEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).transpose()
    }
}

impl<S: Source> FusedIterator for Processes<S> {}
