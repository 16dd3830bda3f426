//! Reading the logs of auditd.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use memchr::{memchr, memmem};

use crate::error::{Error, ErrorKind};
use crate::event::{Received, Signal};
use crate::message_type::{MessageType, Origin, RecordRole};
use crate::record::{JournalEntry, LogLine};
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame;

/// A [`Source`] that reads the text that auditd writes to `audit.log`, and sends to its plugins.
///
/// It reads raw and enriched lines, with and without `node=`, and the output of
/// `dump --format log`. A line that is not a record becomes a [`Loss`](crate::Loss) with its bytes. A
/// record without the end of its line is [incomplete](crate::event::Missing::Tails), as the last one is
/// after a crash. Input without any record is an error of the kind [`ErrorKind::Log`].
///
/// A log does not state when its records were received, so the source's time is the latest time
/// stamp that it has read. auditd does not write end records, so an event closes after the
/// assembler's window of this time, or at the end of the log. Nor does a log have the kernel's counter of
/// lost records: [the manual](crate::manual::loss) states what its completeness covers.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, log};
///
/// let text: &[u8] = br#"type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=80 success=yes exit=0
/// type=CWD msg=audit(1.000:2): cwd="/root"
/// "#;
/// let mut events = Events::new(log::Reader::new(text));
/// let Some(Delivery::Event(event)) = events.next().transpose()? else { panic!("an event") };
/// assert_eq!((event.records().len(), event.missing()), (2, vec![]));
/// assert!(events.next().is_none() && events.completeness().is_complete());
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    /// The other records of the line that was read last, each as a line.
    pieces: VecDeque<Vec<u8>>,
    frame: Vec<u8>,
    held: Held,
    /// The entry of the journal that is being read.
    entry: JournalEntry,
    now: Tick,
    /// Lines that are not records, and that were read before the first record.
    doubtful: VecDeque<Vec<u8>>,
    doubtful_bytes: usize,
    sign: Sign,
    /// The file's name, for errors.
    path: Option<PathBuf>,
}

/// What was read and not returned yet.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// `frame` holds a record of this time.
    Record {
        at: Tick,
        /// The line lacks its end, or holds more than the record.
        is_torn: bool,
    },
    /// `line` is not a record.
    Line,
}

/// What has shown up to now that the input is a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// Nothing: the input is empty.
    Empty,
    /// Nothing: lines are held back.
    None,
    /// Lines are returned, but none was a record.
    Lines,
    Record,
}

/// A longer line is returned in pieces.
const MAX_LINE: u64 = 1 << 20;

/// How much is read before a text is taken for a log whose records come later.
const MAX_DOUBTFUL: usize = 1 << 20;

impl Reader<BufReader<File>> {
    /// Opens a file. `/dev/stdin` may be a socket, as the standard input of a plugin is.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path)
            .or_else(|error| if is_standard_input(path) { standard_input() } else { Err(error) })
            .map_err(|error| Error::io("open the log", error).with_path(path))?;
        Ok(Self { path: Some(path.to_owned()), ..Self::new(BufReader::new(file)) })
    }
}

