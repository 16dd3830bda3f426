//! Receiving records from the live kernel.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use super::clock::Clock;
use super::control::Control;
use super::slot;
use super::socket::{AuditSocket, Batch, Datagram};
use crate::error::Error;
use crate::event::Received;
use crate::message_type::MessageType;
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
    socket: AuditSocket,
    batch: Batch,
    role: Role,
    clock: Clock,
    receive_buffer: usize,
    coalesce: Duration,
    filled_at: Tick,
    first: VecDeque<First>,
    handed: Vec<u8>,
    congested: bool,
    drops: Option<u32>,
    nudge: Option<mpsc::Receiver<Result<u32, Error>>>,
    finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Observer,
    Daemon,
}

/// What is handed over before anything is read from the socket.
#[derive(Debug)]
enum First {
    LostCounter(u32),
    Datagram(Vec<u8>),
}

impl Receiver {
    /// Starts to set up a reader of the multicast group.
    ///
    /// Needs `CAP_AUDIT_READ` in the initial user namespace, and the initial network namespace:
    /// elsewhere no records come.
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

    /// Stops listening, but hands over what was received before: then comes [`Received::End`].
    ///
    /// A daemon gives its place back. What the kernel has queued but not sent by then goes to its
    /// log; it keeps some for the next daemon only if it was booted with `audit=1`.
    ///
    /// # Errors
    ///
    /// Those of a request; see [`Control::status`](crate::Control::status).
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.finished {
            return Ok(());
        }
        match self.role {
            Role::Daemon => slot::release()?,
            Role::Observer => self.socket.leave_multicast()?,
        }
        self.finished = true;
        Ok(())
    }

    /// Closes the socket; a daemon gives its place back first.
    ///
    /// What is in the socket's buffer goes with it: to have it all, call [`finish`](Self::finish)
    /// and receive until the end. Dropping the receiver closes it too, but cannot tell what went
    /// wrong.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub fn close(mut self) -> Result<(), Error> {
        self.finish()
    }

    /// Takes the next datagram of the batch.
    fn next_of_batch(&mut self) -> Received<'_> {
        let at = self.filled_at;
        match self.batch.next() {
            Some(datagram) if datagram.sender == Some(0) => {
                Received::Datagram { bytes: datagram.bytes, needed: datagram.needed, at }
            }
            Some(datagram) => Received::Refused { port: datagram.sender.unwrap_or_default(), at },
            None => Received::Quiet { at },
        }
    }

    fn first(&mut self, first: First) -> Received<'_> {
        let at = self.clock.now();
        match first {
            First::LostCounter(total) => Received::LostCounter { total, at },
            First::Datagram(bytes) => {
                self.handed = bytes;
                Received::Datagram { bytes: &self.handed, needed: self.handed.len(), at }
            }
        }
    }

    /// Takes note that the socket was read empty after it had overflowed.
    ///
    /// An observer has lost records, and the counter, which stood still as of now, tells how many.
    /// A daemon has lost none: the kernel parks them, but sends them only when another record
    /// comes. So one is made, on a thread of its own, since a request can block.
    fn recover(&mut self) -> Option<Received<'static>> {
        self.congested = false;
        let at = self.clock.now();
        match self.role {
            Role::Observer => {
                let drops = self.socket.drops();
                let dropped =
                    drops.zip(self.drops).map(|(now, before)| u64::from(now.wrapping_sub(before)));
                self.drops = drops;
                Some(Received::Overrun { dropped, at })
            }
            Role::Daemon => {
                let (sender, receiver) = mpsc::channel();
                let thread = thread::Builder::new().name("auditlink-nudge".to_owned());
                match thread.spawn(move || sender.send(nudge())) {
                    Ok(_) => {
                        self.nudge = Some(receiver);
                        None
                    }
                    // no nudge, so nobody knows when the parked records come
                    Err(_) => Some(Received::Overrun { dropped: None, at }),
                }
            }
        }
    }

    /// Looks whether the nudge was answered.
    fn nudged(&mut self) -> Option<Received<'static>> {
        let answer = self.nudge.as_ref()?.try_recv();
        let at = self.clock.now();
        match answer {
            Err(mpsc::TryRecvError::Empty) => None,
            Ok(Ok(total)) => {
                self.nudge = None;
                Some(Received::LostCounter { total, at })
            }
            Ok(Err(_)) | Err(mpsc::TryRecvError::Disconnected) => {
                self.nudge = None;
                Some(Received::Overrun { dropped: None, at })
            }
        }
    }

    /// Waits until there is something to receive; `false` if nothing came until `until`.
    fn wait(&self, until: Option<Tick>) -> Result<bool, Error> {
        let left = until.map(|until| until.saturating_duration_since(self.clock.now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        // the answer to a nudge does not wake the socket
        let slice = self.nudge.as_ref().map(|_| NUDGE_SLICE);
        let time = [left, slice].into_iter().flatten().min();
        let ready =
            self.socket.wait(time).map_err(|error| Error::io("wait for audit records", error))?;
        let since = self.clock.now().saturating_duration_since(self.filled_at);
        if ready && !self.coalesce.is_zero() && since < BUSY {
            thread::sleep(self.coalesce);
        }
        Ok(true)
    }
}

impl Source for Receiver {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        if let Some(first) = self.first.pop_front() {
            return Ok(self.first(first));
        }
        loop {
            if self.batch.skip_if(is_own_probe) {
                continue;
            }
            if self.batch.has_next() {
                return Ok(self.next_of_batch());
            }
            if let Some(received) = self.nudged() {
                return Ok(received);
            }
            match self.batch.fill(&self.socket) {
                Ok(0) if self.congested => {
                    if let Some(received) = self.recover() {
                        return Ok(received);
                    }
                }
                Ok(0) if self.finished && self.nudge.is_none() => {
                    return Ok(Received::End { at: self.clock.now() });
                }
                Ok(0) => {
                    if !self.wait(until)? {
                        return Ok(Received::Quiet { at: self.clock.now() });
                    }
                }
                Ok(_) => self.filled_at = self.clock.now(),
                Err(Errno::ENOBUFS) => self.congested = true,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io("receive audit records", error.into())),
            }
        }
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // whoever wants to know calls `close`
        let _ = self.finish();
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

/// Makes the kernel queue a record, so that it sends those that it parked, and reads its counter.
fn nudge() -> Result<u32, Error> {
    let mut control = Control::open()?;
    control.user_message(MessageType::TRUSTED_APP, "op=auditlink:nudge res=success")?;
    Ok(control.status()?.lost)
}

/// How often the answer to a nudge is looked for.
const NUDGE_SLICE: Duration = Duration::from_millis(20);

/// A line is busy if records came so shortly before.
const BUSY: Duration = Duration::from_millis(2);

/// Sets up a [`Receiver`]; made by [`Receiver::observer`] or [`Receiver::daemon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nothing is received before it is opened"]
pub struct ReceiverBuilder {
    role: Role,
    receive_buffer: usize,
    batch: usize,
    buffer_size: usize,
    coalesce: Duration,
}

impl ReceiverBuilder {
    const fn new(role: Role) -> Self {
        Self {
            role,
            receive_buffer: 16 << 20,
            batch: 128,
            buffer_size: 16 * 1024,
            coalesce: Duration::from_micros(200),
        }
    }

    /// Asks for a receive buffer of so many bytes. Default 16 MiB, about 30,000 records.
    ///
    /// Beyond `net.core.rmem_max` this needs `CAP_NET_ADMIN`; what was granted is told by
    /// [`Receiver::receive_buffer`].
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = bytes;
        self
    }

    /// Sets how many datagrams one system call may receive. Default 128.
    pub const fn batch(mut self, datagrams: usize) -> Self {
        self.batch = if datagrams == 0 { 1 } else { datagrams };
        self
    }

    /// Sets how long a record may be. Default 16 KiB, at least 1 KiB; the longest that were
    /// measured have 8.6 KB. A longer one is delivered without its end, and told as a loss.
    pub const fn record_size(mut self, bytes: usize) -> Self {
        self.buffer_size = if bytes < 1024 { 1024 } else { bytes };
        self
    }

    /// Sets how long to let records gather while they come thick and fast. Default 200 µs.
    ///
    /// It saves a system call and a wake-up per record under load, and never delays a record that
    /// comes after more than 2 ms of silence. Zero turns it off.
    pub const fn coalesce(mut self, time: Duration) -> Self {
        self.coalesce = time;
        self
    }

    /// Starts receiving.
    ///
    /// # Errors
    ///
    /// For an observer, [`ErrorKind::NoPermission`](crate::ErrorKind::NoPermission) without
    /// `CAP_AUDIT_READ`. For a daemon, [`ErrorKind::SlotTaken`](crate::ErrorKind::SlotTaken), which
    /// names the process that has the place, and those of a request.
    pub fn open(self) -> Result<Receiver, Error> {
        let socket = AuditSocket::open()?;
        let receive_buffer = socket.set_receive_buffer(self.receive_buffer)?;
        let drops = socket.drops(); // before the first record can be dropped
        let (socket, first) = match self.role {
            Role::Observer => {
                socket.join_multicast()?;
                (socket, VecDeque::new())
            }
            Role::Daemon => {
                let lost = Control::open()?.status()?.lost;
                let (socket, kept) = slot::register(socket)?;
                let kept = kept.into_iter().map(First::Datagram);
                (socket, std::iter::once(First::LostCounter(lost)).chain(kept).collect())
            }
        };
        Ok(Receiver {
            socket,
            drops,
            batch: Batch::new(self.batch, self.buffer_size),
            role: self.role,
            clock: Clock::start(),
            receive_buffer,
            coalesce: self.coalesce,
            filled_at: Tick::ZERO,
            first,
            handed: Vec::new(),
            congested: false,
            nudge: None,
            finished: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_can_move_to_the_thread_that_reads() {
        fn is_send<T: Send>() {}
        is_send::<Receiver>();
        is_send::<Control>();
        is_send::<Error>();
    }

    #[test]
    fn limits_that_make_no_sense_are_raised() {
        let builder = Receiver::observer().batch(0).record_size(1);
        assert_eq!((builder.batch, builder.buffer_size), (1, 1024));
    }
}
