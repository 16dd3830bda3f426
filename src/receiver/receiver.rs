//! The socket that records are received from.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};

use super::coalesce::Coalesce;
use super::rule_change::is_against;
use super::upkeep::{Command, MarkerResult, Role, Upkeep, WorkerMessage};
use super::watchdog::{HeartbeatState, WatchdogConfig};
use super::worker::{Waker, Workers};
use crate::control::installed::needed_rules;
use crate::error::{Error, ErrorKind};
use crate::event::{Received, Signal};
use crate::host::Clock;
use crate::message_type::MessageType;
use crate::netlink::batch::{Batch, Datagram};
use crate::netlink::socket::NetlinkSocket;
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame::{self, Frame};

/// Receives records from the kernel, as the audit daemon or as an observer.
///
/// - [`Receiver::observer`] joins the multicast group. Any number of processes can, without changing
///   anything in the kernel. An observer that reads too slowly loses records, and reports how many.
/// - [`Receiver::daemon`] registers as the audit daemon, of which there is one. The kernel keeps records
///   for a daemon that reads too slowly, up to the backlog limit.
///
/// A receiver is a [`Source`]; [`Events`](crate::Events) assembles events from its records.
///
/// # Examples
///
/// ```no_run
/// use auditlink::{Events, Receiver};
///
/// let receiver = Receiver::observer().open()?;
/// for delivery in Events::new(receiver) {
///     println!("{:?}", delivery?);
/// }
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Receiver {
    /// Readable when the socket, the channel of the workers or the companion is.
    pub(super) readiness: Epoll,
    /// A file that ends a wait when it is readable.
    pub(super) companion: Option<OwnedFd>,
    pub(super) socket: Arc<NetlinkSocket>,
    pub(super) receive_buffer: usize,
    pub(super) batch: Batch,
    /// When the batch was received.
    pub(super) filled_at: Tick,
    pub(super) kept: Kept,
    pub(super) clock: Clock,
    pub(super) coalesce: Coalesce,
    pub(super) upkeep: Upkeep,
    pub(super) workers: Workers,
}

/// Records that arrived while the daemon registered.
#[derive(Debug)]
pub(super) struct Kept {
    records: VecDeque<Vec<u8>>,
    /// The record that was handed over last.
    current: Vec<u8>,
}

impl Kept {
    pub(super) fn new(records: Vec<Vec<u8>>) -> Self {
        Self { records: records.into(), current: Vec::new() }
    }
}

impl Receiver {
    /// Returns the size of the receive buffer that the kernel granted.
    ///
    /// It is in the kernel's own accounting, twice the requested size; a record takes about 1 kB.
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

