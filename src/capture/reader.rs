//! Reading captures.

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::{Path, PathBuf};

use pcap_file::pcap::PcapReader;
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use super::{COOKED_LENGTH, FAMILY, NANOS};
use crate::error::{Error, ErrorKind};
use crate::event::{Received, Signal};
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame::Frame;

/// Reads a capture, as a [`Source`].
///
/// Ticks are those of the capture. [`Signal::Idle`] is returned where the recorded source returned it.
/// Captures of other programs do not contain that; there it is returned at the requested instants.
/// Messages of other netlink families, as in a capture of `nlmon`, are skipped.
///
/// # Examples
///
/// ```
/// use auditlink::capture::{Reader, Writer};
/// use auditlink::event::Signal;
/// use auditlink::{Source, time::Tick};
///
/// let mut writer = Writer::new(Vec::new())?;
/// writer.write(&Signal::BackpressureStarted.at(Tick::from_nanos(5)))?;
/// let capture = writer.finish()?;
/// let mut reader = Reader::new(&capture[..])?;
/// let received = reader.recv(None)?;
/// assert_eq!(received.at(), Tick::from_nanos(5));
/// assert_eq!(reader.recv(None)?.signal(), Some(Signal::End));
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R: Read> {
    file: PcapReader<R>,
    nanos_per_fraction: u64,
    packet: Packet,
    /// Whether `packet` was not returned yet.
    is_waiting: bool,
    at: Tick,
    count: u64,
    /// Whether the capture contains idle signals, as those of [`Writer`](super::Writer) do.
    has_idle_signals: bool,
    /// The file's name, for errors.
    path: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Packet {
    bytes: Vec<u8>,
    needed: usize,
    at: Tick,
}

impl Packet {
    /// Returns whether the message only marks the end of a time without datagrams.
    fn is_idle(&self) -> bool {
        Frame::parse(&self.bytes).is_ok_and(|frame| {
            matches!(frame, Frame::Noop { .. }) && Signal::from_frame(&frame).is_none()
        })
    }
}

impl Reader<File> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and those of the operating system.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path)
            .map_err(|error| Error::io("open the capture", error).with_path(path))?;
        let reader = Self::new(file).map_err(|error| error.with_path(path))?;
        Ok(Self { path: Some(path.to_owned()), ..reader })
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header of a capture. Reading is buffered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Capture`] if the input is not a pcap file, has another link type than NETLINK, or was
    /// taken on a machine of the other byte order.
    pub fn new(reader: R) -> Result<Self, Error> {
        const OPERATION: &str = "open the capture";
        let file = PcapReader::new(reader).map_err(|error| unreadable(OPERATION, error, 0))?;
        let header = file.header();
        if header.datalink != DataLink::NETLINK {
            let remedy = "use a pcap file of link type NETLINK, such as `dump --write` creates";
            return Err(Error::new(OPERATION, ErrorKind::Capture, remedy)
                .with_text(format_args!("the link type is {:?}, not NETLINK", header.datalink)));
        }
        if header.endianness != Endianness::native() {
            let remedy = "read it on a machine of the byte order with which it was taken";
            return Err(Error::new(OPERATION, ErrorKind::Capture, remedy)
                .with_text("the netlink messages have the other byte order"));
        }
        Ok(Self {
            file,
            nanos_per_fraction: match header.ts_resolution {
                TsResolution::MicroSecond => 1000,
                TsResolution::NanoSecond => 1,
            },
            packet: Packet::default(),
            is_waiting: false,
            at: Tick::ZERO,
            count: 0,
            has_idle_signals: false,
            path: None,
        })
    }

    /// Reads the next audit message into `packet`; `false` at the end.
    fn read(&mut self) -> Result<bool, Error> {
        self.read_packet().map_err(|error| match &self.path {
            Some(path) => error.with_path(path),
            None => error,
        })
    }

    fn read_packet(&mut self) -> Result<bool, Error> {
        loop {
            let Some(next) = self.file.next_raw_packet() else {
                return Ok(false);
            };
            self.count += 1;
            let packet = next.map_err(|error| unreadable("read the capture", error, self.count))?;
            let family = packet.data.get(COOKED_LENGTH - 2..COOKED_LENGTH);
            if family.is_some_and(|family| family != FAMILY.to_be_bytes()) {
                continue;
            }
            let fraction = u64::from(packet.ts_frac) * self.nanos_per_fraction;
            if fraction >= NANOS {
                let remedy = "the messages before this one are valid; correct its time";
                return Err(Error::new("read the capture", ErrorKind::Capture, remedy).with_text(
                    format_args!(
                        "the time of message {} has a fraction of more than a second",
                        self.count
                    ),
                ));
            }
            let nanos = u64::from(packet.ts_sec) * NANOS + fraction;
            let bytes = packet.data.get(COOKED_LENGTH..).unwrap_or_default();
            self.packet.bytes.clear();
            self.packet.bytes.extend_from_slice(bytes);
            self.packet.needed = match packet.orig_len {
                u32::MAX => Received::UNKNOWN_LENGTH,
                original => {
                    let original = usize::try_from(original).unwrap_or(usize::MAX);
                    original.saturating_sub(COOKED_LENGTH).max(bytes.len())
                }
            };
            self.packet.at = Tick::from_nanos(nanos).max(self.at);
            return Ok(true);
        }
    }
}

impl<R: Read> Source for Reader<R> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        while !self.is_waiting {
            if !self.read()? {
                return Ok(Signal::End.at(self.at));
            }
            self.is_waiting = true;
            if self.packet.is_idle() {
                self.is_waiting = false;
                if self.count > 1 {
                    self.at = self.packet.at;
                    return Ok(Signal::Idle.at(self.at));
                }
                self.has_idle_signals = true;
            }
        }
        // time starts at the first message
        let until = until.filter(|_| !self.has_idle_signals);
        if let Some(until) = until.filter(|until| *until < self.packet.at && self.at != Tick::ZERO)
        {
            self.at = self.at.max(until);
            return Ok(Signal::Idle.at(self.at));
        }
        self.is_waiting = false;
        self.at = self.packet.at;
        let Packet { bytes, needed, at } = &self.packet;
        Ok(Received::Datagram { bytes, needed: *needed, at: *at })
    }
}

fn unreadable(operation: &'static str, error: PcapError, count: u64) -> Error {
    let remedy = "the messages before this one are valid; use a complete pcap file";
    match error {
        PcapError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            let error = Error::new(operation, ErrorKind::Capture, remedy);
            if count == 0 {
                error.with_text("the file ends within its header")
            } else {
                error.with_text(format_args!("the file ends within message {count}"))
            }
        }
        PcapError::IoError(error) => Error::io(operation, error),
        other => Error::new(operation, ErrorKind::Capture, "use a pcap file").with_text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Writer;
    use crate::event::{Assembler, Delivery};
    use crate::message_type::MessageType;
    use crate::wire::frame;

    fn datagram() -> Vec<u8> {
        frame::message(MessageType::CWD, 0, b"audit(1.000:2): cwd=\"/\"")
    }

    fn sample() -> Vec<u8> {
        let bytes = datagram();
        let (bytes, needed) = (&bytes[..], bytes.len());
        let second = |second: u64| Tick::from_nanos(second * 1_000_000_000 + 7);
        let mut writer = Writer::new(Vec::new()).expect("a vector takes everything");
        for received in [
            Received::Datagram { bytes, needed, at: second(5) },
            Signal::Overrun { dropped: Some(9) }.at(second(6)),
            Signal::Overrun { dropped: None }.at(second(6)),
            Signal::LostCounter { total: 3 }.at(second(7)),
            Signal::Idle.at(second(8)),
            Received::Datagram { bytes, needed: needed + 40, at: second(9) },
        ] {
            writer.write(&received).expect("a vector takes everything");
        }
        writer.finish().expect("a vector takes everything")
    }

    #[test]
    fn a_replay_has_the_same_losses_as_the_live_reader() {
        use crate::event::HealthFaults;
        let bytes = frame::message(MessageType::EOE, 0, b"audit(1.000:2): ");
        let (bytes, needed) = (&bytes[..], bytes.len());
        let second = |second: u64| Tick::from_nanos(second * 1_000_000_000);
        let script = [
            Signal::LostCounter { total: 3 }.at(second(1)),
            Signal::BackpressureStarted.at(second(2)),
            Received::Datagram { bytes, needed, at: second(2) },
            Signal::QueueFull { dropped: 7 }.at(second(3)),
            Signal::Health { faults: HealthFaults::REGISTRATION }.at(second(3)),
            Signal::Overrun { dropped: Some(9) }.at(second(4)),
            Signal::Overrun { dropped: None }.at(second(4)),
            Signal::Health { faults: HealthFaults::empty() }.at(second(5)),
            Signal::LostCounter { total: 5 }.at(second(6)),
        ];
        for end in 0..=script.len() {
            let mut writer = Writer::new(Vec::new()).expect("a vector takes everything");
            let mut live = Assembler::new();
            for received in script.iter().take(end) {
                writer.write(received).expect("a vector takes everything");
                live.handle(*received);
            }
            live.handle(Signal::End.at(second(9)));
            let capture = writer.finish().expect("a vector takes everything");
            let mut replay = Assembler::new();
            let mut reader = Reader::new(&capture[..]).expect("a capture");
            loop {
                let received = reader.recv(None).expect("good");
                let is_end = received.signal() == Some(Signal::End);
                replay.handle(received);
                if is_end {
                    break;
                }
            }
            assert_eq!(replay.stats().completeness(), live.stats().completeness(), "after {end}");
            let all =
                |mut assembler: Assembler| std::iter::from_fn(move || assembler.poll()).count();
            assert_eq!(all(replay), all(live));
        }
    }

    #[test]
    fn everything_written_is_read() {
        let capture = sample();
        let mut reader = Reader::new(&capture[..]).expect("a capture");
        let bytes = datagram();
        let at = Tick::from_nanos(5_000_000_007);
        let first = Received::Datagram { bytes: &bytes, needed: bytes.len(), at };
        assert_eq!(reader.recv(Some(Tick::ZERO)).expect("good"), first);
        let mut frames = Vec::new();
        for _ in 0..3 {
            let Ok(Received::Datagram { bytes, .. }) = reader.recv(None) else { panic!("three") };
            frames.push(format!("{:?}", Frame::parse(bytes).expect("a frame")));
        }
        assert_eq!(frames[..2], ["Overrun { dropped: Some(9) }", "Overrun { dropped: None }"]);
        assert!(frames[2].starts_with("Reply { message_type: GET"));
        let idle = Signal::Idle.at(Tick::from_nanos(8_000_000_007));
        assert_eq!(reader.recv(None).expect("good"), idle);
        let Ok(Received::Datagram { bytes, needed, .. }) = reader.recv(None) else { panic!("cut") };
        assert_eq!(needed, bytes.len() + 40);
        for _ in 0..2 {
            let end = Signal::End.at(Tick::from_nanos(9_000_000_007));
            assert_eq!(reader.recv(None).expect("good"), end);
        }
    }

    #[test]
    fn a_fraction_of_more_than_a_second_is_refused() {
        let mut capture = sample();
        for (fraction, is_good) in [(999_999_999, true), (1_000_000_000, false)] {
            capture[28..32].copy_from_slice(&u32::to_ne_bytes(fraction));
            let mut reader = Reader::new(&capture[..]).expect("a capture");
            assert_eq!(reader.recv(None).is_ok(), is_good, "{fraction}");
        }
    }

    #[test]
    fn captures_of_other_programs_are_idle_at_the_requested_instants() {
        let ours = sample();
        let marker = 16 + 16 + 16; // pcap's header, the pseudo-header, an empty message
        let theirs = [&ours[..24], &ours[24 + marker..]].concat();
        let early = Tick::from_nanos(5_500_000_000);
        for (capture, is_idle_on_request) in [(&theirs, true), (&ours, false)] {
            let mut reader = Reader::new(&capture[..]).expect("a capture");
            assert!(matches!(reader.recv(None), Ok(Received::Datagram { .. })));
            let next = reader.recv(Some(early)).expect("good");
            assert_eq!(next == Signal::Idle.at(early), is_idle_on_request);
        }
    }

    #[test]
    fn a_pause_of_the_reader_is_replayed_as_one() {
        let record = |message_type, seconds: u64| {
            let text = b"audit(1.000:2): ";
            (frame::message(message_type, 0, text), Tick::from_nanos(seconds * 1_000_000_000))
        };
        let mut writer = Writer::new(Vec::new()).expect("a vector takes everything");
        // the reader pauses for a minute, while the rest of the event is in the socket
        for (bytes, at) in [record(MessageType::SYSCALL, 1), record(MessageType::EOE, 61)] {
            let received = Received::Datagram { bytes: &bytes, needed: bytes.len(), at };
            writer.write(&received).expect("a vector takes everything");
        }
        let capture = writer.finish().expect("a vector takes everything");
        let mut assembler = Assembler::new();
        let mut reader = Reader::new(&capture[..]).expect("a capture");
        loop {
            let received = reader.recv(assembler.poll_timeout()).expect("good");
            let is_over = received.signal() == Some(Signal::End);
            assembler.handle(received);
            if is_over {
                break;
            }
        }
        let Some(Delivery::Event(event)) = assembler.poll() else { panic!("an event") };
        assert_eq!((event.records().len(), event.missing()), (2, vec![]));
    }

    #[test]
    fn every_truncation_is_an_error_or_an_end() {
        let capture = sample();
        let mut ends = 0;
        for length in 0..capture.len() {
            let Ok(mut reader) = Reader::new(&capture[..length]) else {
                assert!(length < 24, "only the header is needed");
                continue;
            };
            let outcome = loop {
                match reader.recv(None) {
                    Ok(received) if received.signal() == Some(Signal::End) => break Ok(()),
                    Ok(_) => {}
                    Err(error) => break Err(error),
                }
            };
            match outcome {
                Ok(()) => ends += 1,
                Err(error) => {
                    assert_eq!(*error.kind(), ErrorKind::Capture);
                    assert!(format!("{error:?}").contains("ends within message"), "{error:?}");
                }
            }
        }
        assert_eq!(ends, 7, "a truncation between messages is an end");
    }

    #[test]
    fn other_files_are_refused() {
        let mut ethernet = sample();
        ethernet[20] = 1;
        for (bytes, word) in [
            (&b"not a capture at all, only text"[..], "pcap"),
            (&ethernet, "link type"),
            (&[], "header"),
        ] {
            let error = Reader::new(bytes).expect_err("no capture");
            assert_eq!(*error.kind(), ErrorKind::Capture);
            assert!(format!("{error:?}").contains(word), "{error:?}");
        }
    }
}
