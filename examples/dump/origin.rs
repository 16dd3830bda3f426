//! Where events come from: the live kernel, or a file.

use std::fs::File;
use std::io::{self, BufReader, Stdin, Write};

use auditlink::event::Received;
use auditlink::time::Tick;
use auditlink::{Control, Error, Receiver, Source, capture, log};

use crate::options::Input;

/// Recorded on a real kernel; see `PROVENANCE.md` beside it.
const DEMO: &[u8] = include_bytes!("demo.pcap");

/// The live kernel or a file.
pub(crate) enum Origin {
    Live(Box<Live>),
    Demo(Box<capture::Reader<&'static [u8]>>),
    Capture(Box<capture::Reader<File>>),
    Log(log::Reader<BufReader<File>>),
    StandardInput(log::Reader<BufReader<Stdin>>),
}

impl Origin {
    pub(crate) fn open(input: &Input) -> Result<Self, Error> {
        Ok(match input {
            Input::Observer => Self::Live(Box::new(Live::new(Receiver::observer().open()?))),
            Input::Daemon => Self::Live(Box::new(Live::new(Receiver::daemon().open()?))),
            Input::Demo => Self::Demo(Box::new(capture::Reader::new(DEMO)?)),
            Input::Log(_) if input.is_pipe() => {
                Self::StandardInput(log::Reader::new(BufReader::new(io::stdin())))
            }
            Input::Log(path) => Self::Log(log::Reader::open(path)?),
            Input::Capture(path) => Self::Capture(Box::new(capture::Reader::open(path)?)),
        })
    }
}

impl Source for Origin {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        match self {
            Self::Live(live) => live.recv(until),
            Self::Demo(reader) => reader.recv(until),
            Self::Capture(reader) => reader.recv(until),
            Self::Log(reader) => reader.recv(until),
            Self::StandardInput(reader) => reader.recv(until),
        }
    }

    fn has_end_records(&self) -> bool {
        match self {
            Self::Log(reader) => reader.has_end_records(),
            Self::StandardInput(reader) => reader.has_end_records(),
            Self::Live(_) | Self::Demo(_) | Self::Capture(_) => true,
        }
    }
}

/// A receiver, with the kernel's counter of lost records read at the start and at the end.
///
/// In between it would have to be another thread: a request can block.
pub(crate) struct Live {
    receiver: Receiver,
    reading: Reading,
}

/// When the counter is read next.
enum Reading {
    First,
    Running,
    Last,
    Done,
}

impl Live {
    fn new(receiver: Receiver) -> Self {
        Self { receiver, reading: Reading::First }
    }

    /// Reads the counter, where this process may.
    fn lost_counter(&self) -> Received<'static> {
        let at = self.receiver.now();
        match Control::open().and_then(|mut control| control.status()) {
            Ok(status) => Received::LostCounter { total: status.lost, at },
            Err(error) => {
                eprintln!("dump: what the kernel itself loses is not known: {error}");
                Received::Quiet { at }
            }
        }
    }

    /// Stops listening. What was received before still comes.
    fn finish(&mut self) -> Result<(), Error> {
        self.reading = Reading::Last;
        self.receiver.finish()
    }
}

impl Source for Live {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        match self.reading {
            Reading::First => {
                self.reading = Reading::Running;
                return Ok(self.lost_counter());
            }
            Reading::Last => {
                self.reading = Reading::Done;
                return Ok(self.lost_counter());
            }
            Reading::Running | Reading::Done => {}
        }
        self.receiver.recv(until)
    }
}

/// A source that can be told to stop: what it has still comes, then its end.
pub(crate) trait Finish: Source {
    fn finish(&mut self) -> Result<(), Error>;
}

impl Finish for Origin {
    fn finish(&mut self) -> Result<(), Error> {
        match self {
            Self::Live(live) => live.finish(),
            _ => Ok(()),
        }
    }
}

impl<W: Write> Finish for capture::Tee<Origin, W> {
    fn finish(&mut self) -> Result<(), Error> {
        self.source_mut().finish()
    }
}