/// Returns whether a path names the standard input. A socket cannot be opened by such a path (`ENXIO`).
fn is_standard_input(path: &Path) -> bool {
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

fn standard_input() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

impl<R: BufRead> Reader<R> {
    /// Creates a source that reads a buffered reader, such as the standard input of a plugin.
    pub const fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            pieces: VecDeque::new(),
            frame: Vec::new(),
            held: Held::Nothing,
            entry: JournalEntry::new(),
            now: Tick::ZERO,
            doubtful: VecDeque::new(),
            doubtful_bytes: 0,
            sign: Sign::Empty,
            path: None,
        }
    }

    /// Reads up to the next line to return; `false` at the end.
    fn read(&mut self) -> Result<bool, Error> {
        let mut is_torn = false;
        loop {
            let is_end = !self.read_line()?;
            if !is_end {
                is_torn = self.line.pop_if(|last| *last == b'\n').is_none();
            }
            while self.line.pop_if(|last| *last == b'\r').is_some() {}
            if !is_torn && self.entry.is_binary_field(&self.line) && !self.read_binary_value()? {
                self.held = Held::Line;
                return Ok(true);
            }
            if self.line.is_empty() {
                match self.entry.finish() {
                    Some(line) => self.line = line,
                    None if is_end => break,
                    None => continue,
                }
            } else if self.entry.add(&self.line) || LogLine::is_other(&self.line) {
                if self.sign == Sign::Empty {
                    self.sign = Sign::None;
                }
                continue;
            }
            if let Some((at, message_type)) = self.parse() {
                let is_torn = is_torn || is_damaged(&self.line, message_type);
                self.held = Held::Record { at, is_torn };
                self.sign = Sign::Record;
                return Ok(true);
            }
            if matches!(self.sign, Sign::Empty | Sign::None) {
                self.doubt()?;
                continue;
            }
            self.held = Held::Line;
            return Ok(true);
        }
        match self.sign {
            Sign::Empty | Sign::Record => Ok(false),
            Sign::None | Sign::Lines => Err(self.not_a_log()),
        }
    }

    /// Reads a line with its end, or a piece of one; `false` at the end.
    fn read_line(&mut self) -> Result<bool, Error> {
        if let Some(piece) = self.pieces.pop_front() {
            self.line = piece;
            return Ok(true);
        }
        self.line.clear();
        let mut limited = self.input.by_ref().take(MAX_LINE);
        let count = limited.read_until(b'\n', &mut self.line);
        let count = count.map_err(|error| self.named(Error::io("read the log", error)))?;
        self.split();
        Ok(count > 0)
    }

    /// Appends the binary value of a journal's field to the line: its length in eight bytes, the value, and
    /// the end of a line. Returns whether it is whole.
    fn read_binary_value(&mut self) -> Result<bool, Error> {
        self.line.push(b'=');
        let Self { input, line, .. } = self;
        let mut read = || {
            let mut length = [0; 8];
            input.read_exact(&mut length)?;
            let length = u64::from_le_bytes(length);
            let kept = length.min(MAX_LINE);
            input.by_ref().take(kept).read_to_end(line)?;
            io::copy(&mut input.by_ref().take(length - kept), &mut io::sink())?;
            let mut end = [0];
            input.read_exact(&mut end)?;
            Ok::<_, io::Error>(end == *b"\n" && (kept == length || !line.starts_with(b"MESSAGE=")))
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            result => result.map_err(|error| self.named(Error::io("read the log", error))),
        }
    }

    /// Splits a line with several records: a program joined those of an event, or a torn one has no end of
    /// its line.
    ///
    /// The message of a program can have the form of a record, so it is not split. The kernel encodes
    /// values with a space or quote.
    fn split(&mut self) {
        let line = &self.line;
        let mut starts = memmem::find_iter(line, b"type=").filter_map(|at| {
            let message_type = header_type(line.get(at..)?)?;
            Some((at, message_type))
        });
        let Some((first, mut message_type)) = starts.next() else { return };
        let (mut from, mut pieces) = (first, Vec::new());
        for (at, next) in starts {
            if message_type.origin() != Origin::Kernel {
                break;
            }
            pieces.push(from..at);
            (from, message_type) = (at, next);
        }
        if pieces.is_empty() {
            return;
        }
        pieces.push(from..line.len());
        let before = line.get(..first).unwrap_or_default();
        self.pieces = pieces
            .into_iter()
            .map(|piece| {
                let mut piece = [before, line.get(piece).unwrap_or_default()].concat();
                if let Some(b' ') = piece.last() {
                    piece.push(b'\n'); // it is whole
                }
                piece
            })
            .collect();
        self.line = self.pieces.pop_front().unwrap_or_default();
    }

    /// Holds the line back until a record shows that the input is a log.
    fn doubt(&mut self) -> Result<(), Error> {
        self.sign = Sign::None;
        self.doubtful_bytes += self.line.len();
        self.doubtful.push_back(std::mem::take(&mut self.line));
        let is_full = self.doubtful_bytes > MAX_DOUBTFUL;
        let has_nul = || self.doubtful.iter().any(|line| memchr(0, line).is_some());
        if self.compression().is_some() || (is_full && has_nul()) {
            return Err(self.not_a_log());
        }
        if is_full {
            self.sign = Sign::Lines;
        }
        Ok(())
    }

    fn not_a_log(&mut self) -> Error {
        let (text, remedy) = match self.compression() {
            Some(how) => (format!("the file is compressed by {how}"), "decompress it first"),
            None => (
                "no line is an audit record".to_owned(),
                "use a log of auditd, or the output of ausearch without --interpret",
            ),
        };
        self.doubtful.clear();
        self.named(Error::new("read the log", ErrorKind::Log, remedy).with_text(text))
    }

    /// Returns the name of the program that compressed the input.
    fn compression(&self) -> Option<&'static str> {
        let start = self.doubtful.front()?;
        MAGIC_NUMBERS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name)
    }

    fn named(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => error.with_path(path),
            None => error,
        }
    }

    /// Converts the line into a datagram, and returns its time and type; `None` if it is not a record.
    fn parse(&mut self) -> Option<(Tick, MessageType)> {
        let line = LogLine::parse(&self.line).ok()?;
        let record = line.record().ok()?;
        let message_type = line.message_type();
        if message_type.role() == RecordRole::Control {
            return None; // a control message is not a record
        }
        self.frame = frame::message(message_type, 0, line.text());
        let nanos = u64::try_from(record.id().time().since_epoch().as_nanos()).ok()?;
        Some((Tick::from_nanos(nanos).max(self.now), message_type))
    }
}

