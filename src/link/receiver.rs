//! Receiving records from the live kernel.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use super::builder::ReceiverBuilder;
use super::clock::Clock;
use super::congestion::{Congestion, MARKER_LIMIT};
use super::control::Control;
use super::leave::{self, Leaving};
use super::mailbox::{Mailbox, Note, Post};
use super::marker::Marker;
use super::procfs;
use super::socket::{AuditSocket, Batch, Datagram};
use super::watch::{self, Watch, Watching};
use crate::error::Error;
use crate::event::{Received, ServiceFaults};
use crate::message_type::MessageType;
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame::{self, Frame};

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
    socket: Arc<AuditSocket>,
    batch: Batch,
    role: Role,
    clock: Clock,
    mailbox: Mailbox,
    receive_buffer: usize,
    coalesce: Duration,
    filled_at: Tick,
    /// What is handed over before anything more is read from the socket.
    pending: VecDeque<Pending>,
    handed: Vec<u8>,
    /// The socket's drop counter when it was last looked at.
    drops: Option<u32>,
    /// An observer's socket overflowed, and was not read empty yet.
    overflowed: bool,
    congestion: Congestion,
    leaving: Leaving,
    /// The last reading of the counter of lost records while leaving, handed over at the very end.
    last_reading: Option<u32>,
    watching: Option<Watching>,
    canary: Option<(Marker, Tick)>,
    faults: ServiceFaults,
    /// Somebody wants to have a word, as soon as the socket is empty.
    woken: bool,
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
pub(super) enum Role {
    Observer,
    Daemon,
}

/// What is handed over as soon as the batch allows.
#[derive(Debug)]
pub(super) enum Pending {
    LostCounter(u32),
    Datagram(Vec<u8>),
    Overrun(Option<u64>),
    Congested,
    Decongested,
    Service(ServiceFaults),
}

impl Receiver {
    /// Starts to set up a reader of the multicast group.
    ///
    /// Needs `CAP_AUDIT_READ` in the initial user namespace, and the initial network namespace:
    /// elsewhere no records come. With `CAP_AUDIT_CONTROL` it reads the kernel's counter of lost
    /// records, at the start and at the end; without, no verdict can be complete.
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

    pub(super) fn new(
        socket: Arc<AuditSocket>,
        batch: Batch,
        role: Role,
        clock: Clock,
        mailbox: Mailbox,
    ) -> Self {
        Self {
            socket,
            batch,
            role,
            clock,
            mailbox,
            receive_buffer: 0,
            coalesce: Duration::ZERO,
            filled_at: Tick::ZERO,
            pending: VecDeque::new(),
            handed: Vec::new(),
            drops: None,
            overflowed: false,
            congestion: Congestion::None,
            leaving: Leaving::No,
            last_reading: None,
            watching: None,
            canary: None,
            faults: ServiceFaults::empty(),
            woken: false,
        }
    }

