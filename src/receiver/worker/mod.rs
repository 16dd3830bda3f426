//! Worker threads of a receiver, and the channel on which they report to it.
//!
//! Requests are made on threads, because a request can block in the kernel while the receiver has to
//! read.

mod expected_rules;
mod shutdown;
mod watchdog;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};

use self::watchdog::WatchdogHandle;
use super::upkeep::{Marker, MarkerResult, Role, WorkerMessage};
use super::watchdog::{HeartbeatState, WatchdogConfig};
use crate::control::{Control, registration};
use crate::error::Error;
use crate::host::Clock;
use crate::message_type::MessageType;
use crate::netlink::socket::NetlinkSocket;

/// The receiver's worker threads.
#[derive(Debug)]
pub(super) struct Workers {
    channel: Channel,
    clock: Clock,
    watchdog: Option<WatchdogHandle>,
    repairs: Arc<RepairGate>,
    /// What leaving needs is opened at the start: later, no file descriptor may be left.
    control: SharedControl,
    /// Dropping it lets the shutdown worker unregister.
    hold: Option<mpsc::Sender<()>>,
}

impl Workers {
    pub(super) fn new(clock: Clock) -> Result<Self, Error> {
        let (channel, repairs) = (Channel::new()?, Arc::new(RepairGate::new()));
        let control = SharedControl::open()?;
        Ok(Self { channel, clock, watchdog: None, repairs, control, hold: None })
    }

    /// Returns the control socket that is kept for the shutdown.
    pub(super) const fn control(&self) -> &SharedControl {
        &self.control
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(self.channel.sender())
    }

    /// Returns the next message, without waiting.
    pub(super) fn try_recv(&self) -> Option<WorkerMessage> {
        self.channel.try_recv()
    }

    /// Makes a file that is readable when there are messages, or `other` is readable.
    pub(super) fn joined_with(&self, other: BorrowedFd<'_>) -> Result<Epoll, Error> {
        let join = || {
            let joined = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
            joined.add(other, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
            joined.add(self, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
            Ok(joined)
        };
        join().map_err(|error: Errno| Error::io("create an epoll file", error.into()))
    }

    /// Starts the watchdog, instead of the one that runs. It repairs the registration of `daemon`. Returns
    /// whether it sends heartbeats.
    pub(super) fn start_watchdog(
        &mut self,
        config: &WatchdogConfig,
        daemon: Option<Arc<NetlinkSocket>>,
    ) -> Result<HeartbeatState, Error> {
        let (sender, repairs) = (self.channel.sender(), Arc::clone(&self.repairs));
        let (handle, state) = watchdog::start(config, sender, self.clock, daemon, repairs)?;
        self.watchdog = Some(handle);
        Ok(state)
    }

    /// Returns whether a watchdog runs.
    pub(super) const fn has_watchdog(&self) -> bool {
        self.watchdog.is_some()
    }

    /// Has the watchdog check the audit system before the interval is over.
    pub(super) fn check_health(&self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.check_now();
        }
    }

    /// Sends a marker through the kernel's queue, and reads the counter of lost records after it.
    pub(super) fn flush(&self, marker: Marker) -> io::Result<()> {
        let (sender, clock) = (self.channel.sender(), self.clock);
        let flush = move || {
            let mut control = Control::open()?;
            send_marker(&mut control, &marker)?;
            let begun = clock.now();
            Ok((control.status()?.lost, begun))
        };
        let run = move || {
            let result = match flush() {
                Ok((total, begun)) => {
                    sender.send(WorkerMessage::LostCounter { total, begun });
                    MarkerResult::Sent
                }
                Err::<_, Error>(_) => MarkerResult::Failed,
            };
            sender.send(WorkerMessage::FlushMarker(result));
        };
        thread::Builder::new().name("auditlink-flush".to_owned()).spawn(run).map(drop)
    }

    /// Stops the watchdog, and starts the worker that unregisters `socket`.
    pub(super) fn shut_down(
        &mut self,
        role: Role,
        socket: &Arc<NetlinkSocket>,
        is_orderly: bool,
        marker: Option<Marker>,
    ) -> io::Result<()> {
        self.watchdog = None;
        let (sender, repairs) = (self.channel.sender(), Arc::clone(&self.repairs));
        let control = self.control.clone();
        self.hold = match role {
            Role::Daemon => Some(shutdown::start_daemon(sender, repairs, control, marker)?),
            Role::Observer => {
                let socket = Arc::clone(socket);
                shutdown::start_observer(sender, repairs, control, socket, is_orderly)?;
                None
            }
        };
        Ok(())
    }

    /// Unregisters on this thread, for when no thread can be started.
    pub(super) fn unregister_here(&self) -> Result<(), Error> {
        self.repairs.close();
        registration::unregister(&mut self.control.lock())
    }

    /// Lets the shutdown worker unregister.
    pub(super) fn unregister(&mut self) {
        self.hold = None;
    }
}

impl AsFd for Workers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.sender.event.as_fd()
    }
}

