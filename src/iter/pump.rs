//! A thread that does nothing but receive, and a bounded queue behind it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::Error;
use crate::event::Received;
use crate::host::Clock;
use crate::receiver::{Receiver, Waker};
use crate::source::Source;
use crate::time::Tick;

/// Receives on a thread of its own, so that a consumer that is slow for a while costs the kernel
/// nothing; it is a [`Source`] like the receiver in it.
///
/// # Examples
///
/// ```no_run
/// use auditlink::{Events, Pump, Receiver, iter::Overflow};
///
/// let receiver = Receiver::daemon().open()?;
/// let pump = Pump::new(receiver).queue_bytes(256 << 20).overflow(Overflow::DropNewest).start()?;
/// for delivery in Events::new(pump) {
///     println!("{:?}", delivery?);
/// }
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Pump {
    shared: Arc<Shared>,
    /// What was taken out of the queue and not handed over yet.
    taken: VecDeque<Item>,
    handed: Vec<u8>,
    waker: Waker,
    clock: Clock,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// What to do when the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Receive as little as can be until there is room: a batch every tenth of a second, and once
    /// the queue is twice as full, nothing. The kernel then keeps records for a daemon, and makes
    /// processes wait once its own queue is full; an observer's socket overflows.
    ///
    /// The little is needed: of a daemon that reads nothing for half a second, the kernel gives up
    /// what it could not send.
    #[default]
    Block,
    /// Receive on, drop what comes, and count it:
    /// [`Cause::QueueFull`](crate::event::Cause::QueueFull). The kernel never waits.
    DropNewest,
}

/// Sets up a [`Pump`]; made by [`Pump::new`].
#[derive(Debug)]
#[must_use = "nothing is received before it is started"]
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

/// Something received, with its bytes.
#[derive(Debug)]
enum Item {
    Datagram { bytes: Box<[u8]>, needed: usize, at: Tick },
    Other(Received<'static>),
}

impl Item {
    /// What an item takes beside its bytes, roughly.
    const OVERHEAD: usize = 64;

    fn at(&self) -> Tick {
        match self {
            Self::Datagram { at, .. } => *at,
            Self::Other(received) => received.at(),
        }
    }

    fn cost(&self) -> usize {
        match self {
            Self::Datagram { bytes, .. } => Self::OVERHEAD + bytes.len(),
            Self::Other(_) => Self::OVERHEAD,
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Records that were dropped since there was room.
    dropped: u64,
    /// Somebody waits for items.
    is_awaited: bool,
    orders: Orders,
    /// The thread has ended.
    has_ended: bool,
}

/// What the thread is told to do.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    /// The receiver shall leave, and its end be handed over.
    shall_finish: bool,
    /// Everything shall end at once.
    shall_close: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something in the queue, or never will be again.
    filled: Condvar,
    /// There is room in the queue, or none is needed any more.
    emptied: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // nothing in here panics with the lock held; if it ever did, the queue is still one
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pump {
    /// Starts to set up a pump for a receiver.
    ///
    /// To watch over the service, call [`Receiver::watch`] before.
    #[expect(clippy::new_ret_no_self, reason = "builders start at the thing they build")]
    pub const fn new(receiver: Receiver) -> PumpBuilder {
        PumpBuilder {
            receiver,
            limits: Limits { queue_bytes: 64 << 20, overflow: Overflow::Block },
            #[cfg(feature = "priority")]
            nice: None,
        }
    }

    /// Returns the current tick of the clock that stamps what is received.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.clock.now()
    }

    /// Begins to leave, in an orderly way; see [`Receiver::finish`].
    pub fn finish(&self) {
        self.shared.lock().orders.shall_finish = true;
        self.waker.wake();
    }

    /// Ends the thread and closes the receiver, however full the queue is; what is in it is thrown
    /// away.
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

    /// Waits for the end of the thread, which is near.
    fn join(&mut self) -> Result<(), Error> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            // the thread has no panics of its own; one of the machine's ends here
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }

    /// Takes all that is in the queue; waits for it until `until`. `false` if nothing came.
    fn take(&mut self, until: Option<Tick>) -> bool {
        let mut queue = self.shared.lock();
        while queue.items.is_empty() && !queue.has_ended {
            let left = until.map(|until| until.saturating_duration_since(self.clock.now()));
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
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        if self.taken.is_empty() && !self.take(until) {
            // only the thread can tell whether the line is empty: it is asked, and says so
            self.waker.wake();
            self.take(None);
        }
        match self.taken.pop_front() {
            Some(Item::Datagram { bytes, needed, at }) => {
                self.handed = bytes.into_vec();
                Ok(Received::Datagram { bytes: &self.handed, needed, at })
            }
            Some(Item::Other(received)) => Ok(received),
            None => {
                self.join()?;
                Ok(Received::End { at: self.clock.now() })
            }
        }
    }

    fn current_tick(&self) -> Option<Tick> {
        Some(self.clock.now())
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // whoever wants to know calls `close`
        if self.thread.is_some() {
            let _ = self.close_now();
        }
    }
}

impl PumpBuilder {
    /// Sets how many bytes the queue may hold. Default 64 MiB, some 200,000 records.
    ///
    /// The consumer takes out all at once, and the queue fills anew while it works: twice as many
    /// may be held, and one more such share with [`Overflow::Block`].
    pub const fn queue_bytes(mut self, bytes: usize) -> Self {
        self.limits.queue_bytes = bytes;
        self
    }

    /// Sets what to do when the queue is full. Default [`Overflow::Block`].
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.limits.overflow = overflow;
        self
    }

