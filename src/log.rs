//! Reading the logs of auditd.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::event::{Received, Signal};
use crate::message_type::RecordRole;
use crate::record::LogLine;
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame;

/// A [`Source`] that reads the text that auditd writes to `audit.log`, and sends to its plugins.
///
/// It reads raw and enriched lines, with and without `node=`, and the output of
/// `dump --format log`. A line that is not a record becomes a [`Loss`](crate::Loss) with its bytes.
///
/// A log does not state when its records were received, so the source's time is the latest time
/// stamp that it has read. auditd does not write end records, so an event closes after the
/// assembler's window of this time, or at the end of the log.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, log};
///
/// let text: &[u8] = br#"type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=80 success=yes exit=0
/// type=CWD msg=audit(1.000:2): cwd="/root"
/// "#;
/// let deliveries: Vec<_> = Events::new(log::Reader::new(text)).collect::<Result<_, _>>()?;
/// let [Delivery::Event(event)] = &deliveries[..] else { panic!("one event") };
/// assert_eq!((event.records().len(), event.missing()), (2, vec![]));
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    frame: Vec<u8>,
    held: Held,
    now: Tick,
    /// The file's name, for errors.
    path: Option<PathBuf>,
}

/// What was read and not returned yet.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// `frame` holds a record of this time.
    Record(Tick),
    /// `line` is not a record.
    Line,
}

/// A longer line is returned in pieces, each as undecodable.
const MAX_LINE: u64 = 1 << 20;

impl Reader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file =
            File::open(path).map_err(|error| Error::io("open the log", error).with_path(path))?;
        Ok(Self { path: Some(path.to_owned()), ..Self::new(BufReader::new(file)) })
    }
}

impl<R: BufRead> Reader<R> {
    /// Creates a source that reads a buffered reader, such as the standard input of a plugin.
    pub const fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            frame: Vec::new(),
            held: Held::Nothing,
            now: Tick::ZERO,
            path: None,
        }
    }

    /// Reads the next line that is not empty; `false` at the end.
    fn read(&mut self) -> Result<bool, Error> {
        loop {
            self.line.clear();
            let mut limited = self.input.by_ref().take(MAX_LINE);
            let count = limited.read_until(b'\n', &mut self.line).map_err(|error| {
                let error = Error::io("read the log", error);
                match &self.path {
                    Some(path) => error.with_path(path),
                    None => error,
                }
            })?;
            if count == 0 {
                return Ok(false);
            }
            while let [start @ .., b'\n' | b'\r'] = &self.line[..] {
                self.line.truncate(start.len());
            }
            if self.line.is_empty() || LogLine::is_other(&self.line) {
                continue;
            }
            self.held = Held::Line;
            if let Some(at) = self.parse() {
                self.held = Held::Record(at);
            }
            return Ok(true);
        }
    }

    /// Converts the line into a datagram, and returns its time; `None` if it is not a record.
    fn parse(&mut self) -> Option<Tick> {
        let line = LogLine::parse(&self.line).ok()?;
        let record = line.record().ok()?;
        let message_type = line.message_type();
        if message_type.role() == RecordRole::Control {
            return None; // a control message is not a record
        }
        self.frame = frame::message(message_type, 0, line.text());
        let nanos = u64::try_from(record.id().time().since_epoch().as_nanos()).ok()?;
        Some(Tick::from_nanos(nanos).max(self.now))
    }
}

