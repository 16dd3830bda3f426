//! The iterator over changes in the lives of processes.

use std::iter::FusedIterator;

use super::events::Events;
use crate::error::Error;
use crate::event::{Completeness, Stats};
use crate::monitor::ProcessMonitor;
use crate::process::{BootId, NoInspector, ProcessEvent, Tracker};
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
    tracker: Tracker,
    monitor: Option<ProcessMonitor>,
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
        let tracker = monitor.tracker();
        Self::watch_with(receiver, monitor, tracker)
    }

    /// As [`watch`](Self::watch), with a tracker of one's own making; [`ProcessMonitor::tracker`] makes the
    /// usual one.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn watch_with(
        mut receiver: Receiver,
        mut monitor: ProcessMonitor,
        mut tracker: Tracker,
    ) -> Result<Self, Error> {
        if let Some(file) = monitor.readiness()? {
            receiver.wait_beside(file)?;
        }
        tracker.start(&mut monitor);
        for process in tracker.processes() {
            monitor.follow(process);
        }
        let events = Events::new(receiver);
        Ok(Self { events, tracker, monitor: Some(monitor), is_ended: false, failure: None })
    }
}

impl<S: Source> Processes<S> {
    /// Follows the processes of a capture, a log or a script, by their records alone.
    ///
    /// Who was there at the beginning is not known, nor when anybody was started; deaths by signal are
    /// seen only by their core dumps, or when their number is used again.
    pub fn replay(source: S) -> Self {
        let tracker = Tracker::new(BootId::UNKNOWN);
        Self { events: Events::new(source), tracker, monitor: None, is_ended: false, failure: None }
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
            // what the second source saw is older than the record that came behind it
            let drained =
                self.monitor.as_mut().map(|monitor| monitor.drain(&mut self.tracker, now));
            let delivery = match (delivery, drained.unwrap_or(Ok(()))) {
                (Ok(delivery), Ok(())) => delivery,
                (Err(error), _) | (_, Err(error)) => {
                    self.failure = Some(error);
                    self.is_ended = true;
                    self.with_look(Tracker::finish);
                    continue;
                }
            };
            self.tracker.set_backpressure(self.events.has_backpressure());
            match &delivery {
                Some(delivery) => self.with_look(|tracker, look| tracker.handle(delivery, look)),
                None if self.events.is_ended() => {
                    self.is_ended = true;
                    self.with_look(Tracker::finish);
                }
                None => self.tracker.idle(now),
            }
            if self.tracker.poll_timeout().is_some_and(|due| due <= now) {
                self.with_look(|tracker, look| tracker.advance(now, look));
            }
            if delivery.is_none() && until.is_some_and(|until| until <= now) {
                let change = self.tracker.poll();
                change.iter().for_each(|change| self.note(change));
                return Ok(change);
            }
        }
    }

    fn with_look(
        &mut self,
        act: impl FnOnce(&mut Tracker, &mut dyn crate::process::ProcessInspector),
    ) {
        match &mut self.monitor {
            Some(monitor) => act(&mut self.tracker, monitor),
            None => act(&mut self.tracker, &mut NoInspector),
        }
    }

    fn note(&mut self, change: &ProcessEvent) {
        let Some(monitor) = &mut self.monitor else { return };
        match change {
            ProcessEvent::Fork(fork) => monitor.follow(&fork.process),
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
    pub const fn tracker(&self) -> &Tracker {
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