/// What compressed files start with.
const MAGIC_NUMBERS: [(&[u8], &str); 4] = [
    (b"\x1F\x8B", "gzip"),
    (b"\xFD7zXZ\0", "xz"),
    (b"\x28\xB5\x2F\xFD", "zstd"),
    (b"BZh", "bzip2"),
];

/// Returns the type of the record that a text begins with: `type=NAME [msg=]audit(…`.
fn header_type(text: &[u8]) -> Option<MessageType> {
    let text = text.strip_prefix(b"type=")?;
    let (name, rest) = text.split_at_checked(memchr(b' ', text)?)?;
    let rest = rest.get(1..)?;
    let stamp = rest.strip_prefix(b"msg=").unwrap_or(rest).strip_prefix(b"audit(")?;
    if !stamp.first()?.is_ascii_digit() {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// Returns whether the line of a record is cut, or holds more than the record: after a crash, a file can
/// have NUL bytes, and syslog cuts long lines.
fn is_damaged(line: &[u8], message_type: MessageType) -> bool {
    // up to what auditd appends
    let text = line.split(|byte| *byte == 0x1D).next().unwrap_or(line);
    let is_cut = match message_type.origin() {
        Origin::Kernel => memchr::memchr_iter(b'"', text).count() % 2 == 1,
        Origin::UserSpace => {
            let message = memmem::find(text, b" msg='").and_then(|at| text.get(at + 6..));
            message.is_some_and(|message| memchr(b'\'', message).is_none())
        }
        _ => false,
    };
    let is_header = |at: usize| line.get(at..).and_then(header_type).is_some();
    let headers = memmem::find_iter(line, b"type=").filter(|at| is_header(*at));
    is_cut || memchr(0, line).is_some() || headers.count() > 1
}

impl<R: BufRead> Source for Reader<R> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        if self.held == Held::Nothing && self.doubtful.is_empty() && !self.read()? {
            return Ok(Signal::End.at(self.now));
        }
        if let Some(line) = self.doubtful.pop_front() {
            self.line = line;
            return Ok(Received::Undecodable { bytes: &self.line, at: self.now });
        }
        if let Held::Record { at, is_torn } = self.held {
            // the clock starts with the first record
            if let Some(until) = until.filter(|until| *until < at && self.now != Tick::ZERO) {
                self.now = self.now.max(until);
                return Ok(Signal::Idle.at(self.now));
            }
            self.held = Held::Nothing;
            self.now = at;
            let needed = if is_torn { Received::UNKNOWN_LENGTH } else { self.frame.len() };
            return Ok(Received::Datagram { bytes: &self.frame, needed, at });
        }
        self.held = Held::Nothing;
        Ok(Received::Undecodable { bytes: &self.line, at: self.now })
    }

    fn has_end_records(&self) -> bool {
        false
    }

    fn has_lost_counter(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, CauseKind, ClosedBy, Count, Delivery, Missing, UnverifiedReason};
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
    fn entries_of_the_journal_are_read_as_records_of_their_host() {
        let entry = |fields: &str| format!("__CURSOR=s=1\n_HOSTNAME=web1\n{fields}_PID=1\n\n");
        let of_audit = "_AUDIT_TYPE=1300\n_AUDIT_ID=2\n_SOURCE_REALTIME_TIMESTAMP=1000000\n\
            MESSAGE=SYSCALL arch=c000003e syscall=80 success=yes exit=0\n";
        let text = [
            entry(of_audit),
            entry("MESSAGE=Started session 1 of user ann.\n"),
            entry("MESSAGE=audit: type=1307 audit(1.000:2): cwd=\"/\"\n"),
            entry("MESSAGE=audit: audit_lost=1 audit_rate_limit=0 audit_backlog_limit=64\n"),
            "__CURSOR=s=2\nMESSAGE=audit: type=1305 audit(1.000:3): op=set audit_enabled=1\n"
                .to_owned(),
        ];
        let (events, losses) = read(&text.concat());
        let found: Vec<_> =
            events.iter().map(|event| (event.node(), event.records().len())).collect();
        assert_eq!(found, [(Some(&b"web1"[..]), 2), (None, 1)]);
        assert_eq!(losses.len(), 1, "{losses:?}");
    }

    #[test]
    fn binary_fields_of_the_journal_are_read() {
        let binary = |name: &str, value: &str| {
            let length = (value.len() as u64).to_le_bytes();
            [name.as_bytes(), b"\n", &length, value.as_bytes(), b"\n"].concat()
        };
        let begin = b"__CURSOR=s=1\n_HOSTNAME=web1\n";
        let cwd = "audisp-syslog[7]: type=CWD msg=audit(1.000:2): cwd=\"/\"\u{1d}NAME=\"a\"";
        // a length whose bytes are the ends of lines, and a field that is longer than any line
        let other = binary("OTHER", &"\n".repeat(0x0A0A));
        let long = binary("COREDUMP", &"x".repeat(3 << 20));
        let parts = [&begin[..], &other, &binary("MESSAGE", cwd), &long, b"\n"];
        let read = |text: &[u8]| {
            let events = Events::new(Reader::new(text)).map(|next| next.expect("memory"));
            events.partition::<Vec<_>, _>(|delivery| matches!(delivery, Delivery::Event(_)))
        };
        let (events, losses) = read(&parts.concat());
        let [Delivery::Event(event)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(event.node(), Some(&b"web1"[..]));
        assert_eq!(losses, []);
        // one that is cut, lacks its end, or is too long is a loss
        let end = &parts.concat()[..];
        for text in [
            [end, &begin[..], &binary("MESSAGE", cwd)[..30]].concat(),
            [end, &begin[..], b"MESSAGE\n\x01\0\0\0\0\0\0\0ty"].concat(),
            [end, &begin[..], &binary("MESSAGE", &"x".repeat(3 << 20))].concat(),
        ] {
            let (events, losses) = read(&text);
            assert_eq!((events.len(), losses.len()), (1, 1), "{losses:?}");
        }
    }

    #[test]
    fn an_endless_line_is_read_in_pieces() {
        let text = [call("1.000:2"), "x".repeat(3 << 20)].concat();
        let (_, losses) = read(&text);
        assert_eq!(losses.len(), 3);
    }

    #[test]
    fn a_record_without_the_end_of_its_line_is_incomplete() {
        let whole = [call("1.000:2"), call("5.000:3")].concat();
        let torn = "type=CWD msg=audit(1.000:1): cwd=\"/ho";
        for (text, torn) in [
            (whole.clone(), None),
            (whole.trim_end().to_owned(), Some(3)),
            ([whole.trim_end(), " \0\0\n"].concat(), Some(3)),
            ([torn, &call("1.000:1"), &whole].concat(), Some(1)),
        ] {
            let mut events = Events::new(Reader::new(text.as_bytes()));
            let deliveries: Vec<_> = events.by_ref().collect::<Result<_, _>>().expect("memory");
            let is_complete = events.completeness().is_complete();
            assert_eq!(is_complete, torn.is_none(), "{text:?}");
            for delivery in deliveries {
                match delivery {
                    Delivery::Event(event) => {
                        let is_torn = torn == Some(event.id().serial());
                        assert_eq!(
                            event.missing().contains(&Missing::Tails(1)),
                            is_torn,
                            "{event:?}"
                        );
                    }
                    Delivery::Loss(loss) => {
                        assert_eq!(
                            (loss.cause(), loss.count()),
                            (&Cause::Truncated, Count::Unknown)
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn records_that_were_joined_on_a_line_are_separated() {
        let call = call("1.000:2");
        let cwd = "type=CWD msg=audit(1.000:2):  cwd=\"/\"";
        let path = "type=PATH msg=audit(1.000:2): item=0 name=\"/a\"";
        for before in ["", "node=web1 ", "Dec 26 19:37:30 web1 audispd: "] {
            let line = format!("{before}{} {cwd} {path}\n", call.trim_end());
            let (events, losses) = read(&line);
            assert_eq!((events.len(), losses.len()), (1, 0), "{line}");
            assert_eq!((events[0].records().len(), events[0].missing()), (3, vec![]), "{line}");
            assert_eq!(events[0].node().is_some(), !before.is_empty());
        }
        let forged =
            format!("type=USER msg=audit(1.000:2): pid=7 msg='op=x {} '\n", call.trim_end());
        let (events, _) = read(&forged);
        assert_eq!(events[0].records().len(), 1, "a program said this");
        assert_eq!(events[0].missing(), [Missing::Tails(1)]);
    }

    #[test]
    fn a_record_that_syslog_cut_is_incomplete() {
        for (line, is_cut) in [
            ("type=CWD msg=audit(1.000:2): cwd=\"/ho\n", true),
            ("type=CWD msg=audit(1.000:2): cwd=\"/home\"\n", false),
            ("type=USER msg=audit(1.000:2): pid=7 msg='op=x hos>\n", true),
            ("type=USER msg=audit(1.000:2): pid=7 msg='op=x res=yes'\x1DUID=\"a\"\n", false),
        ] {
            let (events, _) = read(&[&call("1.000:2"), line].concat());
            let tails = events.iter().flat_map(Event::missing);
            assert_eq!(tails.filter(|it| *it == Missing::Tails(1)).count() == 1, is_cut, "{line}");
        }
    }

    #[test]
    fn a_log_is_complete_if_it_shows_nothing_to_be_missing() {
        let completeness = |text: &str| {
            let mut events = Events::new(Reader::new(text.as_bytes()));
            events.by_ref().for_each(|delivery| drop(delivery.expect("memory")));
            events.completeness().reasons().to_vec()
        };
        let cwd = "type=CWD msg=audit(1.000:2): cwd=\"/\"\n";
        let whole = [&call("1.000:2"), cwd, &call("1.004:3")].concat();
        assert_eq!(completeness(&whole), []);
        assert_eq!(completeness(""), [UnverifiedReason::NoRecords], "it may have been rotated");
        let lost = |cause| vec![UnverifiedReason::Lost { cause, total: 1 }];
        let gap = [&whole, &call("9.000:5")[..]].concat();
        assert_eq!(completeness(&gap), lost(CauseKind::SerialGap));
        let line = [&whole, "nonsense\n"].concat();
        assert_eq!(completeness(&line), lost(CauseKind::Undecodable));
        let torn = [&whole, cwd.trim_end()].concat();
        assert!(completeness(&torn).contains(&UnverifiedReason::Incomplete(1)));
        let reset =
            "type=CONFIG_CHANGE msg=audit(2.000:4): op=set lost=0 old=9 auid=0 ses=1 res=1\n";
        let reset = [&whole, reset].concat();
        assert_eq!(completeness(&reset), [UnverifiedReason::Uncounted(1)], "the kernel lost some");
    }

    #[test]
    fn a_file_that_is_no_log_is_an_error() {
        let error = |bytes: &[u8]| {
            let mut losses = 0;
            let end = Events::new(Reader::new(bytes)).find_map(|delivery| match delivery {
                Ok(Delivery::Event(event)) => panic!("{event:?}"),
                Ok(Delivery::Loss(_)) => {
                    losses += 1;
                    None
                }
                Err(error) => Some(error),
            });
            let error = end.expect("an error");
            assert_eq!(error.kind(), &ErrorKind::Log);
            assert!(error.remedy().is_some());
            (error.to_string(), losses)
        };
        let none = "cannot read the log: no line is an audit record".to_owned();
        assert_eq!(error(b"Dec 26 19:37:29 web sshd[7]: a message\n"), (none.clone(), 0));
        assert_eq!(error(b"some text\nand more\n"), (none.clone(), 0));
        let program = [&b"\x7FELF\n\0"[..], &[0; 40], b"\n"].concat().repeat(30_000);
        assert_eq!(error(&program), (none.clone(), 0));
        let gzip = "cannot read the log: the file is compressed by gzip".to_owned();
        assert_eq!(error(b"\x1F\x8B\x08\0\0\n\xFF"), (gzip, 0));
        let interpreted = b"type=CWD msg=audit(11/14/23 22:13:20.123:30) : cwd=/\n";
        assert_eq!(error(interpreted), (none, 0));
    }

    #[test]
    fn records_after_much_other_text_are_read() {
        let text = ["a line of another program\n".repeat(100_000), call("1.000:2")].concat();
        let (events, losses) = read(&text);
        assert_eq!((events.len(), losses.len()), (1, 100_000));
    }
}