impl<R: BufRead> Source for Reader<R> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        if self.held == Held::Nothing && !self.read()? {
            return Ok(Signal::End.at(self.now));
        }
        if let Held::Record(at) = self.held {
            // the clock starts with the first record
            if let Some(until) = until.filter(|until| *until < at && self.now != Tick::ZERO) {
                self.now = self.now.max(until);
                return Ok(Signal::Idle.at(self.now));
            }
            self.held = Held::Nothing;
            self.now = at;
            let needed = self.frame.len();
            return Ok(Received::Datagram { bytes: &self.frame, needed, at });
        }
        self.held = Held::Nothing;
        Ok(Received::Undecodable { bytes: &self.line, at: self.now })
    }

    fn has_end_records(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, ClosedBy, Delivery, Missing};
    use crate::{Event, Events, Loss};

    fn read(text: &str) -> (Vec<Event>, Vec<Loss>) {
        let mut events = Vec::new();
        let mut losses = Vec::new();
        for delivery in Events::new(Reader::new(text.as_bytes())) {
            match delivery.expect("reading memory does not fail") {
                Delivery::Event(event) => events.push(event),
                Delivery::Loss(loss) => losses.push(loss),
            }
        }
        (events, losses)
    }

    fn call(stamp: &str) -> String {
        format!("type=SYSCALL msg=audit({stamp}): arch=c000003e syscall=80 success=yes exit=0\n")
    }

    #[test]
    fn events_without_end_records_are_complete() {
        let cwd = "type=CWD msg=audit(1.000:2): cwd=\"/\"\n";
        let text = [&call("1.000:2"), cwd, &call("1.004:3"), &call("9.000:4")].concat();
        let (events, losses) = read(&text);
        assert_eq!(losses, []);
        let closed: Vec<_> = events.iter().map(Event::closed_by).collect();
        assert_eq!(closed, [ClosedBy::Window, ClosedBy::Window, ClosedBy::End]);
        assert!(events.iter().all(|event| event.missing().is_empty()));
        assert_eq!(events[0].records().len(), 2);
    }

    #[test]
    fn an_end_record_is_missing_if_another_event_had_one() {
        let end = "type=EOE msg=audit(1.000:2): \n";
        let text = [&call("1.000:2"), end, &call("1.004:3")].concat();
        let (events, _) = read(&text);
        assert_eq!(events[0].closed_by(), ClosedBy::EndRecord);
        assert_eq!(events[1].missing(), [Missing::EndRecord]);
    }

    #[test]
    fn a_system_call_that_took_an_hour_is_one_event() {
        let early = "type=AVC msg=audit(1000.000:7): avc:  denied  { read } for  pid=1\n";
        let path = "type=PATH msg=audit(1000.000:7): item=0 name=\"/a\"\n";
        let text = [&call("4600.000:6"), early, &call("1000.000:7"), &call("4600.100:8"), path];
        let (events, losses) = read(&text.concat());
        assert_eq!(losses, []);
        let long = events.iter().find(|event| event.id().serial() == 7).expect("the event");
        assert_eq!(long.records().len(), 3, "the stamp is that of the entry");
    }

    #[test]
    fn the_same_serial_after_a_reboot_is_another_event() {
        let text = [call("100.000:50"), call("900.000:50")].concat();
        let (events, _) = read(&text);
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn the_same_stamp_of_two_nodes_is_two_events() {
        let text = ["node=a ", &call("1.000:2"), "node=b ", &call("1.000:2")].concat();
        let (events, losses) = read(&text);
        assert_eq!((events.len(), losses.len()), (2, 0));
        let nodes: Vec<_> = events.iter().map(Event::node).collect();
        assert_eq!(nodes, [Some(&b"a"[..]), Some(&b"b"[..])]);
    }

    #[test]
    fn lines_that_are_not_records_are_losses_with_their_bytes() {
        let text =
            ["nonsense\n\r\n----\n", &call("1.000:2"), "type=ADD_RULE msg=audit(1.000:3): x"];
        let (events, losses) = read(&text.concat());
        assert_eq!(events.len(), 1);
        let bytes: Vec<_> = losses.iter().map(Loss::cause).collect();
        let undecodable = |bytes: &'static str| Cause::Undecodable { bytes: bytes.into() };
        assert_eq!(
            bytes,
            [&undecodable("nonsense"), &undecodable("type=ADD_RULE msg=audit(1.000:3): x")]
        );
    }

    #[test]
    fn an_endless_line_is_read_in_pieces() {
        let text = "x".repeat(3 << 20);
        let (_, losses) = read(&text);
        assert_eq!(losses.len(), 3);
    }
}
