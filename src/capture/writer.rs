//! Writing captures.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use netlink_packet_core::NLMSG_NOOP;
use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use pcap_file::{DataLink, PcapError, TsResolution};

use super::{COOKED_LENGTH, DEVICE_TYPE, FAMILY, NANOS, SNAPLEN};
use crate::error::{Error, ErrorKind};
use crate::event::{Received, Signal};
use crate::message_type::MessageType;
use crate::time::Tick;
use crate::wire::frame;

/// Writes a capture.
///
/// # Examples
///
/// ```
/// use auditlink::capture::Writer;
/// use auditlink::event::Received;
/// use auditlink::{MessageType, time::Tick, wire::frame};
///
/// let bytes = &frame::message(MessageType::USER, 0, b"audit(1.000:2): op=test");
/// let mut writer = Writer::new(Vec::new())?;
/// writer.write(&Received::Datagram { bytes, needed: bytes.len(), at: Tick::ZERO })?;
/// let capture = writer.finish()?;
/// assert!(capture.ends_with(b"op=test"));
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W: Write> {
    file: PcapWriter<W>,
    packet: Vec<u8>,
    /// The last idle signal, not written yet.
    idle_until: Option<Tick>,
    is_begun: bool,
    /// The first error of a [`Tee`](super::Tee), after which nothing is written.
    pub(super) failure: Option<Error>,
    /// The file's name, for errors.
    path: Option<PathBuf>,
}

impl Writer<BufWriter<File>> {
    /// Creates a file, or truncates an existing one.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::create(path)
            .map_err(|error| Error::io("create the capture file", error).with_path(path))?;
        let writer = Self::new(BufWriter::new(file)).map_err(|error| error.with_path(path))?;
        Ok(Self { path: Some(path.to_owned()), ..writer })
    }
}

impl<W: Write> Writer<W> {
    /// Starts a capture. The writer should be buffered.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn new(writer: W) -> Result<Self, Error> {
        let header = PcapHeader {
            snaplen: SNAPLEN,
            datalink: DataLink::NETLINK,
            ts_resolution: TsResolution::NanoSecond,
            endianness: pcap_file::Endianness::native(),
            ..PcapHeader::default()
        };
        let file = PcapWriter::with_header(writer, header).map_err(write_failed)?;
        Ok(Self {
            file,
            packet: Vec::new(),
            idle_until: None,
            is_begun: false,
            failure: None,
            path: None,
        })
    }

    /// Writes what a source delivered.
    ///
    /// Of consecutive [`Signal::Idle`] only the last is written. [`Signal::End`] and
    /// [`Signal::Refused`] are not written.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&mut self, received: &Received<'_>) -> Result<(), Error> {
        self.write_received(received).map_err(|error| named(error, self.path.as_deref()))
    }

    fn write_received(&mut self, received: &Received<'_>) -> Result<(), Error> {
        let at = received.at();
        if !self.is_begun {
            self.is_begun = true;
            // marks that the capture contains idle signals
            self.message(MessageType::new(NLMSG_NOOP), &[], at)?;
        }
        if received.signal() == Some(Signal::Idle) {
            self.idle_until = Some(at);
            return Ok(());
        }
        self.end_idle()?;
        match received {
            Received::Datagram { bytes, needed, .. } => self.packet(bytes, *needed, at),
            Received::Undecodable { bytes, .. } => {
                self.message(MessageType::new(UNDECODABLE), bytes, at)
            }
            Received::Signal { signal, .. } => match signal.to_message() {
                Some((message_type, payload)) => self.message(message_type, &payload, at),
                None => Ok(()),
            },
        }
    }

    /// Ends the capture, and returns the flushed writer.
    ///
    /// # Errors
    ///
    /// Those of the writer; also the one that ended the recording of a [`Tee`](super::Tee).
    pub fn finish(mut self) -> Result<W, Error> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        // a source that failed did not signal its end
        let path = self.path.take();
        let ended = self.end_idle().and_then(|()| {
            let mut writer = self.file.into_writer();
            writer.flush().map_err(|error| Error::io(OPERATION, error))?;
            Ok(writer)
        });
        ended.map_err(|error| named(error, path.as_deref()))
    }

    /// The error of a capture that was not written to its end, after the cause was returned.
    pub(super) fn is_incomplete() -> Error {
        Error::new(OPERATION, ErrorKind::Capture, None).with_text("it was not written to its end")
    }

    fn end_idle(&mut self) -> Result<(), Error> {
        match self.idle_until.take() {
            Some(until) => self.message(MessageType::new(NLMSG_NOOP), &[], until),
            None => Ok(()),
        }
    }

    /// Writes a message that did not come from the kernel.
    fn message(
        &mut self,
        message_type: MessageType,
        payload: &[u8],
        at: Tick,
    ) -> Result<(), Error> {
        let message = frame::message(message_type, 0, payload);
        self.packet(&message, message.len(), at)
    }

    fn packet(&mut self, bytes: &[u8], needed: usize, at: Tick) -> Result<(), Error> {
        let limit = usize::try_from(SNAPLEN).unwrap_or(usize::MAX) - COOKED_LENGTH;
        let kept = bytes.get(..bytes.len().min(limit)).unwrap_or(bytes);
        self.packet.clear();
        self.packet.extend(0_u16.to_be_bytes());
        self.packet.extend(DEVICE_TYPE.to_be_bytes());
        self.packet.extend([0; 10]);
        self.packet.extend(FAMILY.to_be_bytes());
        self.packet.extend_from_slice(kept);
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(seconds) = u32::try_from(at.as_nanos() / NANOS) else {
            let remedy = "use times from 1970 to February 2106, the range of a pcap file";
            return Err(Error::new(OPERATION, ErrorKind::Capture, remedy)
                .with_text(format_args!("a message has the time {} s", at.as_nanos() / NANOS)));
        };
        let packet = RawPcapPacket {
            ts_sec: seconds,
            ts_frac: u32::try_from(at.as_nanos() % NANOS).unwrap_or_default(),
            incl_len: length(self.packet.len()),
            // an unknown length becomes the largest one
            orig_len: length(needed.saturating_add(COOKED_LENGTH)),
            data: Cow::Borrowed(&self.packet),
        };
        self.file.write_raw_packet(&packet).map_err(write_failed)?;
        Ok(())
    }
}

/// The type of undecodable input; no netlink message has it.
const UNDECODABLE: u16 = 0;

const OPERATION: &str = "write the capture";

/// Adds the file's name to an error, if it is known.
fn named(error: Error, path: Option<&Path>) -> Error {
    match path {
        Some(path) => error.with_path(path),
        None => error,
    }
}

fn write_failed(error: PcapError) -> Error {
    match error {
        PcapError::IoError(error) => Error::io(OPERATION, error),
        other => Error::new(OPERATION, ErrorKind::Capture, None).with_text(other),
    }
}
