//! The stream of events for tokio.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep};

use crate::error::Error;
use crate::event::{Assembler, Completeness, Delivery, Stats};
use crate::iter::events::Events;
use crate::iter::next::Next;
use crate::source::Source;

/// A stream of the events of a source, and its losses, for tokio.
///
/// It returns the same deliveries as [`Events`], and ends in the same way.
///
/// - **It does not read ahead.** While the consumer is slow, records stay in the socket; if they
///   do not fit there, the loss is reported as with [`Events`].
/// - **It is cancel-safe.** Dropping the future of [`next`](Self::next) loses nothing.
/// - **It is cooperative.** It yields to other tasks after a number of deliveries.
///
/// # Examples
///
/// ```no_run
/// use auditlink::{Delivery, EventStream, Receiver};
///
/// # async fn run() -> Result<(), auditlink::Error> {
/// let mut events = EventStream::new(Receiver::observer().open()?)?;
/// while let Some(delivery) = events.next().await {
///     match delivery? {
///         Delivery::Event(event) => println!("{} {}", event.id(), event.kind().name()),
///         Delivery::Loss(loss) => eprintln!("{loss}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// The events of a capture:
///
/// ```
/// use auditlink::{Delivery, EventStream, capture};
///
/// let bytes: &[u8] = include_bytes!("../../examples/dump/demo.pcap");
/// let mut events = EventStream::replay(capture::Reader::new(bytes)?);
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// runtime.block_on(async {
///     while let Some(delivery) = events.next().await {
///         match delivery? {
///             Delivery::Event(event) => assert!(event.id().serial() > 0),
///             Delivery::Loss(loss) => println!("{loss}"),
///         }
///     }
///     Ok::<(), auditlink::Error>(())
/// })?;
/// assert_eq!(events.stats().losses, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventStream<S> {
    events: Events<S>,
    /// The source's file; `None` for a source that never waits.
    file: Option<AsyncFd<OwnedFd>>,
    /// Elapses when a delivery is due without a new record.
    timer: Option<Pin<Box<Sleep>>>,
    /// The number of deliveries until the next yield.
    budget: u32,
}

/// The number of deliveries after which the stream yields to other tasks.
const BUDGET: u32 = 128;

impl<S: Source + AsFd> EventStream<S> {
    /// Creates a stream of a source that has a file to wait for, such as a
    /// [`Receiver`](crate::Receiver), with a default [`Assembler`].
    ///
    /// The runtime must have been built with `enable_io` and `enable_time`.
    ///
    /// # Errors
    ///
    /// It was not called within a tokio runtime, or an error of the operating system.
    ///
    /// # Panics
    ///
    /// Panics in tokio if the runtime was built without `enable_io`.
    pub fn new(source: S) -> Result<Self, Error> {
        Self::of_events(Events::new(source))
    }

    /// Creates a stream with the given assembler.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_assembler(source: S, assembler: Assembler) -> Result<Self, Error> {
        Self::of_events(Events::with_assembler(source, assembler))
    }

    fn of_events(events: Events<S>) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::io("wait for audit records on tokio", error);
        // otherwise `AsyncFd` would panic
        Handle::try_current().map_err(|error| failed(io::Error::other(error)))?;
        let file = events.source().as_fd().try_clone_to_owned().map_err(failed)?;
        #[allow(deprecated, reason = "its successor is unsafe, which an owned file does not need")]
        let file = AsyncFd::with_interest(file, Interest::READABLE).map_err(failed)?;
        Ok(Self { events, file: Some(file), timer: None, budget: BUDGET })
    }
}

impl<S: Source> EventStream<S> {
    /// Creates a stream of a source that never waits, such as a capture or a log file.
    ///
    /// It needs no runtime. Reading the file blocks.
    pub fn replay(source: S) -> Self {
        Self { events: Events::new(source), file: None, timer: None, budget: BUDGET }
    }

    /// Returns the next delivery; `None` once the source has ended, or has failed before.
    ///
    /// It is cancel-safe: nothing is lost if the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<Delivery, Error>> {
        poll_fn(|context| self.poll_delivery(context)).await
    }

    /// Returns the statistics so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.events.stats()
    }

    /// Returns whether everything that the kernel recorded was received; see
    /// [`Events::completeness`](crate::Events::completeness).
    pub fn completeness(&self) -> Completeness {
        self.events.completeness()
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(&self) -> &S {
        self.events.source()
    }

    /// Returns the source for changes, such as [`Receiver::finish`](crate::Receiver::finish).
    pub const fn source_mut(&mut self) -> &mut S {
        self.events.source_mut()
    }

    /// Converts it into an iterator, which continues where the stream stopped.
    #[must_use]
    pub fn into_events(self) -> Events<S> {
        self.events
    }

    fn poll_delivery(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Delivery, Error>>> {
        if self.budget == 0 {
            self.budget = BUDGET;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = ready!(self.poll_events(context));
        if let Some(Ok(_)) = next {
            self.budget -= 1;
        }
        Poll::Ready(next)
    }

    /// Waits for the next delivery, or the end.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Delivery, Error>>> {
        let Some(file) = &self.file else {
            return Poll::Ready(self.events.next());
        };
        loop {
            match self.events.try_next() {
                Ok(Next::Item(delivery)) => return Poll::Ready(Some(Ok(delivery))),
                Ok(Next::Ended) => return Poll::Ready(None),
                Ok(Next::Idle) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            // the readiness may be newer than the look at the source: clear it and look again
            match file.poll_read_ready(context) {
                Poll::Ready(Ok(mut guard)) => {
                    guard.clear_ready();
                    continue;
                }
                Poll::Ready(Err(error)) => {
                    let error = Error::io("wait for audit records on tokio", error);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Pending => self.budget = BUDGET,
            }
            let Some(left) = self.events.time_left() else { return Poll::Pending };
            let timer = match &mut self.timer {
                Some(timer) => {
                    timer.as_mut().reset(Instant::now() + left);
                    timer
                }
                None => self.timer.insert(Box::pin(sleep(left))),
            };
            ready!(timer.as_mut().poll(context));
        }
    }
}

impl<S: Source + Unpin> Stream for EventStream<S> {
    type Item = Result<Delivery, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_delivery(context)
    }
}

impl<S: Source + Unpin> FusedStream for EventStream<S> {
    fn is_terminated(&self) -> bool {
        self.events.is_ended()
    }
}

impl<S: fmt::Debug> fmt::Debug for EventStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("events", &self.events).finish_non_exhaustive()
    }
}
