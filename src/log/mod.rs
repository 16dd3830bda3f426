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
mod tests;
