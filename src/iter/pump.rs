//! A thread that only receives, and the bounded queue that it fills.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::Error;
use crate::event::{Received, Signal};
use crate::host::Clock;
use crate::receiver::{Receiver, Waker};
use crate::source::Source;
use crate::time::Tick;

/// A source that receives on a thread of its own, into a bounded queue.
///
/// While the consumer is slow, the thread continues to read the socket, so the kernel neither drops
/// records nor makes processes wait. Everything else is as with the [`Receiver`] in it.
///
/// # Examples
///
/// ```no_run
/// use auditlink::{Events, Pump, Receiver, iter::Overflow};
///
/// let receiver = Receiver::daemon().open()?;
/// let pump = Pump::builder(receiver)
///     .queue_bytes(256 << 20)
///     .overflow(Overflow::DropNewest)
///     .start()?;
/// for delivery in Events::new(pump) {
///     println!("{:?}", delivery?);
/// }
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Pump {
    shared: Arc<Shared>,
    /// What was taken out of the queue and not returned yet.
    taken: VecDeque<Queued>,
    /// The datagram that was returned last.
    datagram: Vec<u8>,
    waker: Waker,
    clock: Clock,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// What a [`Pump`] does when its queue is full.
///
/// # Examples
///
/// ```
/// use auditlink::iter::Overflow;
///
/// assert_eq!(Overflow::default(), Overflow::Block);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Reads less: one batch every 100 ms, and nothing once twice the limit is queued.
    ///
    /// The kernel then queues records for a daemon, and makes processes wait once its own queue is
    /// full. The socket of an observer overflows. The slow reading is required: the kernel discards
    /// the records that it cannot send to a daemon that reads nothing for half a second.
    #[default]
    Block,
    /// Keeps reading, drops what arrives, and counts it:
    /// [`Cause::QueueFull`](crate::event::Cause::QueueFull). The kernel never waits.
    DropNewest,
}

/// The configuration of a [`Pump`]; created by [`Pump::builder`].
#[derive(Debug)]
#[must_use = "nothing is received until it is started"]
pub struct PumpBuilder {
    receiver: Receiver,
    limits: Limits,
    #[cfg(feature = "priority")]
    nice: Option<i32>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    queue_bytes: usize,
    overflow: Overflow,
}

/// What was received, with owned bytes. A receiver returns nothing undecodable.
#[derive(Debug)]
enum Queued {
    Datagram { bytes: Box<[u8]>, needed: usize, at: Tick },
    Signal { signal: Signal, at: Tick },
}

impl Queued {
    /// The approximate size of an entry without its bytes.
    const OVERHEAD: usize = 64;

    const fn at(&self) -> Tick {
        match self {
            Self::Datagram { at, .. } | Self::Signal { at, .. } => *at,
        }
    }

    fn cost(&self) -> usize {
        match self {
            Self::Datagram { bytes, .. } => Self::OVERHEAD + bytes.len(),
            Self::Signal { .. } => Self::OVERHEAD,
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Queued>,
    bytes: usize,
    /// The number of records dropped since the queue was full.
    dropped: u64,
    /// The consumer waits for items.
    is_awaited: bool,
    orders: Orders,
    /// The thread has ended.
    has_ended: bool,
}

/// Requests to the thread.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    /// Shut the receiver down, and receive what is queued before.
    shall_finish: bool,
    /// Close the receiver at once.
    shall_close: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Notified when the queue has items, or the thread has ended.
    filled: Condvar,
    /// Notified when the queue has room, or the pump closes.
    emptied: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // no code panics while it holds the lock; the queue would be consistent even then
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pump {
    /// Returns a builder for a pump that reads the given receiver.
    ///
    /// To check the audit system's health, call [`Receiver::watch`] before.
    pub const fn builder(receiver: Receiver) -> PumpBuilder {
        PumpBuilder {
            receiver,
            limits: Limits { queue_bytes: 64 << 20, overflow: Overflow::Block },
            #[cfg(feature = "priority")]
            nice: None,
        }
    }

    /// Returns the current tick of the receiver's clock.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.clock.now()
    }

    /// Returns a waker, which makes [`recv`](Source::recv) return [`Signal::Idle`] as soon as the socket is
    /// drained.
    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Starts an orderly shutdown; see [`Receiver::finish`].
    pub fn finish(&self) {
        self.shared.lock().orders.shall_finish = true;
        self.waker.wake();
    }

    /// Ends the thread, closes the receiver, and discards what is queued.
    ///
    /// # Errors
    ///
    /// As [`Receiver::close`].
    pub fn close(mut self) -> Result<(), Error> {
        self.close_now()
    }

    fn close_now(&mut self) -> Result<(), Error> {
        self.shared.lock().orders.shall_close = true;
        self.shared.emptied.notify_all();
        self.waker.wake();
        self.join()
    }

    /// Waits until the thread has ended.
    fn join(&mut self) -> Result<(), Error> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            // the code on the thread does not panic; a panic of the allocator, for example, ends here
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }

    /// Takes everything in the queue, and waits for it until `deadline`. Returns whether anything
    /// came, or the thread has ended.
    fn take(&mut self, deadline: Option<Tick>) -> bool {
        let mut queue = self.shared.lock();
        while queue.items.is_empty() && !queue.has_ended {
            let left =
                deadline.map(|deadline| deadline.saturating_duration_since(self.clock.now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            queue.is_awaited = true;
            let filled = &self.shared.filled;
            queue = match left {
                Some(left) => {
                    filled.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        queue.is_awaited = false;
        std::mem::swap(&mut queue.items, &mut self.taken);
        queue.bytes = 0;
        self.shared.emptied.notify_one();
        true
    }
}

impl Source for Pump {
    fn recv(&mut self, deadline: Option<Tick>) -> Result<Received<'_>, Error> {
        if self.taken.is_empty() && !self.take(deadline) {
            // the thread answers with `Signal::Idle` once the socket is drained
            self.waker.wake();
            self.take(None);
        }
        match self.taken.pop_front() {
            Some(Queued::Datagram { bytes, needed, at }) => {
                self.datagram = bytes.into_vec();
                Ok(Received::Datagram { bytes: &self.datagram, needed, at })
            }
            Some(Queued::Signal { signal, at }) => Ok(signal.at(at)),
            None => {
                self.join()?;
                Ok(Signal::End.at(self.clock.now()))
            }
        }
    }

    fn current_tick(&self) -> Option<Tick> {
        Some(self.clock.now())
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // `close` returns the error
        if self.thread.is_some() {
            let _ = self.close_now();
        }
    }
}

impl PumpBuilder {
    /// Sets the limit of the queue in bytes. Default 64 MiB, some 200,000 records.
    ///
    /// The consumer takes everything out at once, and the queue fills again while it works: memory
    /// for twice the limit may be used, three times with [`Overflow::Block`].
    pub const fn queue_bytes(mut self, bytes: usize) -> Self {
        self.limits.queue_bytes = bytes;
        self
    }

    /// Sets what happens when the queue is full. Default [`Overflow::Block`].
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.limits.overflow = overflow;
        self
    }

    /// Sets the nice value of the thread, -20 to 19. auditd uses -4. A negative value, which raises
    /// the priority, requires `CAP_SYS_NICE`.
    #[cfg(feature = "priority")]
    pub const fn nice(mut self, nice: i32) -> Self {
        self.nice = Some(nice);
        self
    }

    /// Returns the receiver.
    pub(super) const fn receiver_mut(&mut self) -> &mut Receiver {
        &mut self.receiver
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The thread cannot be started, or its priority cannot be set.
    pub fn start(self) -> Result<Pump, Error> {
        let shared = Arc::new(Shared::default());
        let (waker, clock) = (self.receiver.waker(), self.receiver.clock());
        let (sender, readiness) = std::sync::mpsc::channel();
        let queue_of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("auditlink-pump".to_owned())
            .spawn(move || {
                let ready = self.prepare();
                let is_ready = ready.is_ok();
                let _ = sender.send(ready);
                let Self { receiver, limits, .. } = self;
                let result =
                    if is_ready { pump(receiver, limits, &queue_of_thread) } else { Ok(()) };
                let mut queue = queue_of_thread.lock();
                queue.note_dropped(clock.now());
                queue.has_ended = true;
                drop(queue);
                queue_of_thread.filled.notify_all();
                result
            })
            .map_err(|error| Error::io(START, error))?;
        let ended = |_| Error::io(START, std::io::Error::other("the thread ended"));
        readiness.recv().map_err(ended)??;
        let (taken, datagram) = (VecDeque::new(), Vec::new());
        Ok(Pump { shared, taken, datagram, waker, clock, thread: Some(thread) })
    }

    #[cfg(feature = "priority")]
    fn prepare(&self) -> Result<(), Error> {
        let Some(nice) = self.nice else { return Ok(()) };
        // Linux takes process 0 for the calling thread
        rustix::process::setpriority_process(None, nice)
            .map_err(|error| Error::io("raise the priority of the pump", error.into()))
    }

    #[cfg(not(feature = "priority"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the other one can fail")]
    fn prepare(&self) -> Result<(), Error> {
        Ok(())
    }
}

const START: &str = "start the pump";

/// Receives until the end, on the thread.
fn pump(mut receiver: Receiver, limits: Limits, shared: &Shared) -> Result<(), Error> {
    loop {
        let item = match receiver.recv(None)? {
            Received::Datagram { bytes, needed, at } => {
                Queued::Datagram { bytes: bytes.into(), needed, at }
            }
            Received::Undecodable { .. } => continue,
            Received::Signal { signal: Signal::End, .. } => return Ok(()),
            Received::Signal { signal, at } => Queued::Signal { signal, at },
        };
        let is_last = !receiver.has_next();
        // each order comes with a wake-up, so `recv` returns
        let orders = push(shared, limits, item, is_last);
        if orders.shall_close {
            return receiver.close();
        }
        if orders.shall_finish {
            receiver.finish()?;
        }
    }
}

/// Appends an item to the queue. A signal always fits; a datagram may be dropped or wait.
///
/// With [`Overflow::Block`], a full queue makes it wait after the last item of a batch. Returns the
/// orders.
fn push(shared: &Shared, limits: Limits, item: Queued, is_last: bool) -> Orders {
    let mut queue = shared.lock();
    if matches!(item, Queued::Datagram { .. }) {
        let is_full = queue.bytes.saturating_add(item.cost()) > limits.queue_bytes;
        if is_full && limits.overflow == Overflow::DropNewest {
            queue.dropped += 1;
            return queue.orders;
        }
    }
    queue.note_dropped(item.at());
    queue.bytes += item.cost();
    queue.items.push_back(item);
    if std::mem::take(&mut queue.is_awaited) {
        shared.filled.notify_one();
    }
    let hard_limit = limits.queue_bytes.saturating_mul(2);
    let mut has_waited = !is_last || limits.overflow != Overflow::Block;
    while queue.bytes > limits.queue_bytes
        && !(has_waited && queue.bytes <= hard_limit)
        && !queue.orders.shall_close
    {
        let wait = shared.emptied.wait_timeout(queue, FULL_DELAY);
        let (waited, timeout) = wait.unwrap_or_else(PoisonError::into_inner);
        queue = waited;
        has_waited |= timeout.timed_out();
    }
    queue.orders
}

/// How long a full queue delays the next batch: far less than a daemon may pause without a loss.
const FULL_DELAY: Duration = Duration::from_millis(100);

impl Queue {
    /// Appends the number of dropped records, ahead of the first item that fits again.
    fn note_dropped(&mut self, at: Tick) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            self.items.push_back(Queued::Signal { signal: Signal::QueueFull { dropped }, at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(length: usize) -> Queued {
        Queued::Datagram { bytes: vec![0; length].into(), needed: length, at: Tick::ZERO }
    }

    fn kinds(shared: &Shared) -> Vec<String> {
        let queue = shared.lock();
        let kind = |item: &Queued| match item {
            Queued::Datagram { bytes, .. } => bytes.len().to_string(),
            Queued::Signal { signal: Signal::QueueFull { dropped }, .. } => {
                format!("dropped {dropped}")
            }
            Queued::Signal { signal, .. } => format!("{signal:?}"),
        };
        queue.items.iter().map(kind).collect()
    }

    #[test]
    fn dropped_datagrams_are_counted_where_they_are_missing() {
        let shared = Shared::default();
        let limits = Limits { queue_bytes: 400, overflow: Overflow::DropNewest };
        for length in [100, 101, 102, 103, 10] {
            push(&shared, limits, datagram(length), true);
        }
        assert_eq!(
            kinds(&shared),
            ["100", "101"],
            "164 and 165 of 400 bytes are used: 166 do not fit"
        );
        let ended = Queued::Signal { signal: Signal::BackpressureEnded, at: Tick::ZERO };
        push(&shared, limits, ended, true);
        let kinds = kinds(&shared);
        assert_eq!(kinds[2], "dropped 3");
        assert_eq!(kinds.len(), 4, "a signal always fits");
    }

    #[test]
    fn a_full_queue_delays_the_reader_and_then_blocks_it() {
        let shared = Arc::new(Shared::default());
        let limits = Limits { queue_bytes: 200, overflow: Overflow::Block };
        let clock = Clock::start();
        let begin = clock.now();
        let passed = || clock.now().saturating_duration_since(begin);
        push(&shared, limits, datagram(100), true);
        push(&shared, limits, datagram(10), false); // within a batch
        assert!(passed() < FULL_DELAY);
        push(&shared, limits, datagram(10), true);
        assert!(passed() >= FULL_DELAY, "one batch per delay");
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || push(&other, limits, datagram(900), true));
        thread::sleep(3 * FULL_DELAY);
        assert!(!thread.is_finished(), "twice the limit is queued");
        let mut queue = shared.lock();
        queue.items.clear();
        queue.bytes = 0;
        drop(queue);
        shared.emptied.notify_one();
        thread.join().expect("it ends");
    }
}
