//! The asynchronous twin of the iterator.

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

/// A stream of the events of a source, and of its losses, on tokio.
///
/// It is [`Events`] with another way to wait: the same engine, the same deliveries, the same end.
///
/// - **Nothing is read ahead.** It takes from the source what it hands out, so a consumer that is
///   slow leaves records where they are, in the socket; and if they find no room there, the loss is
///   told like any other.
/// - **It can be cancelled** at any time: a [`next`](Self::next) that is dropped has taken nothing.
/// - It yields to other tasks now and then, however many events there are.
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
/// A capture is a stream as well:
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
    /// Rings when something is due though nothing came.
    alarm: Option<Pin<Box<Sleep>>>,
    /// How many deliveries may be handed out before others have their turn.
    turn: u32,
}

/// A task that always has something to do lets others run after so many deliveries.
const TURN: u32 = 128;

impl<S: Source + AsFd> EventStream<S> {
    /// Makes a stream of a source that has a file to wait for, such as a
    /// [`Receiver`](crate::Receiver), with an engine of default limits.
    ///
    /// # Errors
    ///
    /// There is no tokio runtime here, or an error of the operating system.
    ///
    /// # Panics
    ///
    /// If the runtime was built without `enable_io`; tokio has no other way to tell. A stream that
    /// waits needs `enable_time` as well.
    pub fn new(source: S) -> Result<Self, Error> {
        Self::of_events(Events::new(source))
    }

    /// Makes a stream with an engine of one's own making.
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
        // without this, tokio would panic
        Handle::try_current().map_err(|error| failed(io::Error::other(error)))?;
        let file = events.source().as_fd().try_clone_to_owned().map_err(failed)?;
        #[allow(
            deprecated,
            reason = "its successor is unsafe, for the sake of files that are not owned as this is"
        )]
        let file = AsyncFd::with_interest(file, Interest::READABLE).map_err(failed)?;
        Ok(Self { events, file: Some(file), alarm: None, turn: TURN })
    }
}

impl<S: Source> EventStream<S> {
    /// Makes a stream of a source that never waits: a capture, a log file, a script.
    ///
    /// It needs no runtime. Reading a file blocks for as long as the disk takes.
    pub fn replay(source: S) -> Self {
        Self { events: Events::new(source), file: None, alarm: None, turn: TURN }
    }

    /// Returns the next delivery, `None` when the source ended; after an error it has ended too.
    ///
    /// It is cancel-safe: if it is dropped before it is ready, nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Delivery, Error>> {
        poll_fn(|context| self.poll_delivery(context)).await
    }

    /// Returns the counts of what passed so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.events.stats()
    }

    /// Judges whether everything came that the kernel recorded; see
    /// [`Events::completeness`](crate::Events::completeness).
    pub fn completeness(&self) -> Completeness {
        self.events.completeness()
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(&self) -> &S {
        self.events.source()
    }

    /// Returns the source, to be changed; a receiver is told so to
    /// [finish](crate::Receiver::finish).
    pub const fn source_mut(&mut self) -> &mut S {
        self.events.source_mut()
    }

    /// Goes back to the iterator, which goes on where the stream was.
    #[must_use]
    pub fn into_events(self) -> Events<S> {
        self.events
    }

    fn poll_delivery(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Delivery, Error>>> {
        if self.turn == 0 {
            self.turn = TURN;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = ready!(self.poll_events(context));
        if let Some(Ok(_)) = next {
            self.turn -= 1;
        }
        Poll::Ready(next)
    }

    /// Waits until there is a delivery, or no more.
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
            // the source was found empty. A sign that is there already may be newer than that: it
            // is taken away, and the source is looked at once more
            match file.poll_read_ready(context) {
                Poll::Ready(Ok(mut sign)) => {
                    sign.clear_ready();
                    continue;
                }
                Poll::Ready(Err(error)) => {
                    let error = Error::io("wait for audit records on tokio", error);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Pending => self.turn = TURN,
            }
            let Some(left) = self.events.time_left() else { return Poll::Pending };
            let alarm = match &mut self.alarm {
                Some(alarm) => {
                    alarm.as_mut().reset(Instant::now() + left);
                    alarm
                }
                None => self.alarm.insert(Box::pin(sleep(left))),
            };
            ready!(alarm.as_mut().poll(context));
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
