//! The iterator: a source, the engine, and the loop between them.

use std::iter::FusedIterator;
use std::time::Duration;

use crate::error::Error;
use crate::event::{Assembler, AssemblerConfig, Completeness, Delivery, Event, Signal, Stats};
use crate::source::Source;
use crate::time::Tick;

/// Iterates over the events of a source, and over its losses.
///
/// It ends when the source does: a capture ends, a socket never. After an error it ends too, but
/// only once everything that was received before has been handed out.
///
/// # Examples
///
/// Counting what a capture holds:
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
#[derive(Debug)]
pub struct Events<S> {
    source: S,
    assembler: Assembler,
    state: State,
    now: Tick,
}

#[derive(Debug)]
enum State {
    Running,
    /// The source ended or failed; what is ready is handed out first.
    Draining(Option<Error>),
    Done,
}

impl<S: Source> Events<S> {
    /// Iterates over a source with an engine of default limits.
    pub fn new(source: S) -> Self {
        let config = AssemblerConfig::new().end_records(source.has_end_records());
        let assembler = Assembler::with_config(config);
        Self::with_assembler(source, assembler)
    }

    /// Iterates over a source with an engine of one's own making.
    pub const fn with_assembler(source: S, assembler: Assembler) -> Self {
        Self { source, assembler, state: State::Running, now: Tick::ZERO }
    }

    /// Returns the next delivery, or `Ok(None)` if none came until `until` or the source ended;
    /// [`is_ended`](Self::is_ended) tells which.
    ///
    /// For daemons that must do something else from time to time. What can be received without
    /// waiting is received even if `until` has passed.
    ///
    /// # Errors
    ///
    /// The source's error, once everything that was received before has been handed out.
    pub fn next_until(&mut self, until: Option<Tick>) -> Result<Option<Delivery>, Error> {
        self.advance(until, false)
    }

    /// Returns the next delivery, or `Ok(None)` if there is none now, without waiting.
    ///
    /// For programs that have a loop of their own: wait until the source's file can be read (a
    /// [`Receiver`](crate::Receiver) has one), but no longer than [`time_left`](Self::time_left)
    /// says; then call this until it returns `None`. `Ok(None)` means also that the source ended,
    /// which [`is_ended`](Self::is_ended) tells.
    ///
    /// # Errors
    ///
    /// The source's error, once everything that was received before has been handed out.
    pub fn try_next(&mut self) -> Result<Option<Delivery>, Error> {
        self.next_until(Some(Tick::ZERO))
    }

    /// Returns how long a program may wait for the source's file after [`try_next`](Self::try_next)
    /// had nothing; `None` if it is for as long as it takes.
    ///
    /// An event without an end is handed out, and a skipped serial told, when its time is over, not
    /// when something comes. This is when the next time is over.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let due = [self.assembler.poll_timeout(), self.source.deadline()];
        due.into_iter().flatten().min().map(|due| due.saturating_duration_since(self.now))
    }

    /// As [`next_until`](Self::next_until), but returns also whenever the source says that the line is
    /// empty.
    pub(crate) fn next_or_idle(&mut self, until: Option<Tick>) -> Result<Option<Delivery>, Error> {
        self.advance(until, true)
    }

    fn advance(
        &mut self,
        until: Option<Tick>,
        whenever_idle: bool,
    ) -> Result<Option<Delivery>, Error> {
        loop {
            if let Some(delivery) = self.assembler.poll() {
                return Ok(Some(delivery));
            }
            match &mut self.state {
                State::Running => {}
                State::Draining(error) => {
                    let error = error.take();
                    self.state = State::Done;
                    return error.map_or(Ok(None), Err);
                }
                State::Done => return Ok(None),
            }
            let due = self.assembler.poll_timeout();
            let wake = [due, until].into_iter().flatten().min();
            match self.source.recv(wake) {
                Ok(received) => {
                    self.now = self.now.max(received.at());
                    if received.signal() == Some(Signal::End) {
                        self.state = State::Draining(None);
                    }
                    let is_idle = received.signal() == Some(Signal::Idle);
                    let is_over = until.is_some_and(|until| until <= received.at());
                    self.assembler.handle(received);
                    if is_idle && (is_over || whenever_idle) {
                        return Ok(self.assembler.poll());
                    }
                }
                Err(error) => {
                    self.assembler.handle(Signal::End.at(self.now));
                    self.state = State::Draining(Some(error));
                }
            }
        }
    }

    /// Tells whether the source ended or failed, and everything was handed out.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Returns the tick of what the source handed over last.
    #[must_use]
    pub const fn last_tick(&self) -> Tick {
        self.now
    }

    /// Tells the engine what the kernel's counter of lost records was when somebody read it.
    ///
    /// For sources that do not read it themselves; a [`Receiver`](crate::Receiver) does. The first
    /// reading is the one that later ones are compared with; it must come before the first record.
    /// It is taken for one that was begun after the last record was received: else there could
    /// have been a loss in between.
    pub fn lost_counter(&mut self, total: u32) {
        self.assembler.handle(Signal::LostCounter { total }.at(self.now));
    }

    /// Returns the counts of what passed so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.assembler.stats()
    }

    /// Tells whether the kernel holds records back, which then come out of order.
    pub(crate) const fn has_backpressure(&self) -> bool {
        self.assembler.has_backpressure()
    }

    /// Judges whether everything came that the kernel recorded, from the first record to the last
    /// reading of its counter.
    ///
    /// It is complete only if all signs agree. While records come it never is, since the counter
    /// must have been read after the last one: ask when the line is quiet, or when the source has
    /// [ended](crate::Receiver::finish).
    pub fn completeness(&self) -> Completeness {
        self.stats().completeness()
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// Returns the source, to be changed.
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Takes the source and the engine apart.
    ///
    /// The engine may hold events that are open: handle [`Signal::End`] and poll it until it
    /// has nothing more, and nothing is lost.
    #[must_use]
    pub fn into_parts(self) -> (S, Assembler) {
        (self.source, self.assembler)
    }

    /// Iterates over the events alone, for those who insist.
    pub const fn ignore_losses(self) -> IgnoreLosses<S> {
        IgnoreLosses { events: self }
    }
}

impl<S: Source> Iterator for Events<S> {
    type Item = Result<Delivery, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).transpose()
    }
}

impl<S: Source> FusedIterator for Events<S> {}

/// Iterates over events and drops losses; made by [`Events::ignore_losses`].
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
