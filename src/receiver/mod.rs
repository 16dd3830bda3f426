//! Receiving records from the live kernel.

mod backpressure;
mod builder;
mod coalesce;
mod heartbeat;
mod marker;
mod shutdown;
mod upkeep;
mod watchdog;
mod worker;

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};

use self::backpressure::Congestion;
pub use self::builder::ReceiverBuilder;
use self::coalesce::Density;
use self::heartbeat::Canaries;
use self::shutdown::Leaving;
pub use self::watchdog::{Heartbeat, Repair, Watchdog};
use self::watchdog::{Permit, Watching};
use self::worker::{Mailbox, Note, Post};
use crate::error::Error;
use crate::event::{HealthFaults, Received};
use crate::host::Clock;
use crate::netlink::socket::{Batch, Datagram, NetlinkSocket};
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame::Frame;

/// Receives records from the kernel, as its audit daemon or beside one.
///
/// - [`Receiver::observer`] joins the multicast group. Any number can, and none changes anything in
///   the kernel. An observer that reads too slowly loses records, and is told exactly how many.
/// - [`Receiver::daemon`] takes the kernel's one place for a daemon. The kernel keeps records for a
///   daemon that reads too slowly, up to its backlog limit.
///
/// It is a [`Source`]; [`Events`](crate::Events) makes events of what it receives.
#[derive(Debug)]
pub struct Receiver {
    /// Can be read when the socket or the mailbox can.
    readiness: Epoll,
    socket: Arc<NetlinkSocket>,
    batch: Batch,
    role: Role,
    clock: Clock,
    mailbox: Mailbox,
    /// Notes that were taken out of the mailbox before their time.
    notes: VecDeque<Note>,
    receive_buffer: usize,
    coalesce: Duration,
    density: Density,
    filled_at: Tick,
    /// When the socket was last read, empty or not.
    read_at: Tick,
    /// What is handed over before anything more is read from the socket.
    pending: VecDeque<Pending>,
    handed: Vec<u8>,
    /// The socket's drop counter when it was last looked at.
    drops: Option<u32>,
    congestion: Congestion,
    leaving: Leaving,
    /// The last reading of the counter of lost records, handed over at the very end. What comes
    /// after it was made before, since the kernel sends nothing more.
    last_reading: Option<u32>,
    /// When the last reading of the counter was begun.
    reading_at: Tick,
    watching: Option<Watching>,
    permit: Arc<Permit>,
    heartbeats: Canaries,
    faults: HealthFaults,
    /// Somebody wants to have a word, as soon as the socket is empty.
    woken: bool,
    /// A file that ends a wait when it can be read.
    companion: Option<OwnedFd>,
}

/// Wakes a receiver; made by [`Receiver::waker`].
#[derive(Clone, Debug)]
pub(crate) struct Waker(Post);

impl Waker {
    pub(crate) fn wake(&self) {
        self.0.send(Note::Wake);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Observer,
    Daemon,
}

/// What is handed over as soon as the batch allows.
#[derive(Debug)]
enum Pending {
    LostCounter(u32, Tick),
    Datagram(Vec<u8>),
    Overrun(Option<u64>),
    BackpressureStarted,
    BackpressureEnded,
    Health(HealthFaults),
}

impl Receiver {
    /// Starts to set up a reader of the multicast group.
    ///
    /// Needs `CAP_AUDIT_READ` in the initial user namespace, and the initial network namespace:
    /// elsewhere no records come. With `CAP_AUDIT_CONTROL` it reads the kernel's counter of lost
    /// records, at the start and at the end; without, no completeness can be complete.
    ///
    /// # Kernel version
    ///
    /// Since 3.16.
    pub const fn observer() -> ReceiverBuilder {
        ReceiverBuilder::new(Role::Observer)
    }

    /// Starts to set up the audit daemon.
    ///
    /// Needs `CAP_AUDIT_CONTROL` in the initial user and pid namespace, and `CAP_AUDIT_WRITE` to
    /// wake the kernel up after a congestion. The system calls of the daemon's process are not
    /// audited themselves while rules are loaded, those of its children are.
    pub const fn daemon() -> ReceiverBuilder {
        ReceiverBuilder::new(Role::Daemon)
    }

