//! The iterator over events: a source, the assembler, and the loop between them.

use std::iter::FusedIterator;
use std::time::Duration;

use super::next::Next;
use super::state::State;
use crate::error::Error;
use crate::event::{Assembler, AssemblerConfig, Completeness, Delivery, Event, Signal, Stats};
use crate::source::Source;
use crate::time::Tick;

/// An iterator over the events of a source, and its losses.
///
/// It ends when the source ends: a capture does, a socket does not. After an error of the source it
/// ends as well, once everything that was received before has been returned.
///
/// # Examples
///
/// Counting the programs that a capture shows:
///
/// ```
/// # #[cfg(feature = "capture")] {
/// use auditlink::{Delivery, Events, capture};
///
/// let bytes: &[u8] = include_bytes!("../../examples/dump/demo.pcap");
/// let mut execs = 0;
/// for delivery in Events::new(capture::Reader::new(bytes)?) {
///     match delivery? {
///         Delivery::Event(event) if event.kind().name() == "exec" => execs += 1,
///         Delivery::Event(_) => {}
///         Delivery::Loss(loss) => println!("{loss}"),
///     }
/// }
/// assert!(execs > 0);
/// # }
/// # Ok::<(), auditlink::Error>(())
/// ```
///
/// In a loop over epoll or poll, use [`try_next`](Self::try_next) and
/// [`time_left`](Self::time_left):
///
/// ```
/// use auditlink::iter::Next;
/// use auditlink::{Events, log};
///
/// let text: &[u8] = b"type=LOGIN msg=audit(1.000:2): pid=7\n";
/// let mut events = Events::new(log::Reader::new(text));
/// assert!(matches!(events.try_next()?, Next::Item(_)));
/// assert_eq!(events.try_next()?, Next::Ended, "a file is never idle");
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Events<S> {
    source: S,
    assembler: Assembler,
    state: State,
    /// The tick of what was received last.
    now: Tick,
}

impl<S: Source> Events<S> {
    /// Creates an iterator over a source with a default [`Assembler`].
    pub fn new(source: S) -> Self {
        let config = AssemblerConfig::new()
            .end_records(source.has_end_records())
            .lost_counter(source.has_lost_counter());
        let assembler = Assembler::with_config(config);
        Self::with_assembler(source, assembler)
    }

    /// Creates an iterator over a source with the given assembler.
    pub const fn with_assembler(source: S, assembler: Assembler) -> Self {
        Self { source, assembler, state: State::Running, now: Tick::ZERO }
    }

    /// Returns the next delivery without waiting.
    ///
    /// Use it in a program that waits by poll, epoll or the like: wait until the source's file (a
    /// [`Receiver`](crate::Receiver) has one) is readable, at most for
    /// [`time_left`](Self::time_left), then call this until it returns [`Next::Idle`].
    ///
    /// # Errors
    ///
    /// The source's error, once everything that was received before has been returned.
    pub fn try_next(&mut self) -> Result<Next<Delivery>, Error> {
        self.next_until(Tick::ZERO)
    }

