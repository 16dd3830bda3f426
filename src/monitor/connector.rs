//! The kernel's process connector, which reports every task that is created or exits.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind};
use crate::host::clock::BootTimes;
use crate::host::privileges::{NET_ADMIN, Privileges};
use crate::netlink::batch::Batch;
use crate::netlink::error_map::GIVE_CAPABILITY;
use crate::netlink::socket::NetlinkSocket;
use crate::process::{Observation, Provenance};
use crate::wire::connector::{Message, TaskEvent, request};

#[derive(Debug)]
pub(super) struct Connector {
    socket: NetlinkSocket,
    batch: Batch,
    /// The next sequence number of each CPU.
    expected: HashMap<u32, u32>,
    times: BootTimes,
}

const OPERATION: &str = "listen to the process connector";

/// Room for 40,000 messages, each of which the kernel accounts for as about 800 bytes.
const RECEIVE_BUFFER: usize = 16 << 20;

impl Connector {
    /// Starts to listen, and waits until the kernel has acknowledged that.
    pub(super) fn open() -> Result<Self, Error> {
        let socket = NetlinkSocket::open_connector().map_err(|error| {
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EPERM) => {
                    let kind = ErrorKind::NoPermission { capability: NET_ADMIN.name };
                    Error::new(OPERATION, kind, GIVE_CAPABILITY).with_io(error)
                }
                _ => Error::io(OPERATION, error),
            }
        })?;
        socket.set_receive_buffer(RECEIVE_BUFFER)?;
        let (batch, expected, times) = (Batch::new(128, 128), HashMap::new(), BootTimes::new());
        let mut connector = Self { socket, batch, expected, times };
        let sent = connector.socket.send(&request(true));
        sent.map_err(|error| Error::io(OPERATION, error))?;
        connector.await_answer()?;
        Ok(connector)
    }

    /// Waits for the acknowledgement. The kernel sends none outside of the initial namespaces.
    fn await_answer(&mut self) -> Result<(), Error> {
        if Privileges::of_self().is_some_and(|privileges| !privileges.is_initial) {
            return Err(Error::new(
                OPERATION,
                ErrorKind::Namespace,
                "run the program on the host, outside of containers",
            ));
        }
        for _ in 0..ANSWER_TRIES {
            let waited = self.socket.wait(Some(ANSWER_INTERVAL));
            waited.map_err(|error| Error::io(OPERATION, error))?;
            while let Some(message) = self.next()? {
                match message.event {
                    TaskEvent::Answer { errno: 0 } => return Ok(()),
                    TaskEvent::Answer { errno } => {
                        let errno = i32::try_from(errno).unwrap_or_default();
                        let error = std::io::Error::from_raw_os_error(errno);
                        return Err(Error::io(OPERATION, error));
                    }
                    _ => {}
                }
            }
        }
        let remedy = "use a kernel with CONFIG_PROC_EVENTS";
        Err(Error::new(OPERATION, ErrorKind::Timeout, remedy))
    }

    /// Returns the next message from the kernel, without waiting.
    fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if !self.batch.has_next() {
                match self.batch.fill(&self.socket) {
                    Ok(0) => return Ok(None),
                    Ok(_) => {}
                    // the sequence numbers show how many messages were lost
                    Err(Errno::ENOBUFS | Errno::EINTR) => continue,
                    Err(error) => return Err(Error::io(OPERATION, error.into())),
                }
            }
            let datagram = self.batch.next().filter(|datagram| datagram.sender == Some(0));
            if let Some(Ok(message)) = datagram.map(|datagram| Message::parse(datagram.bytes)) {
                return Ok(Some(message));
            }
        }
    }

    /// Reports all observations since the last call.
    pub(super) fn drain(&mut self, mut report: impl FnMut(Observation)) -> Result<(), Error> {
        let mut messages = Vec::new();
        let drained = loop {
            match self.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let times = self.times.conversion(messages.iter().map(|message| message.monotonic));
        for message in messages {
            let missing = self.missing(&message);
            if missing > 0 {
                report(Observation::Lost { count: Some(u64::from(missing)) });
            }
            let since_boot = times.since_boot(message.monotonic);
            match message.event {
                TaskEvent::Fork { parent, task, process } => {
                    report(Observation::Forked { parent, task, process, since_boot });
                }
                TaskEvent::Exec { process } => {
                    report(Observation::Executed { process, since_boot })
                }
                TaskEvent::Exit { task, process, status } => {
                    let (code, source) = (Some(status), Provenance::Connector);
                    report(Observation::Exited { task, process, code, since_boot, source });
                }
                TaskEvent::Answer { .. } | TaskEvent::Other => {}
            }
        }
        drained
    }

    /// Returns the number of messages that the same CPU sent before this one and that were lost.
    fn missing(&mut self, message: &Message) -> u32 {
        let next = message.sequence.wrapping_add(1);
        let expected = self.expected.insert(message.cpu, next);
        let gap = expected.map_or(0, |expected| message.sequence.wrapping_sub(expected));
        // a number lower than expected means that the kernel restarted the counter
        if gap > u32::MAX / 2 { 1 } else { gap }
    }
}

impl AsFd for Connector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        // older kernels count listeners, and would continue to send for one that has exited
        let _ = self.socket.send(&request(false));
    }
}

const ANSWER_TRIES: u32 = 20;
const ANSWER_INTERVAL: Duration = Duration::from_millis(100);