    /// Returns the size of the receive buffer that the kernel granted.
    ///
    /// It is the kernel's own accounting, twice what was asked for; a record takes about 1 kB.
    #[must_use]
    pub const fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// Returns the netlink port of the socket.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn port(&self) -> Result<u32, Error> {
        self.socket.port()
    }

    /// Returns the current tick of the clock that stamps what is received.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.clock.now()
    }

    /// Returns what makes [`recv`](Source::recv) say that the line is empty, as soon as it is.
    pub(crate) fn waker(&self) -> Waker {
        Waker(self.mailbox.post())
    }

    /// Waits for another file, too, from now on: as soon as it can be read and no record can,
    /// [`recv`](Source::recv) returns [`Received::Idle`]. It is for a second source that the same
    /// loop reads; whatever makes the file readable must be taken from it, or no wait will last.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn wait_beside(&mut self, file: OwnedFd) -> Result<(), Error> {
        self.readiness
            .add(&file, EpollEvent::new(EpollFlags::EPOLLIN, 2))
            .map_err(|error| Error::io("join the files to wait for", error.into()))?;
        self.companion = Some(file);
        Ok(())
    }

    /// Tells whether the next thing to be handed over was read from the socket already.
    pub(crate) fn has_next(&self) -> bool {
        self.batch.has_next()
    }

    /// Returns the clock.
    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Begins to watch over the service: from now on a loss of it is told among the deliveries.
    ///
    /// The rules that are loaded now are taken for the right ones: load them first. A second call
    /// replaces the first watch.
    ///
    /// # Errors
    ///
    /// Those of a request; see [`Control::status`](crate::Control::status).
    pub fn watch(&mut self, watch: &Watchdog) -> Result<(), Error> {
        let daemon = (self.role == Role::Daemon).then(|| Arc::clone(&self.socket));
        let (post, permit) = (self.mailbox.post(), Arc::clone(&self.permit));
        self.watching = Some(watchdog::start(watch, post, self.clock, daemon, permit)?);
        Ok(())
    }

    /// Begins to leave, in an orderly way: what the kernel has queued up to now is still handed
    /// over, then comes [`Received::End`].
    ///
    /// It does not wait. A daemon keeps its place until a marker, sent behind all that is queued,
    /// has come back; then it gives its place back. An observer leaves the group when the kernel's
    /// queue is empty, where it may ask for that. If it cannot be seen that all came, the completeness
    /// is [`UnverifiedReason::Backpressure`](crate::event::UnverifiedReason::Backpressure). An error of giving the place back
    /// comes from [`recv`](Source::recv), after all that was received.
    ///
    /// # Errors
    ///
    /// No thread could be started.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.leave(true)
    }

    /// Closes the socket; a daemon gives its place back first.
    ///
    /// What was not received yet is thrown away: to have it all, call [`finish`](Self::finish)
    /// and receive until the end. Dropping the receiver closes it too, but cannot tell what went
    /// wrong.
    ///
    /// # Errors
    ///
    /// Those of a request; [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) if the kernel did not
    /// take the place back within 10 seconds.
    pub fn close(mut self) -> Result<(), Error> {
        self.close_now()
    }

    /// Takes the next datagram of the batch.
    fn next_of_batch(&mut self) -> Received<'_> {
        let at = self.filled_at;
        match self.batch.next() {
            Some(datagram) if datagram.sender == Some(0) => {
                Received::Datagram { bytes: datagram.bytes, needed: datagram.needed, at }
            }
            Some(datagram) => Received::Refused { port: datagram.sender.unwrap_or_default(), at },
            None => Received::Idle { at },
        }
    }

    fn hand_over(&mut self, pending: Pending) -> Received<'_> {
        let at = self.clock.now();
        match pending {
            Pending::LostCounter(total, at) => Received::LostCounter { total, at },
            Pending::Overrun(dropped) => Received::Overrun { dropped, at },
            Pending::BackpressureStarted => Received::BackpressureStarted { at },
            Pending::BackpressureEnded => Received::BackpressureEnded { at },
            Pending::Health(faults) => Received::Health { faults, at },
            Pending::Datagram(bytes) => {
                self.handed = bytes;
                Received::Datagram { bytes: &self.handed, needed: self.handed.len(), at }
            }
        }
    }

    /// Returns when something is to be looked at though nothing came.
    fn next_deadline(&self, now: Tick) -> Option<Tick> {
        let own =
            [self.heartbeats.deadline(now), self.congestion.deadline(), self.leaving.deadline()];
        own.into_iter().flatten().min()
    }

    /// Waits until there is something to receive; `false` if nothing came until `until`, or the
    /// companion wants to be looked at.
    fn wait(&self, until: Option<Tick>) -> Result<bool, Error> {
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Ok(false);
        }
        let wake = self.next_deadline(now).into_iter().chain(until).min();
        let time = wake.map(|wake| wake.saturating_duration_since(now));
        let companion = self.companion.as_ref().map(AsFd::as_fd);
        let ready = self
            .socket
            .wait_with(self.mailbox.as_fd(), companion, time)
            .map_err(|error| Error::io("wait for audit records", error))?;
        let gathers = !self.coalesce.is_zero() && self.density.is_dense(self.clock.now());
        if ready & SOCKET != 0 && gathers {
            thread::sleep(self.coalesce);
        }
        Ok(ready != COMPANION)
    }
}