    /// Waits for the next delivery, at most for `timeout`.
    ///
    /// The time of a source that reads a file is the time of its records: the timeout then counts
    /// from the record that was read last.
    ///
    /// # Errors
    ///
    /// The source's error, once everything that was received before has been returned.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Next<Delivery>, Error> {
        self.next_until(self.current_tick().saturating_add(timeout))
    }

    /// Waits for the next delivery until `deadline`, a tick of the source's clock.
    ///
    /// What can be received without waiting is received even if the deadline has passed.
    ///
    /// # Errors
    ///
    /// The source's error, once everything that was received before has been returned.
    pub fn next_until(&mut self, deadline: Tick) -> Result<Next<Delivery>, Error> {
        self.advance(Some(deadline), false)
    }

    /// Returns how long to wait for the source's file after [`try_next`](Self::try_next) returned
    /// [`Next::Idle`]; `None` if it may wait without a limit.
    ///
    /// Some deliveries are due at a time instead of on a record: an event without an end record,
    /// and the loss of a serial that did not arrive.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let due = [self.assembler.poll_timeout(), self.source.deadline()];
        due.into_iter().flatten().min().map(|due| due.saturating_duration_since(self.now))
    }

    /// As [`next_until`](Self::next_until), but returns [`Next::Idle`] also whenever the socket is
    /// drained.
    pub(crate) fn next_or_idle(&mut self, deadline: Option<Tick>) -> Result<Next<Delivery>, Error> {
        self.advance(deadline, true)
    }

    fn advance(
        &mut self,
        deadline: Option<Tick>,
        whenever_idle: bool,
    ) -> Result<Next<Delivery>, Error> {
        loop {
            if let Some(delivery) = self.assembler.poll() {
                return Ok(Next::Item(delivery));
            }
            if let Some(end) = self.state.end() {
                return end;
            }
            let due = self.assembler.poll_timeout();
            let wake = [due, deadline].into_iter().flatten().min();
            match self.source.recv(wake) {
                Ok(received) => {
                    self.now = self.now.max(received.at());
                    if received.signal() == Some(Signal::End) {
                        self.state = State::Draining(None);
                    }
                    let is_idle = received.signal() == Some(Signal::Idle);
                    let is_over = deadline.is_some_and(|deadline| deadline <= received.at());
                    self.assembler.handle(received);
                    if is_idle && (is_over || whenever_idle) {
                        return Ok(self.assembler.poll().map_or(Next::Idle, Next::Item));
                    }
                }
                Err(error) => {
                    self.assembler.handle(Signal::End.at(self.now));
                    self.state = State::Draining(Some(error));
                }
            }
        }
    }

    /// The current tick of the source's clock; without a clock, that of the last record.
    pub(crate) fn current_tick(&self) -> Tick {
        self.source.current_tick().unwrap_or(self.now)
    }

    /// Returns whether the source ended or failed, and everything was returned.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.state.is_done()
    }

    /// Returns the tick of what the source returned last.
    #[must_use]
    pub const fn last_tick(&self) -> Tick {
        self.now
    }

    /// Passes a reading of the kernel's counter of lost records to the assembler.
    ///
    /// For sources that do not read the counter; a [`Receiver`](crate::Receiver) does. Later readings
    /// are compared with the first, which must be taken before the first record arrives. Each
    /// reading must have begun after the last record was received: otherwise a loss between the two
    /// would be missed.
    #[doc(alias = "lost")]
    pub fn lost_counter(&mut self, total: u32) {
        self.assembler.handle(Signal::LostCounter { total }.at(self.now));
    }

    /// Returns the statistics so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.assembler.stats()
    }

    /// Returns whether the kernel retries delivery, so records arrive out of order.
    pub(crate) const fn has_backpressure(&self) -> bool {
        self.assembler.has_backpressure()
    }

    /// Returns whether everything that the kernel recorded was received, from the first record to
    /// the last reading of the kernel's counter.
    ///
    /// It combines all signals, and is `Complete` only if none of them indicates a loss. While
    /// records arrive it is not, because the counter must be read after the last record: call it when
    /// the source is idle, or has [ended](crate::Receiver::finish).
    pub fn completeness(&self) -> Completeness {
        self.stats().completeness()
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// Returns the source for changes, such as [`Receiver::finish`](crate::Receiver::finish).
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Returns the source and the assembler.
    ///
    /// The assembler may hold open events. To get them, pass [`Signal::End`] to it and poll it until
    /// it returns `None`.
    #[must_use]
    pub fn into_parts(self) -> (S, Assembler) {
        (self.source, self.assembler)
    }

    /// Converts it into an iterator over the events alone.
    pub const fn ignore_losses(self) -> IgnoreLosses<S> {
        IgnoreLosses { events: self }
    }
}

impl<S: Source> Iterator for Events<S> {
    type Item = Result<Delivery, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance(None, false).map(Next::item).transpose()
    }
}

impl<S: Source> FusedIterator for Events<S> {}

/// An iterator over events that drops the losses; created by [`Events::ignore_losses`].
///
/// # Examples
///
/// ```
/// use auditlink::{Events, log};
///
/// let text: &[u8] = b"type=LOGIN msg=audit(1.000:2): pid=7\nnot a record\n";
/// let events: Vec<_> = Events::new(log::Reader::new(text)).ignore_losses().collect::<Result<_, _>>()?;
/// assert_eq!(events.len(), 1);
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct IgnoreLosses<S> {
    events: Events<S>,
}

impl<S: Source> Iterator for IgnoreLosses<S> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events.find_map(|delivery| match delivery {
            Ok(Delivery::Event(event)) => Some(Ok(event)),
            Ok(Delivery::Loss(_)) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl<S: Source> FusedIterator for IgnoreLosses<S> {}
