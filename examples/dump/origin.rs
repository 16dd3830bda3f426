//! Where events come from: the running kernel, or a file.

use std::fs::File;
use std::io::{self, BufReader, Stdin, Write};

use auditlink::event::Received;
use auditlink::time::Tick;
use auditlink::{Error, Receiver, Source, capture, log};

use crate::options::Input;

/// A capture of a real kernel; see `PROVENANCE.md` in this directory.
const DEMO: &[u8] = include_bytes!("demo.pcap");

/// The running kernel or a file.
pub(crate) enum Origin {
    Live(Box<Receiver>),
    Demo(Box<capture::Reader<&'static [u8]>>),
    Capture(Box<capture::Reader<File>>),
    Log(log::Reader<BufReader<File>>),
    StandardInput(log::Reader<BufReader<Stdin>>),
}

impl Origin {
    pub(crate) fn open(input: &Input) -> Result<Self, Error> {
        Ok(match input {
            Input::Observer => Self::Live(Box::new(Receiver::observer().open()?)),
            Input::Daemon => Self::Live(Box::new(Receiver::daemon().open()?)),
            Input::Demo => Self::Demo(Box::new(capture::Reader::new(DEMO)?)),
            Input::Log(_) if input.is_standard_input() => {
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

    fn has_lost_counter(&self) -> bool {
        match self {
            Self::Log(reader) => reader.has_lost_counter(),
            Self::StandardInput(reader) => reader.has_lost_counter(),
            Self::Live(_) | Self::Demo(_) | Self::Capture(_) => true,
        }
    }

    fn current_tick(&self) -> Option<Tick> {
        match self {
            Self::Live(live) => live.current_tick(),
            Self::Demo(_) | Self::Capture(_) | Self::Log(_) | Self::StandardInput(_) => None,
        }
    }
}

/// A source that can be asked to end after delivering what it has, and that may be recorded.
pub(crate) trait Finish: Source {
    fn finish(&mut self) -> Result<(), Error>;

    /// Returns the error that ended the recording.
    fn recording_error(&self) -> Option<&Error> {
        None
    }
}

impl Finish for Origin {
    fn finish(&mut self) -> Result<(), Error> {
        match self {
            Self::Live(live) => live.finish(),
            _ => Ok(()),
        }
    }
}

impl Finish for Receiver {
    fn finish(&mut self) -> Result<(), Error> {
        Self::finish(self)
    }
}

impl<S: Finish, W: Write> Finish for capture::Tee<S, W> {
    fn finish(&mut self) -> Result<(), Error> {
        self.source_mut().finish()
    }

    fn recording_error(&self) -> Option<&Error> {
        Self::recording_error(self)
    }
}