    /// Sets the nice value of the thread, -20 to 19; below 0 it comes before other programs. auditd
    /// uses -4. Raising the priority needs `CAP_SYS_NICE`.
    #[cfg(feature = "priority")]
    pub const fn nice(mut self, nice: i32) -> Self {
        self.nice = Some(nice);
        self
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// No thread could be started, or its priority not be set.
    pub fn start(self) -> Result<Pump, Error> {
        let shared = Arc::new(Shared::default());
        let (waker, clock) = (self.receiver.waker(), self.receiver.clock());
        let (said, first_word) = std::sync::mpsc::channel();
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("auditlink-pump".to_owned())
            .spawn(move || {
                let ready = self.prepare();
                let is_ready = ready.is_ok();
                let _ = said.send(ready);
                let Self { receiver, limits, .. } = self;
                let result = if is_ready { pump(receiver, limits, &of_thread) } else { Ok(()) };
                let mut queue = of_thread.lock();
                queue.note_dropped(clock.now());
                queue.has_ended = true;
                drop(queue);
                of_thread.filled.notify_all();
                result
            })
            .map_err(|error| Error::io(START, error))?;
        let died = |_| Error::io(START, std::io::ErrorKind::Other.into());
        first_word.recv().map_err(died)??;
        let (taken, handed) = (VecDeque::new(), Vec::new());
        Ok(Pump { shared, taken, handed, waker, clock, thread: Some(thread) })
    }

    #[cfg(feature = "priority")]
    fn prepare(&self) -> Result<(), Error> {
        let Some(nice) = self.nice else { return Ok(()) };
        // of the calling thread alone, which is what Linux means by process 0
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

/// What the thread does.
fn pump(mut receiver: Receiver, limits: Limits, shared: &Shared) -> Result<(), Error> {
    loop {
        let item = match receiver.recv(None)? {
            Received::Datagram { bytes, needed, at } => {
                Item::Datagram { bytes: bytes.into(), needed, at }
            }
            Received::End { .. } => return Ok(()),
            received => match without_bytes(received) {
                Some(received) => Item::Other(received),
                None => continue,
            },
        };
        let is_last = !receiver.has_next();
        // who gives an order wakes the receiver, so that something comes
        let orders = push(shared, limits, item, is_last);
        if orders.shall_close {
            return receiver.close();
        }
        if orders.shall_finish {
            receiver.finish()?;
        }
    }
}

/// What has no bytes of its own; a receiver hands over no other but datagrams.
fn without_bytes(received: Received<'_>) -> Option<Received<'static>> {
    Some(match received {
        Received::Datagram { .. } | Received::Undecodable { .. } => return None,
        Received::Overrun { dropped, at } => Received::Overrun { dropped, at },
        Received::QueueFull { dropped, at } => Received::QueueFull { dropped, at },
        Received::BackpressureStarted { at } => Received::BackpressureStarted { at },
        Received::BackpressureEnded { at } => Received::BackpressureEnded { at },
        Received::Health { faults, at } => Received::Health { faults, at },
        Received::Refused { port, at } => Received::Refused { port, at },
        Received::LostCounter { total, at } => Received::LostCounter { total, at },
        Received::Idle { at } => Received::Idle { at },
        Received::End { at } => Received::End { at },
    })
}

/// Puts an item into the queue, as far as there is room; what is no datagram always finds some.
///
/// If the queue is full and shall block, it waits behind the last item of a batch. Returns the orders.
fn push(shared: &Shared, limits: Limits, item: Item, is_last: bool) -> Orders {
    let mut queue = shared.lock();
    if matches!(item, Item::Datagram { .. }) {
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
    let end = limits.queue_bytes.saturating_mul(2);
    let mut has_waited = !is_last || limits.overflow != Overflow::Block;
    while queue.bytes > limits.queue_bytes
        && !(has_waited && queue.bytes <= end)
        && !queue.orders.shall_close
    {
        let wait = shared.emptied.wait_timeout(queue, TRICKLE);
        let (waited, timeout) = wait.unwrap_or_else(PoisonError::into_inner);
        queue = waited;
        has_waited |= timeout.timed_out();
    }
    queue.orders
}

/// How long a daemon may read nothing without a loss, with much to spare.
const TRICKLE: Duration = Duration::from_millis(100);

impl Queue {
    /// Says what was dropped, now that something gets through again.
    fn note_dropped(&mut self, at: Tick) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            self.items.push_back(Item::Other(Received::QueueFull { dropped, at }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(length: usize) -> Item {
        Item::Datagram { bytes: vec![0; length].into(), needed: length, at: Tick::ZERO }
    }

    fn kinds(shared: &Shared) -> Vec<String> {
        let queue = shared.lock();
        let kind = |item: &Item| match item {
            Item::Datagram { bytes, .. } => bytes.len().to_string(),
            Item::Other(Received::QueueFull { dropped, .. }) => format!("dropped {dropped}"),
            Item::Other(other) => format!("{other:?}"),
        };
        queue.items.iter().map(kind).collect()
    }

    #[test]
    fn what_finds_no_room_is_counted_where_it_was_dropped() {
        let shared = Shared::default();
        let limits = Limits { queue_bytes: 400, overflow: Overflow::DropNewest };
        for length in [100, 101, 102, 103, 10] {
            push(&shared, limits, datagram(length), true);
        }
        assert_eq!(kinds(&shared), ["100", "101"], "164 and 165 bytes: 400 has no room for 74");
        push(&shared, limits, Item::Other(Received::BackpressureEnded { at: Tick::ZERO }), true);
        let kinds = kinds(&shared);
        assert_eq!(kinds[2], "dropped 3");
        assert_eq!(kinds.len(), 4, "a notice always finds room");
    }

    #[test]
    fn a_full_queue_slows_down_and_then_blocks() {
        let shared = Arc::new(Shared::default());
        let limits = Limits { queue_bytes: 200, overflow: Overflow::Block };
        let clock = Clock::start();
        let begin = clock.now();
        let passed = || clock.now().saturating_duration_since(begin);
        push(&shared, limits, datagram(100), true);
        push(&shared, limits, datagram(10), false); // within a batch
        assert!(passed() < TRICKLE);
        push(&shared, limits, datagram(10), true);
        assert!(passed() >= TRICKLE, "a batch in a while");
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || push(&other, limits, datagram(900), true));
        thread::sleep(3 * TRICKLE);
        assert!(!thread.is_finished(), "twice as full");
        let mut queue = shared.lock();
        queue.items.clear();
        queue.bytes = 0;
        drop(queue);
        shared.emptied.notify_one();
        thread.join().expect("it ends");
    }
}