impl Source for Receiver {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        loop {
            if let Some(pending) = self.pending.pop_front() {
                return Ok(self.hand_over(pending));
            }
            if self.batch.skip_if(is_own_probe) {
                continue;
            }
            if self.batch.has_next() {
                self.look_ahead();
                return Ok(self.next_of_batch());
            }
            if let Some(note) = self.next_note() {
                self.read(note)?;
                continue;
            }
            self.after_pause();
            match self.batch.fill(&self.socket) {
                Ok(0) => {
                    self.at_empty();
                    if !self.pending.is_empty() {
                        continue;
                    }
                    if self.leaving.is_left() {
                        let at = self.clock.now();
                        return Ok(match self.last_reading.take() {
                            Some(total) => Received::LostCounter { total, at },
                            None => Received::End { at },
                        });
                    }
                    if std::mem::take(&mut self.woken) || !self.wait(until)? {
                        return Ok(Received::Idle { at: self.clock.now() });
                    }
                }
                Ok(datagrams) => {
                    self.filled_at = self.clock.now();
                    self.density.add(datagrams, self.filled_at);
                }
                Err(Errno::ENOBUFS) => self.overflow(),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io("receive audit records", error.into())),
            }
        }
    }

    fn deadline(&self) -> Option<Tick> {
        self.next_deadline(self.clock.now())
    }

    fn current_tick(&self) -> Option<Tick> {
        Some(self.clock.now())
    }
}

/// The file that can be read when something is to be received: a record, or a word of a thread
/// that nudges, watches or leaves. It is for poll and epoll, not for reading.
///
/// When it can be read, call [`Events::try_next`](crate::Events::try_next) until it returns `Idle`;
/// and call it at the latest when [`Events::time_left`](crate::Events::time_left) is over.
///
/// # Examples
///
/// A daemon's own loop over epoll:
///
/// ```no_run
#[doc = include_str!("../../examples/epoll.rs")]
/// ```
impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readiness.0.as_fd()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // whoever wants to know calls `close`
        if !self.leaving.is_left() {
            let _ = self.close_now();
        }
    }
}

/// Recognises the probe that the kernel sends to a daemon that gives its own place back.
fn is_own_probe(datagram: Datagram<'_>) -> bool {
    datagram.sender == Some(0)
        && datagram.bytes.len() < PROBE_LENGTH_LIMIT
        && Frame::parse(datagram.bytes) == Ok(Frame::Replace { pid: std::process::id() })
}

/// A probe has 20 bytes; no record is as short as this.
const PROBE_LENGTH_LIMIT: usize = 32;

/// What a wait tells of.
const SOCKET: u8 = 1;
const COMPANION: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Control;

    #[test]
    fn a_receiver_can_move_to_the_thread_that_reads() {
        fn is_send<T: Send>() {}
        is_send::<Receiver>();
        is_send::<Control>();
        is_send::<Error>();
    }
}