    pub(super) fn set_up(
        &mut self,
        receive_buffer: usize,
        coalesce: Duration,
        drops: Option<u32>,
        pending: VecDeque<Pending>,
    ) {
        self.receive_buffer = receive_buffer;
        self.coalesce = coalesce;
        self.drops = drops;
        self.pending = pending;
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
    pub fn watch(&mut self, watch: &Watch) -> Result<(), Error> {
        let daemon = (self.role == Role::Daemon).then(|| Arc::clone(&self.socket));
        self.watching = Some(watch::start(watch, self.mailbox.post(), self.clock, daemon)?);
        Ok(())
    }

    /// Begins to leave, in an orderly way: what the kernel has queued up to now is still handed
    /// over, then comes [`Received::End`].
    ///
    /// It does not wait. A daemon keeps its place until a marker, sent behind all that is queued,
    /// has come back; then it gives its place back. An observer leaves the group when the kernel's
    /// queue is empty, where it may ask for that. If it cannot be seen that all came, the verdict
    /// is [`Doubt::Congested`](crate::event::Doubt::Congested). An error of giving the place back
    /// comes from [`recv`](Source::recv), after all that was received.
    ///
    /// # Errors
    ///
    /// No thread could be started.
    pub fn finish(&mut self) -> Result<(), Error> {
        let marker = (self.role == Role::Daemon).then(|| Marker::new("finish", self.clock));
        self.leave(marker, true)
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

    fn leave(&mut self, marker: Option<Marker>, is_orderly: bool) -> Result<(), Error> {
        if !matches!(self.leaving, Leaving::No) {
            return Ok(());
        }
        self.watching = None; // what is given up is not lost
        self.canary = None;
        let post = self.mailbox.post();
        let started = match self.role {
            Role::Daemon => leave::as_daemon(post, marker),
            Role::Observer => leave::as_observer(post, Arc::clone(&self.socket), is_orderly),
        };
        self.leaving = started.map_err(|error| Error::io("start to leave", error))?;
        Ok(())
    }

    /// Leaves, reading on so that the kernel can move, whatever it has queued.
    fn close_now(&mut self) -> Result<(), Error> {
        self.leave(None, false)?;
        self.leaving.go();
        let end = self.clock.now().saturating_add(CLOSE_LIMIT);
        while !self.leaving.is_left() {
            if self.clock.now() >= end {
                let remedy = "the kernel's queue may be full: see who is slow, with its status";
                return Err(Error::new("close", crate::error::ErrorKind::Timeout, remedy));
            }
            match self.batch.fill(&self.socket) {
                Ok(0) => drop(self.wait(Some(end))?),
                Ok(_) | Err(_) => {}
            }
            while let Some(note) = self.mailbox.take() {
                if let Note::Left(result) = note {
                    self.leaving = Leaving::Left;
                    result?;
                }
            }
        }
        Ok(())
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

    fn hand_over(&mut self, pending: Pending) -> Received<'_> {
        let at = self.clock.now();
        match pending {
            Pending::LostCounter(total) => Received::LostCounter { total, at },
            Pending::Overrun(dropped) => Received::Overrun { dropped, at },
            Pending::Congested => Received::Congested { at },
            Pending::Decongested => Received::Decongested { at },
            Pending::Service(faults) => Received::Service { faults, at },
            Pending::Datagram(bytes) => {
                self.handed = bytes;
                Received::Datagram { bytes: &self.handed, needed: self.handed.len(), at }
            }
        }
    }

    /// Looks whether the next datagram is something that is waited for, or worth a look.
    fn look_ahead(&mut self) {
        let Some(datagram) = self.batch.peek().filter(|datagram| datagram.sender == Some(0)) else {
            return;
        };
        let Some(message_type) = frame::message_type(datagram.bytes) else { return };
        if message_type == MessageType::CONFIG_CHANGE {
            if let Some(watching) = &self.watching {
                watching.look_now();
            }
        }
        let has = |marker: Option<&Marker>| {
            marker.is_some_and(|marker| marker.is_in(message_type, datagram.bytes))
        };
        let nudged = has(self.congestion.marker());
        let finished = has(self.leaving.marker());
        let canary = has(self.canary.as_ref().map(|(marker, _)| marker));
        if nudged && self.congestion.marker_came() {
            self.pending.push_back(Pending::Decongested);
        }
        if finished {
            self.leaving.go();
        }
        if canary {
            self.canary = None;
            self.tell_faults(self.faults - ServiceFaults::CANARY);
        }
    }

    /// Tells what is wrong with the service, if that has changed.
    fn tell_faults(&mut self, faults: ServiceFaults) {
        if faults != self.faults {
            self.faults = faults;
            self.pending.push_back(Pending::Service(faults));
        }
    }

    /// Reads a note of another thread.
    fn read(&mut self, note: Note) -> Result<(), Error> {
        let now = self.clock.now();
        match note {
            Note::LostCounter(total) => match self.leaving {
                Leaving::No => self.pending.push_back(Pending::LostCounter(total)),
                _ => self.last_reading = Some(total),
            },
            Note::Canary(marker, due) if self.watching.is_some() => {
                // one that was not back yet is judged by its successor
                self.canary = Some((marker, due));
            }
            Note::Checked(faults) if self.watching.is_some() => {
                let canary = self.faults & ServiceFaults::CANARY;
                self.faults = faults | canary;
                // told even if nothing changed: the records may have said otherwise
                self.pending.push_back(Pending::Service(self.faults));
            }
            Note::Nudged(Ok(())) => self.congestion.taken(now),
            Note::Nudged(Err(_)) => {
                // nobody knows when, and whether, the parked records come
                self.congestion = Congestion::None;
                self.pending.push_back(Pending::Overrun(None));
            }
            Note::LastMarker(Ok(())) => self.leaving.taken(now),
            Note::LastMarker(Err(_)) => self.give_up_last_marker(),
            Note::Left(result) => {
                self.leaving = Leaving::Left;
                result?;
            }
            Note::Wake => self.woken = true,
            Note::Canary(..) | Note::Checked(_) => {}
        }
        Ok(())
    }

    fn give_up_last_marker(&mut self) {
        self.leaving.go();
        self.pending.push_back(Pending::Congested);
    }

    /// Does what is to be done when the socket was read empty.
    fn at_empty(&mut self) {
        let now = self.clock.now();
        if self.role == Role::Observer {
            if std::mem::take(&mut self.overflowed) {
                // the counter stood still as of now, and tells how many were dropped
                let dropped = self.failed_attempts().map(u64::from);
                self.pending.push_back(Pending::Overrun(dropped));
            }
        } else if !matches!(self.congestion, Congestion::None) {
            let failed = self.failed_attempts();
            if failed.is_none_or(|failed| self.congestion.may_have_given_up(failed))
                && !procfs::booted_with_audit()
            {
                // it frees them without counting
                self.pending.push_back(Pending::Overrun(None));
            }
            if let Some(missed) = self.congestion.wants_marker(now) {
                self.nudge(missed);
            }
        }
        if self.leaving.deadline(MARKER_LIMIT).is_some_and(|deadline| deadline <= now) {
            self.give_up_last_marker();
        }
        if self.canary.as_ref().is_some_and(|(_, due)| *due <= now) {
            self.tell_faults(self.faults | ServiceFaults::CANARY);
        }
    }

    /// Returns by how much the drop counter moved since it was last looked at.
    fn failed_attempts(&mut self) -> Option<u32> {
        let before = std::mem::replace(&mut self.drops, self.socket.drops());
        self.drops.zip(before).map(|(now, before)| now.wrapping_sub(before))
    }

    /// Has a marker sent, so that the kernel sends what it parked, on a thread of its own, since
    /// a request can block.
    fn nudge(&mut self, missed: u8) {
        let marker = Marker::new("nudge", self.clock);
        let (sent, post) = (marker.clone(), self.mailbox.post());
        let nudge = move || {
            let mut control = Control::open()?;
            sent.send(&mut control)?;
            control.status()
        };
        let thread = thread::Builder::new().name("auditlink-nudge".to_owned());
        let spawn = || {
            thread.spawn(move || match nudge() {
                Ok(status) => {
                    post.send(Note::LostCounter(status.lost));
                    post.send(Note::Nudged(Ok(())));
                }
                Err(error) => post.send(Note::Nudged(Err(error))),
            })
        };
        let started = !Congestion::is_hopeless(missed) && spawn().is_ok();
        if started {
            self.congestion.nudge(marker, missed);
        } else {
            self.congestion = Congestion::None;
            self.pending.push_back(Pending::Overrun(None));
        }
    }

    /// Takes note that the kernel could not send a record.
    fn overflow(&mut self) {
        match self.role {
            Role::Observer => self.overflowed = true,
            Role::Daemon => {
                if self.congestion.begin() {
                    self.pending.push_back(Pending::Congested);
                }
            }
        }
    }

    /// Waits until there is something to receive; `false` if nothing came until `until`.
    fn wait(&self, until: Option<Tick>) -> Result<bool, Error> {
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Ok(false);
        }
        let own = [
            self.canary.as_ref().map(|(_, due)| *due).filter(|due| *due > now),
            self.congestion.deadline(),
            self.leaving.deadline(MARKER_LIMIT),
        ];
        let wake = own.into_iter().flatten().chain(until).min();
        let time = wake.map(|wake| wake.saturating_duration_since(now));
        let ready = self
            .socket
            .wait_with(self.mailbox.as_fd(), time)
            .map_err(|error| Error::io("wait for audit records", error))?;
        let since = self.clock.now().saturating_duration_since(self.filled_at);
        if ready && !self.coalesce.is_zero() && since < BUSY {
            thread::sleep(self.coalesce);
        }
        Ok(true)
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
            if let Some(note) = self.mailbox.take() {
                self.read(note)?;
                continue;
            }
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
                        return Ok(Received::Quiet { at: self.clock.now() });
                    }
                }
                Ok(_) => self.filled_at = self.clock.now(),
                Err(Errno::ENOBUFS) => self.overflow(),
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

/// How long the kernel may take to let a receiver go.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// A line is busy if records came so shortly before.
const BUSY: Duration = Duration::from_millis(2);

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
}
