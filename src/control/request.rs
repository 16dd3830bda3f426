//! Asking the kernel, and collecting its answers.

use std::time::Duration;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind};
use crate::host::Clock;
use crate::message_type::MessageType;
use crate::netlink::error_map;
use crate::netlink::socket::{Batch, NetlinkSocket};
use crate::time::Tick;
use crate::wire::frame::Frame;
use crate::wire::request::request;
use crate::wire::status::{Change, Enabled, Mask, Status};

/// A socket on which requests are made, one after the other, each with a time limit.
///
/// An answer belongs to its request by the sequence number; what is late, or not the kernel's, is
/// passed over.
#[derive(Debug)]
pub(crate) struct Exchange {
    socket: NetlinkSocket,
    batch: Batch,
    sequence: u32,
    time_limit: Duration,
    clock: Clock,
    /// Records that came while an answer was awaited, on a socket that gets records too.
    kept: Option<Vec<Vec<u8>>>,
}

/// The answer to a request: the code of its acknowledgement, and its data.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) data: Vec<Vec<u8>>,
}

impl Exchange {
    /// Makes requests over a given socket, keeping the records that come meanwhile if `kept`.
    pub(crate) fn new(socket: NetlinkSocket, kept: Option<Vec<Vec<u8>>>) -> Self {
        Self {
            socket,
            batch: Batch::new(BATCH, BUFFER),
            sequence: 0,
            time_limit: Duration::from_secs(10),
            clock: Clock::start(),
            kept,
        }
    }

    pub(crate) const fn set_time_limit(&mut self, limit: Duration) {
        self.time_limit = limit;
    }

    pub(crate) fn set_receive_buffer(&self, bytes: usize) -> Result<usize, Error> {
        self.socket.set_receive_buffer(bytes)
    }

    /// Reads the settings and counters.
    pub(crate) fn status(&mut self) -> Result<Status, Error> {
        const OPERATION: &str = "read the audit status";
        let data = self.fetch(OPERATION, MessageType::GET, &[])?;
        Status::parse(&data).map_err(|error| protocol_error(OPERATION, &error))
    }

    /// Changes the settings in `mask`.
    pub(crate) fn change(
        &mut self,
        operation: &'static str,
        mask: Mask,
        status: &Status,
    ) -> Result<Answer, Error> {
        let payload = Change { mask, status }.to_bytes();
        self.ask(operation, MessageType::SET, &payload)
    }

    /// Makes a request that is answered by one message of data.
    pub(crate) fn fetch(
        &mut self,
        operation: &'static str,
        message_type: MessageType,
        payload: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let answer = self.ask(operation, message_type, payload)?;
        answer.data.into_iter().next().ok_or_else(|| {
            Error::new(operation, ErrorKind::Protocol, None).with_text("the answer has no data")
        })
    }

    /// Makes a request and collects its answer.
    pub(crate) fn ask(
        &mut self,
        operation: &'static str,
        message_type: MessageType,
        payload: &[u8],
    ) -> Result<Answer, Error> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let datagram = request(message_type, self.sequence, payload);
        self.socket.send(&datagram).map_err(|error| Error::io(operation, error))?;
        let answer = self.answer(operation, message_type)?;
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

    /// Collects the acknowledgement and the data that belong to the last request.
    fn answer(&mut self, operation: &'static str, asked: MessageType) -> Result<Answer, Error> {
        let deadline = self.clock.now().saturating_add(self.time_limit);
        let mut answer = Answer { code: 0, data: Vec::new() };
        let mut acknowledged = false;
        let mut overrun = false;
        loop {
            self.wait(operation, deadline)?;
            match self.batch.fill(&self.socket) {
                Ok(_) => {}
                Err(Errno::ENOBUFS) => overrun = true,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io(operation, error.into())),
            }
            while let Some(datagram) = self.batch.next() {
                if datagram.sender != Some(0) {
                    continue; // not the kernel
                }
                let mut done = false;
                match Frame::parse(datagram.bytes) {
                    Ok(Frame::Ack { sequence, code }) if sequence == self.sequence => {
                        answer.code = code;
                        acknowledged = true;
                        done = code < 0;
                    }
                    Ok(Frame::Reply { message_type, sequence, payload })
                        if sequence == self.sequence && message_type == asked =>
                    {
                        answer.data.push(payload.to_vec());
                    }
                    Ok(Frame::Done { sequence }) => done = sequence == self.sequence,
                    Ok(Frame::Record { .. }) => {
                        if let Some(kept) = &mut self.kept {
                            kept.push(datagram.bytes.to_vec());
                        }
                    }
                    Ok(_) => {} // a late answer to a request that ran out of time
                    Err(error) => return Err(protocol_error(operation, &error)),
                }
                let has_data = matches!(asked, MessageType::GET | MessageType::GET_FEATURE);
                done |= acknowledged
                    && asked != MessageType::LIST_RULES
                    && (!has_data || !answer.data.is_empty());
                if done && overrun {
                    return Err(Error::new(operation, ErrorKind::Overrun, "try again"));
                }
                if done {
                    return Ok(answer);
                }
            }
        }
    }

    /// Waits for something to receive, at the longest until `deadline`.
    fn wait(&self, operation: &'static str, deadline: Tick) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(self.clock.now());
            if left.is_zero() {
                let remedy = "the kernel may be busy: try again, or allow more time";
                return Err(Error::new(operation, ErrorKind::Timeout, remedy));
            }
            match self.socket.wait(Some(left)) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(Error::io(operation, error)),
            }
        }
    }

    /// Gives the socket back, and the records that were received on it.
    pub(crate) fn into_socket(mut self) -> (NetlinkSocket, Vec<Vec<u8>>) {
        let mut kept = self.kept.unwrap_or_default();
        while let Some(datagram) = self.batch.next() {
            if datagram.sender == Some(0) {
                kept.push(datagram.bytes.to_vec());
            }
        }
        (self.socket, kept)
    }
}

/// How many answers one call receives, and how long each may be; a listed rule can have 64 texts
/// of 4 KiB, but only a few are ever this long.
const BATCH: usize = 16;
const BUFFER: usize = 64 * 1024;

pub(crate) fn protocol_error(operation: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::new(operation, ErrorKind::Protocol, None).with_text(error)
}
