//! A socket on which requests are made.

use std::time::Duration;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind};
use crate::host::Clock;
use crate::message_type::MessageType;
use crate::netlink::batch::Batch;
use crate::netlink::error_map;
use crate::netlink::socket::NetlinkSocket;
use crate::time::Tick;
use crate::wire::frame::Frame;
use crate::wire::request::request;
use crate::wire::status::{Change, Enabled, Status};

/// A socket on which requests are made, one after the other, each with a time limit.
///
/// An answer belongs to a request by its sequence number. Late answers, and messages that are not from
/// the kernel, are ignored.
#[derive(Debug)]
pub(super) struct RequestSocket {
    socket: NetlinkSocket,
    batch: Batch,
    sequence: u32,
    time_limit: Duration,
    clock: Clock,
    /// Records that arrived before the answer, if the socket is the daemon's.
    kept: Option<Vec<Vec<u8>>>,
}

/// The answer to a request: the code of its acknowledgement, and its data.
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) data: Vec<Vec<u8>>,
}

impl RequestSocket {
    /// Makes requests on a socket that receives no records.
    pub(super) fn new(socket: NetlinkSocket) -> Self {
        Self {
            socket,
            batch: Batch::new(BATCH, BUFFER),
            sequence: 0,
            time_limit: Duration::from_secs(10),
            clock: Clock::start(),
            kept: None,
        }
    }

    /// Makes requests on a socket that may receive records, which are kept.
    pub(super) fn keeping_records(socket: NetlinkSocket) -> Self {
        Self { kept: Some(Vec::new()), ..Self::new(socket) }
    }

    pub(super) const fn set_time_limit(&mut self, limit: Duration) {
        self.time_limit = limit;
    }

    pub(super) fn set_receive_buffer(&self, bytes: usize) -> Result<usize, Error> {
        self.socket.set_receive_buffer(bytes)
    }

    /// Reads the settings and counters.
    pub(super) fn status(&mut self) -> Result<Status, Error> {
        const OPERATION: &str = "read the audit status";
        let data = self.request_data(OPERATION, MessageType::GET)?;
        Status::parse(&data).map_err(|error| protocol_error(OPERATION, &error))
    }

    /// Changes one thing. Returns the code of the acknowledgement, which can be positive.
    pub(super) fn change(&mut self, operation: &'static str, change: Change) -> Result<i32, Error> {
        self.request(operation, MessageType::SET, &change.to_bytes()).map(|answer| answer.code)
    }

    /// Makes a request whose answer has data.
    pub(super) fn request_data(
        &mut self,
        operation: &'static str,
        message_type: MessageType,
    ) -> Result<Vec<u8>, Error> {
        let answer = self.request(operation, message_type, &[])?;
        let data = answer.data.into_iter().next();
        data.ok_or_else(|| protocol_error(operation, &"the answer has no data"))
    }

    /// Makes a request, and waits for its answer.
    pub(super) fn request(
        &mut self,
        operation: &'static str,
        message_type: MessageType,
        payload: &[u8],
    ) -> Result<Answer, Error> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let datagram = request(message_type, self.sequence, payload);
        self.socket.send(&datagram).map_err(|error| Error::io(operation, error))?;
        let answer = self.receive_answer(operation, message_type)?;
        if answer.code >= 0 {
            return Ok(answer);
        }
        let code = answer.code.saturating_neg();
        let may_be_locked = matches!(
            message_type,
            MessageType::SET | MessageType::ADD_RULE | MessageType::DEL_RULE
        );
        Err(error_map::request_refused(operation, code, message_type, || {
            may_be_locked && self.status().is_ok_and(|status| status.enabled == Enabled::LOCKED)
        }))
    }

    /// Collects the acknowledgement and the data of the last request.
    fn receive_answer(
        &mut self,
        operation: &'static str,
        requested: MessageType,
    ) -> Result<Answer, Error> {
        let deadline = self.clock.now().saturating_add(self.time_limit);
        let mut answer = Answer { code: 0, data: Vec::new() };
        let mut is_acknowledged = false;
        let mut has_overrun = false;
        loop {
            self.wait(operation, deadline)?;
            match self.batch.fill(&self.socket) {
                Ok(_) => {}
                Err(Errno::ENOBUFS) => has_overrun = true,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io(operation, error.into())),
            }
            while let Some(datagram) = self.batch.next() {
                if datagram.sender != Some(0) {
                    continue; // not from the kernel
                }
                let mut is_complete = false;
                match Frame::parse(datagram.bytes) {
                    Ok(Frame::Ack { sequence, code }) if sequence == self.sequence => {
                        answer.code = code;
                        is_acknowledged = true;
                        is_complete = code < 0;
                    }
                    Ok(Frame::Reply { message_type, sequence, payload })
                        if sequence == self.sequence && message_type == requested =>
                    {
                        answer.data.push(payload.to_vec());
                    }
                    Ok(Frame::Done { sequence }) => is_complete = sequence == self.sequence,
                    Ok(Frame::Record { .. }) => {
                        if let Some(kept) = &mut self.kept {
                            kept.push(datagram.bytes.to_vec());
                        }
                    }
                    Ok(_) => {} // a late answer to a request that timed out
                    Err(error) => return Err(protocol_error(operation, &error)),
                }
                let has_data = matches!(requested, MessageType::GET | MessageType::GET_FEATURE);
                is_complete |= is_acknowledged
                    && requested != MessageType::LIST_RULES
                    && (!has_data || !answer.data.is_empty());
                if is_complete && has_overrun {
                    let remedy = "try again, or enlarge the buffer with set_receive_buffer";
                    return Err(Error::new(operation, ErrorKind::Overrun, remedy));
                }
                if is_complete {
                    return Ok(answer);
                }
            }
        }
    }

    /// Waits until something can be received, or `deadline` has passed.
    fn wait(&self, operation: &'static str, deadline: Tick) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(self.clock.now());
            if left.is_zero() {
                let remedy = "the kernel may be busy: try again, or extend the time limit";
                return Err(Error::new(operation, ErrorKind::Timeout, remedy));
            }
            match self.socket.wait(Some(left)) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(Error::io(operation, error)),
            }
        }
    }

    /// Returns the socket, and the records that it has received.
    pub(super) fn into_parts(mut self) -> (NetlinkSocket, Vec<Vec<u8>>) {
        let mut kept = self.kept.unwrap_or_default();
        while let Some(datagram) = self.batch.next() {
            if datagram.sender == Some(0) {
                kept.push(datagram.bytes.to_vec());
            }
        }
        (self.socket, kept)
    }
}

/// The number of datagrams that one system call may receive.
const BATCH: usize = 16;

/// The maximum length of an answer. A listed rule can have 64 strings of 4 KiB; it is longer only if it
/// has more than fifteen of full length.
const BUFFER: usize = 64 * 1024;

/// Reports an answer of the kernel that is malformed.
pub(super) fn protocol_error(operation: &'static str, cause: &dyn std::fmt::Display) -> Error {
    Error::new(operation, ErrorKind::Protocol, None).with_text(cause)
}