/// A control socket that several threads use, one after the other.
#[derive(Clone, Debug)]
pub(super) struct SharedControl(Arc<Mutex<Control>>);

impl SharedControl {
    fn open() -> Result<Self, Error> {
        Control::open().map(|control| Self(Arc::new(Mutex::new(control))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Control> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a marker through the kernel's queue.
fn send_marker(control: &mut Control, marker: &Marker) -> Result<(), Error> {
    control.user_message(MessageType::TRUSTED_APP, marker.text())
}

/// Wakes a receiver; made by [`Receiver::waker`](super::Receiver::waker).
#[derive(Clone, Debug)]
pub(crate) struct Waker(Sender);

impl Waker {
    pub(crate) fn wake(&self) {
        self.0.send(WorkerMessage::Wake);
    }
}

/// The receiver's end of the channel.
#[derive(Debug)]
struct Channel {
    messages: mpsc::Receiver<WorkerMessage>,
    sender: Sender,
}

/// The workers' end of the channel.
#[derive(Clone, Debug)]
struct Sender {
    messages: mpsc::Sender<WorkerMessage>,
    /// Readable while the channel may hold messages.
    event: Arc<EventFd>,
}

impl Channel {
    fn new() -> Result<Self, Error> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let event = EventFd::from_value_and_flags(0, flags)
            .map_err(|error| Error::io("create an eventfd", error.into()))?;
        let (sender, messages) = mpsc::channel();
        Ok(Self { messages, sender: Sender { messages: sender, event: Arc::new(event) } })
    }

    fn sender(&self) -> Sender {
        self.sender.clone()
    }

    fn try_recv(&self) -> Option<WorkerMessage> {
        if let Ok(message) = self.messages.try_recv() {
            return Some(message);
        }
        // the event is cleared only when the channel is empty, and the channel is read once more: a
        // message sent in between set the event before it was cleared
        let _ = self.sender.event.read();
        self.messages.try_recv().ok()
    }
}

impl Sender {
    /// Sends a message and wakes the receiver, if there still is one.
    fn send(&self, message: WorkerMessage) {
        if self.messages.send(message).is_ok() {
            // the counter of the eventfd cannot overflow, so the write cannot block
            let _ = self.event.write(1);
        }
    }
}

/// Runs repairs until it is closed. A repair after that could undo a shutdown, such as by registering
/// again.
#[derive(Debug)]
struct RepairGate(Mutex<bool>);

impl RepairGate {
    const fn new() -> Self {
        Self(Mutex::new(true))
    }

    /// Runs a repair if the gate is open. Returns whether the repair succeeded.
    fn run(&self, repair: impl FnOnce() -> bool) -> bool {
        let is_open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *is_open && repair()
    }

    /// Waits for the repair that runs, and prevents any more.
    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;
    use crate::time::Tick;

    fn is_readable(file: BorrowedFd<'_>) -> bool {
        let mut files = [PollFd::new(file, PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::ZERO).expect("a file") > 0
    }

    #[test]
    fn the_event_is_set_while_the_channel_holds_messages() {
        let workers = Workers::new(Clock::start()).expect("a channel");
        assert!(!is_readable(workers.as_fd()));
        let (sender, waker) = (workers.channel.sender(), workers.waker());
        thread::spawn(move || {
            sender.send(WorkerMessage::LostCounter { total: 1, begun: Tick::ZERO });
            waker.wake();
        })
        .join()
        .expect("it ends");
        assert!(is_readable(workers.as_fd()));
        let first = workers.try_recv();
        assert!(matches!(first, Some(WorkerMessage::LostCounter { total: 1, .. })));
        assert!(matches!(workers.try_recv(), Some(WorkerMessage::Wake)));
        assert!(workers.try_recv().is_none());
        assert!(!is_readable(workers.as_fd()));
    }

    #[test]
    fn a_closed_gate_runs_no_repair() {
        let gate = RepairGate::new();
        assert!(gate.run(|| true));
        assert!(!gate.run(|| false), "the repair failed");
        gate.close();
        assert!(!gate.run(|| panic!("it ran")));
    }
}
