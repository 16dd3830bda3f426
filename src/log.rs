//! Logs of auditd as a source, so that the same events come out of a file.

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

/// Reads the text that auditd writes to `audit.log`, and its dispatcher to plugins, as a
/// [`Source`].
///
/// Raw and enriched lines, with and without `node=`, are read; so is what `dump --format log`
/// writes. A line that is no record becomes a [`Loss`](crate::Loss) with its bytes.
///
/// A log does not tell when its records were received, so time passes with the stamps: it is the
/// latest that was seen. auditd leaves the end records out, so events close by the window of this
/// time, or at the end.
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

/// What was read and is not handed over yet.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// `frame` holds a record of this time.
    Record(Tick),
    /// `line` holds something else.
    Line,
}

/// A longer line is handed over in pieces, each as undecodable.
const MAX_LINE: u64 = 1 << 20;

impl Reader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file =
            File::open(path).map_err(|error| Error::io("open the log", error).with_path(path))?;
        Ok(Self { path: Some(path.to_owned()), ..Self::new(BufReader::new(file)) })
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads from anything that is buffered, such as the standard input of a plugin.
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

    /// Reads up to the next line that says something; `false` at the end.
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
            if self.line.is_empty() || self.line == b"----" {
                continue; // ausearch writes such lines between events
            }
            self.held = Held::Line;
            if let Some(at) = self.parse() {
                self.held = Held::Record(at);
            }
            return Ok(true);
        }
    }

    /// Makes a datagram of the line, if it is a record, and returns its time.
    fn parse(&mut self) -> Option<Tick> {
        let line = LogLine::parse(&self.line).ok()?;
        let record = line.record().ok()?;
        let message_type = line.message_type();
        if message_type.role() == RecordRole::Control {
            return None; // no record has such a type
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
            // before the first record there is nothing to wait for
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
            match delivery.expect("memory does not fail") {
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
    fn a_log_without_end_records() {
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
    fn an_end_record_is_missed_where_others_have_one() {
        let end = "type=EOE msg=audit(1.000:2): \n";
        let text = [&call("1.000:2"), end, &call("1.004:3")].concat();
        let (events, _) = read(&text);
        assert_eq!(events[0].closed_by(), ClosedBy::EndRecord);
        assert_eq!(events[1].missing(), [Missing::EndRecord]);
    }

    #[test]
    fn a_call_that_took_an_hour_is_not_torn() {
        let early = "type=AVC msg=audit(1000.000:7): avc:  denied  { read } for  pid=1\n";
        let path = "type=PATH msg=audit(1000.000:7): item=0 name=\"/a\"\n";
        let text = [&call("4600.000:6"), early, &call("1000.000:7"), &call("4600.100:8"), path];
        let (events, losses) = read(&text.concat());
        assert_eq!(losses, []);
        let long = events.iter().find(|event| event.id().serial() == 7).expect("the event");
        assert_eq!(long.records().len(), 3, "its stamp is old, its records are not");
    }

    #[test]
    fn two_boots_in_one_log() {
        let text = [call("100.000:50"), call("900.000:50")].concat();
        let (events, _) = read(&text);
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn two_machines_in_one_log() {
        let text = ["node=a ", &call("1.000:2"), "node=b ", &call("1.000:2")].concat();
        let (events, losses) = read(&text);
        assert_eq!((events.len(), losses.len()), (2, 0));
        let nodes: Vec<_> = events.iter().map(Event::node).collect();
        assert_eq!(nodes, [Some(&b"a"[..]), Some(&b"b"[..])]);
    }

    #[test]
    fn other_lines_are_losses_with_their_bytes() {
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
    fn a_line_without_end_costs_no_memory_without_end() {
        let text = "x".repeat(3 << 20);
        let (_, losses) = read(&text);
        assert_eq!(losses.len(), 3);
    }
}
