//! Recording what passes through a source.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use super::Writer;
use crate::error::Error;
use crate::event::Received;
use crate::source::Source;
use crate::time::Tick;

/// A source that writes to a capture whatever it hands over from another.
#[derive(Debug)]
pub struct Tee<S, W: Write> {
    source: S,
    writer: Writer<W>,
}

impl<S: Source, W: Write> Tee<S, W> {
    /// Records what comes from `source`.
    pub const fn new(source: S, writer: Writer<W>) -> Self {
        Self { source, writer }
    }

    /// Returns the source behind it, to be changed.
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Ends the recording and gives both parts back.
    pub fn into_parts(self) -> (S, Writer<W>) {
        (self.source, self.writer)
    }
}

impl<S: Source, W: Write> Source for Tee<S, W> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        let received = self.source.recv(until)?;
        self.writer.write(&received)?;
        Ok(received)
    }

    fn has_end_records(&self) -> bool {
        self.source.has_end_records()
    }

    fn deadline(&self) -> Option<Tick> {
        self.source.deadline()
    }

    fn current_tick(&self) -> Option<Tick> {
        self.source.current_tick()
    }
}

impl<S: AsFd, W: Write> AsFd for Tee<S, W> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}