    /// Returns the current tick of the clock that stamps received datagrams.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.clock.now()
    }

    /// Returns a waker, which makes [`recv`](Source::recv) return [`Signal::Idle`] as soon as the socket
    /// is drained.
    pub(crate) fn waker(&self) -> Waker {
        self.workers.waker()
    }

    /// Also waits for another file from now on: when it is readable and no record is,
    /// [`recv`](Source::recv) returns [`Signal::Idle`].
    ///
    /// This serves a process monitor that the same loop reads. Whatever makes the file readable must be
    /// read from it, or every wait returns at once.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn wait_beside(&mut self, file: OwnedFd) -> Result<(), Error> {
        self.readiness
            .add(&file, EpollEvent::new(EpollFlags::EPOLLIN, 2))
            .map_err(|error| Error::io("add a file to the epoll file", error.into()))?;
        self.companion = Some(file);
        Ok(())
    }

    /// Returns whether a datagram is left of those that the last system call received.
    pub(crate) fn has_next(&self) -> bool {
        self.batch.has_next()
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Starts a watchdog, which reports faults of the audit system among the deliveries.
    ///
    /// Load the rules first: [`WatchdogConfig::rules_of`] states which ones are expected. A second call
    /// replaces the first watchdog.
    ///
    /// Returns whether it sends heartbeats. A message as heartbeat requires `CAP_AUDIT_WRITE`: without it, the
    /// state is [`HeartbeatState::Refused`], and the watchdog does everything else. To treat that as an
    /// error, or to turn heartbeats off, is up to the caller.
    ///
    /// # Errors
    ///
    /// Those of [`Control::status`](crate::Control::status).
    pub fn watch(&mut self, config: &WatchdogConfig) -> Result<HeartbeatState, Error> {
        let daemon = (self.upkeep.role() == Role::Daemon).then(|| Arc::clone(&self.socket));
        let state = self.workers.start_watchdog(config, daemon)?;
        self.upkeep.handle_watchdog_started(state, config.compares_rules);
        Ok(state)
    }

    /// Returns whether a watchdog runs.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        self.workers.has_watchdog()
    }

    /// Returns whether the watchdog sends heartbeats; [`HeartbeatState::Off`] without a watchdog.
    #[must_use]
    pub const fn heartbeat_state(&self) -> HeartbeatState {
        self.upkeep.heartbeat_state()
    }

    /// Begins an orderly shutdown: records that the kernel has queued so far are still received, then
    /// [`Signal::End`].
    ///
    /// This does not block. A daemon sends a marker through the kernel's queue, stays registered until
    /// the marker has come back, and unregisters. An observer leaves the multicast group when the
    /// kernel's queue is empty, if it may read the queue's length. If it cannot be verified that
    /// everything was received, the completeness is [`UnverifiedReason::Backpressure`]. If
    /// unregistering fails, [`recv`](Source::recv) returns the error after all that was received.
    ///
    /// [`UnverifiedReason::Backpressure`]: crate::event::UnverifiedReason::Backpressure
    ///
    /// # Errors
    ///
    /// An error of the operating system, if no thread can be started.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.shut_down(true)
    }

    /// Closes the receiver; a daemon unregisters first.
    ///
    /// Records that were not received yet are discarded. To receive them, call
    /// [`finish`](Self::finish) and receive until the end. Dropping the receiver closes it too, but
    /// cannot return an error.
    ///
    /// # Errors
    ///
    /// Those of [`Control::status`](crate::Control::status);
    /// [`ErrorKind::Timeout`] if the kernel does not unregister the daemon within 10 seconds.
    pub fn close(mut self) -> Result<(), Error> {
        self.close_now()
    }

    fn shut_down(&mut self, is_orderly: bool) -> Result<(), Error> {
        self.upkeep.shut_down(is_orderly, self.clock.now());
        self.run_commands()
    }

    /// Shuts down at once. Reads on meanwhile, because the kernel may be blocked on this socket.
    fn close_now(&mut self) -> Result<(), Error> {
        if let Err(error) = self.shut_down(false) {
            // no thread can be started: this one unregisters
            if self.upkeep.role() == Role::Daemon {
                self.workers.unregister_here()?;
            }
            return Err(error);
        }
        self.upkeep.abort_waiting();
        self.run_commands()?;
        let end = self.clock.now().saturating_add(CLOSE_TIMEOUT);
        while !self.upkeep.is_done() {
            if self.clock.now() >= end {
                let remedy = "check with auditctl -s whether the kernel's backlog is full";
                return Err(Error::new("close the receiver", ErrorKind::Timeout, remedy));
            }
            if self.batch.fill(&self.socket) == Ok(0) {
                self.wait(Some(end))?;
            }
            while let Some(message) = self.next_message() {
                if matches!(message, WorkerMessage::ShutdownDone(_)) {
                    self.handle_message(message)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the next message of a worker.
    fn next_message(&mut self) -> Option<WorkerMessage> {
        self.upkeep.take_deferred().or_else(|| self.workers.try_recv())
    }

    fn handle_message(&mut self, message: WorkerMessage) -> Result<(), Error> {
        let drops = || self.socket.drops();
        self.upkeep.handle_message(message, drops, self.clock.now())?;
        self.run_commands()
    }

    /// Shows the next datagram to the upkeep if it is relevant there.
    fn inspect_next(&mut self) -> Result<(), Error> {
        let is_from_kernel = |datagram: &Datagram<'_>| datagram.sender == Some(0);
        let Some(datagram) = self.batch.peek().filter(is_from_kernel) else { return Ok(()) };
        let message_type = frame::message_type(datagram.bytes);
        let Some(message_type) = message_type.filter(|it| Upkeep::is_relevant(*it)) else {
            return Ok(());
        };
        if self.upkeep.needs_announcements(message_type) {
            while let Some(message) = self.workers.try_recv() {
                self.upkeep.defer(message);
            }
        }
        let now = self.clock.now();
        if message_type == MessageType::CONFIG_CHANGE && is_against(datagram.bytes, &needed_rules())
        {
            self.upkeep.handle_rules_changed(now);
        }
        self.upkeep.handle_datagram(message_type, datagram.bytes, now);
        self.run_commands()
    }

    /// Runs the commands of the upkeep.
    fn run_commands(&mut self) -> Result<(), Error> {
        while let Some(command) = self.upkeep.poll_command() {
            match command {
                Command::CheckHealth => self.workers.check_health(),
                Command::Unregister => self.workers.unregister(),
                Command::Flush(marker) => {
                    if self.workers.flush(marker).is_err() {
                        let failed = WorkerMessage::FlushMarker(MarkerResult::Failed);
                        self.upkeep.handle_message(failed, || None, self.clock.now())?;
                    }
                }
                Command::ShutDown { is_orderly, marker } => {
                    let role = self.upkeep.role();
                    let started = self.workers.shut_down(role, &self.socket, is_orderly, marker);
                    if let Err(error) = started {
                        self.upkeep.handle_shutdown_failed();
                        return Err(Error::io("start the shutdown worker", error));
                    }
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
            Some(datagram) => Signal::Refused { port: datagram.sender.unwrap_or_default() }.at(at),
            None => Signal::Idle.at(at),
        }
    }

    /// Waits until something can be received. Returns `false` if `until` has passed, or only the
    /// companion is readable.
    fn wait(&self, until: Option<Tick>) -> Result<bool, Error> {
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Ok(false);
        }
        let wake = self.upkeep.poll_timeout(now).into_iter().chain(until).min();
        let time = wake.map(|wake| wake.saturating_duration_since(now));
        let companion = self.companion.as_ref().map(AsFd::as_fd);
        let ready = self
            .socket
            .wait_with(self.workers.as_fd(), companion, time)
            .map_err(|error| Error::io("wait for audit records", error))?;
        if ready.socket
            && let Some(delay) = self.coalesce.delay(|| self.clock.now())
        {
            thread::sleep(delay);
        }
        Ok(!ready.is_only_companion())
    }
}

impl Source for Receiver {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        loop {
            if let Some((signal, at)) = self.upkeep.poll_signal() {
                return Ok(signal.at(at));
            }
            if let Some(record) = self.kept.records.pop_front() {
                self.kept.current = record;
                let (bytes, at) = (&*self.kept.current, self.clock.now());
                return Ok(Received::Datagram { bytes, needed: bytes.len(), at });
            }
            if self.batch.skip_if(is_own_probe) {
                continue;
            }
            if self.batch.has_next() {
                self.inspect_next()?;
                return Ok(self.next_of_batch());
            }
            if let Some(message) = self.next_message() {
                self.handle_message(message)?;
                continue;
            }
            self.upkeep.handle_read(|| self.socket.drops(), self.clock.now());
            match self.batch.fill(&self.socket) {
                Ok(0) => {
                    self.upkeep.handle_drained(|| self.socket.drops(), self.clock.now());
                    self.run_commands()?;
                    if !self.upkeep.has_signal() && !self.wait(until)? {
                        return Ok(Signal::Idle.at(self.clock.now()));
                    }
                }
                Ok(datagrams) => {
                    self.filled_at = self.clock.now();
                    self.coalesce.add(datagrams, self.filled_at);
                }
                Err(Errno::ENOBUFS) => self.upkeep.handle_overflow(self.clock.now()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io("receive audit records", error.into())),
            }
        }
    }

    fn deadline(&self) -> Option<Tick> {
        self.upkeep.poll_timeout(self.clock.now())
    }

    fn current_tick(&self) -> Option<Tick> {
        Some(self.clock.now())
    }
}

/// The file descriptor that is readable when something can be received: a record, or a report of a
/// worker thread. It is for poll and epoll, not for reading.
///
/// When it is readable, call [`Events::try_next`](crate::Events::try_next) until it returns `Idle`;
/// and call it at the latest when [`Events::time_left`](crate::Events::time_left) has passed.
///
/// # Examples
///
/// An event loop over epoll:
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
        // a caller who needs the error calls `close`
        if !self.upkeep.is_done() {
            let _ = self.close_now();
        }
    }
}

/// Returns whether a datagram is the probe that the kernel sends to a daemon when it unregisters itself.
fn is_own_probe(datagram: Datagram<'_>) -> bool {
    datagram.sender == Some(0)
        && datagram.bytes.len() < PROBE_LENGTH_LIMIT
        && Frame::parse(datagram.bytes) == Ok(Frame::Replace { pid: std::process::id() })
}

/// A probe has 20 bytes; every record is longer than this.
const PROBE_LENGTH_LIMIT: usize = 32;

/// How long the kernel may take to unregister a receiver.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Control;

    #[test]
    fn a_receiver_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Receiver>();
        is_send::<Control>();
        is_send::<Error>();
    }
}
